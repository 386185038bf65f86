"""`tocsin journal`: look into a collector's journal, read it out, erase from it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tocsin_collector.journal.segment import Name
    from tocsin_schema.block import Block

_DATA = click.option(
    "--data", default="data", envvar="TOCSIN_DATA_DIR", show_default=True, help="The collector's data folder."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_PROJECT = click.option("--project", default="", help="Of this project only.")
_MODEL = click.option("--model", default="", help="Of this model only.")


@click.group("journal")
def command() -> None:
    """The durable record of what was acknowledged. Reading it is safe while a collector runs.

    \b
    Example:
      tocsin journal ls --data /var/lib/tocsin
    """


@command.command("ls")
@_DATA
@_JSON
def ls(data: str, as_json: bool) -> None:
    """List the segments, oldest first: position, bytes, events, and between which event times they lie.

    \b
    Example:
      tocsin journal ls --data /var/lib/tocsin --json
    """
    rows = [_listed(name) for name in _segments(data)]
    if not as_json:
        click.echo(f"{'POSITION':>20} {'BYTES':>12} {'EVENTS':>10} {'FIRST':<27} {'LAST':<27} STATE")
    for row in rows:
        line = "{position:>20} {bytes:>12} {events:>10} {first:<27} {last:<27} {state}".format(**row)
        click.echo(json.dumps(row) if as_json else line)


@command.command("verify")
@_DATA
@_JSON
def verify(data: str, as_json: bool) -> None:
    """Check every record's checksum. Exit code 1 when bytes are damaged, each stretch with its file and offset.

    \b
    Example:
      tocsin journal verify --data /var/lib/tocsin || echo restore it
    """
    from tocsin_collector.journal.reading import is_sealed, read
    from tocsin_collector.journal.records import Record

    sound = damaged = 0
    for found in read(_folder(data)):
        if isinstance(found.item, Record):
            sound += 1
        elif not found.item.last or is_sealed(found.segment):  # else a torn tail, which the next start cuts
            damaged += 1
            place = {"file": str(found.segment.path), "offset": found.item.start}
            place["bytes"] = found.item.end - found.item.start
            click.echo(
                json.dumps(place) if as_json else "{file}: {bytes} bytes at {offset} are damaged".format(**place)
            )
    total = {"records": sound, "damaged": damaged}
    click.echo(json.dumps(total) if as_json else f"{sound} records are sound, {damaged} stretches are damaged")
    sys.exit(bool(damaged))


@command.command("export")
@_DATA
@_PROJECT
@_MODEL
def export(data: str, project: str, model: str) -> None:
    """Write the events to standard output as JSON, one a line, as a collector takes them.

    \b
    Example:
      tocsin journal export --model credit > credit.ndjson
      curl --data-binary @credit.ndjson -H 'content-type: application/x-ndjson' http://127.0.0.1:10301/v1/events
    """
    from tocsin_collector.ingest.rows import events

    for block in _blocks(data):
        if project in ("", block.project) and model in ("", block.model):
            for event in events(block):
                click.echo(json.dumps(event, separators=(",", ":")))


@command.command("forget")
@click.option("--id", "event_id", required=True, help="The id of the events.")
@_DATA
@_PROJECT
@_MODEL
@_JSON
def forget(event_id: str, data: str, project: str, model: str, as_json: bool) -> None:
    """Erase every prediction, label and outcome of an id. The collector must be stopped; its next start counts what is
    left. References that were taken from past rows keep theirs: take them anew.

    \b
    Example:
      tocsin journal forget --id order-4711 --data /var/lib/tocsin
    """
    from tocsin_collector.ingest.forget import Whose
    from tocsin_collector.ingest.forget import forget as erase
    from tocsin_collector.journal import JournalError

    try:
        erased = erase(_folder(data), Whose(event_id, project, model))
    except (JournalError, OSError) as error:
        click.echo(error, err=True)
        sys.exit(1)
    click.echo(json.dumps({"erased": erased}) if as_json else f"{erased} events of {event_id!r} are erased")


def _folder(data: str) -> Path:
    folder = Path(data) / "journal"
    if not folder.is_dir():
        click.echo(f"{folder}: no journal; name the collector's data folder with --data", err=True)
        sys.exit(1)
    return folder


def _segments(data: str) -> "list[Name]":
    from tocsin_collector.journal.segment import segments

    return segments(_folder(data))


def _blocks(data: str) -> "Iterator[Block]":
    from tocsin_collector.ingest.intake import BLOCK_RECORD
    from tocsin_collector.journal.reading import read
    from tocsin_collector.journal.records import Record
    from tocsin_schema.block import decode

    for found in read(_folder(data)):
        if isinstance(found.item, Record) and found.item.type == BLOCK_RECORD:
            yield decode(found.item.payload)


def _listed(name: "Name") -> dict[str, Any]:
    from tocsin_collector.ingest import times
    from tocsin_collector.ingest.intake import BLOCK_RECORD
    from tocsin_collector.journal.reading import contents, is_sealed
    from tocsin_collector.journal.records import Record, scan
    from tocsin_schema.block import decode

    records = [found for found in scan(contents(name), name.marker) if isinstance(found, Record)]
    blocks = [decode(record.payload) for record in records if record.type == BLOCK_RECORD]
    moments = [memoryview(block.columns["time"].data).cast("B").cast("q") for block in blocks if block.rows]
    return {
        "position": name.base,
        "file": name.path.name,
        "bytes": records[-1].end if records else 0,
        "events": sum(block.rows for block in blocks),
        "first": times.text(min(map(min, moments))) if moments else "",
        "last": times.text(max(map(max, moments))) if moments else "",
        "state": "sealed" if is_sealed(name) else "open",
    }
