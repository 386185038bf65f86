"""`tocsin audit`: who did and read what, and whether the log of it is what was written."""

import json
import os

import click


@click.group("audit")
def command() -> None:
    """The audit log: administration and reads of data. It is text, one record a line, in DATA/audit.

    \b
    Example:
      tocsin audit verify --data /var/lib/tocsin
    """


@command.command("verify")
@click.option("--config", "file", type=click.Path(dir_okay=False), help="The collector's TOML file.")
@click.option("--data", help="The collector's folder. [default: data_dir of the configuration]")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def verify_command(file: str | None, data: str | None, as_json: bool) -> None:
    """Follow the log from its first record to its last, and tell where it was changed, cut or reordered.

    The hash that is printed stands for the whole log: note it elsewhere, and whoever rewrites all of it is found too.
    Exit codes: 0 as it was written, 1 not.

    \b
    Example:
      tocsin audit verify --data /var/lib/tocsin
    """
    from tocsin_collector.audit import AuditError, verify
    from tocsin_collector.audit.chain import Head
    from tocsin_collector.datafolder import data_folder
    from tocsin_collector.doors.keys import path_of

    folder = data_folder(file, data)
    head, fault = Head(), ""
    try:
        head = verify(os.path.join(folder, "audit"))
    except (AuditError, OSError) as error:
        fault = str(error)
    if not head.records and os.path.exists(path_of(folder)):
        fault = fault or f"{folder}: there are keys, and no record of the making of one: the log was taken away"
    if fault:
        click.echo(json.dumps({"intact": False, "fault": fault}) if as_json else fault, err=not as_json)
        raise SystemExit(1)
    said = {"intact": True, "records": head.records, "hash": head.hash}
    intact = f"{head.records} records, intact; the last hash is {head.hash}"
    nothing = "0 records: nothing has been recorded here, or all of it was taken away"
    click.echo(json.dumps(said) if as_json else intact if head.records else nothing)
