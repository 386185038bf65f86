"""`tocsin collector`: the service."""

import os
import sys

import click


@click.command("collector")
@click.option("--config", "file", type=click.Path(dir_okay=False), help="TOML file; `tocsin check FILE` validates it.")
@click.option("--listen", help="ADDRESS:PORT of the page, the API and /metrics; port 0 takes a free one.")
@click.option("--data", help="Folder of journal, logs and alarms.")
def command(file: str | None, listen: str | None, data: str | None) -> None:
    """Run the collector: take events and logs, judge models, show the page, raise alarms.

    \b
    Example:
      tocsin collector --listen 127.0.0.1:10301 --data ./data
    """
    from tocsin_schema.config import ConfigError, load
    from tocsin_schema.settings.collector import COLLECTOR

    try:
        values = load(COLLECTOR, file, os.environ)
    except ConfigError as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        raise SystemExit(78) from None
    if listen:
        values["listen"] = listen
    if data:
        values["data_dir"] = data
    from tocsin_collector.web import run

    sys.exit(run(values))
