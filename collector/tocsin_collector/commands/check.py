"""`tocsin check`: validate a configuration file without starting anything."""

import os
import time

import click


@click.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def command(file: str) -> None:
    """Validate the collector's configuration FILE and tell every fault: keys, values, addresses, authorities, who is
    asked as whom, and its web.yml with every certificate in it. No server is asked.

    \b
    Example:
      tocsin check collector.toml
    """
    from tocsin_collector.doors.counts import Counts
    from tocsin_collector.doors.quota import Quotas
    from tocsin_collector.doors.webfile import protection
    from tocsin_collector.ingest.receiptkeys import receipt_keys
    from tocsin_collector.journal.retention import limits_of
    from tocsin_collector.monitor.calendar import calendar
    from tocsin_collector.monitor.stakes import stakes
    from tocsin_collector.provision import settings
    from tocsin_collector.reports.scheduler import plans
    from tocsin_schema.config import ConfigError, load
    from tocsin_schema.settings.collector import COLLECTOR

    try:
        values = load(COLLECTOR, file, os.environ)
        settings.check(values, targets=False)
        protection(str(values["web_config_file"]))
        Quotas(values, Counts(), time.monotonic)
        limits_of(values, 0.0)
        receipt_keys(str(values["receipts.keys_file"]))
        stakes(values)
        plans(values["reports.schedule"])  # type: ignore[arg-type]
        calendar(values)
    except ConfigError as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        raise SystemExit(78) from None
    click.echo(f"{file}: ok")
