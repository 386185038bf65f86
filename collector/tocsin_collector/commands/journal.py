"""`tocsin journal`: look into a collector's journal, read it out, erase from it."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tocsin_collector.access import access, shown

if TYPE_CHECKING:
    from tocsin_collector.journal.reading import Found
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
    """List the segments, oldest first: position, bytes, events, between which event times they lie, and how many
    stretches of them are damaged or of another version.

    \b
    Example:
      tocsin journal ls --data /var/lib/tocsin --json
    """
    rows = []
    with _told():
        for name in _segments(data):
            with contextlib.suppress(FileNotFoundError):  # retention has just dropped it
                rows.append(_listed(name))
    if not as_json:
        click.echo(f"{'POSITION':>20} {'BYTES':>12} {'EVENTS':>10} {'FIRST':<27} {'LAST':<27} {'STATE':<6} UNREADABLE")
    for row in rows:
        line = "{position:>20} {bytes:>12} {events:>10} {first:<27} {last:<27} {state:<6} {unreadable:>10}".format(
            **row
        )
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
    from tocsin_collector.journal.reading import is_damage, read
    from tocsin_collector.journal.records import Record

    sound = damaged = 0
    with _told():
        for found in read(_folder(data)):
            sound += isinstance(found.item, Record)
            if is_damage(found):
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
    from tocsin_collector.ingest.stored import Which, stored

    which, written = Which(project, model), 0
    with _told():
        for found in stored(_folder(data)):
            for event in events(found.block) if which.of(found.block) else ():
                click.echo(json.dumps(event, separators=(",", ":")))
                written += 1
    if not written:
        click.echo(f"no event of project {project or 'any'!r}, model {model or 'any'!r} is in the journal", err=True)


@command.command("replay")
@_DATA
@_PROJECT
@_MODEL
@click.option("--from", "start", default="", help="Only events from this time on, RFC 3339.")
@click.option("--to", "end", default="", help="Only events before this time.")
@access
@_JSON
def replay(
    data: str, project: str, model: str, start: str, end: str, url: str, as_json: bool, **files: str | None
) -> None:
    """Send the events again, to fill another collector. What it has already, it counts once: a replay that broke off is
    simply run again. Exit code 1 when rows were refused, each code with its count.

    \b
    Example:
      tocsin journal replay --data /var/lib/tocsin --collector http://new-host:10301
      tocsin journal replay --project shop --model credit --from 2026-11-01T00:00:00Z --json
    """
    from tocsin_collector.ingest.replay import Replayed, ReplayError, Sender, replay
    from tocsin_collector.ingest.stored import Which, stored
    from tocsin_collector.journal import JournalError

    which = Which(project, model, _micros(start, "--from"), _micros(end, "--to"))
    folder, done = _folder(data), Replayed()
    try:
        with _progress(folder) as reached:
            for position in replay(stored(folder), which, Sender(url, shown(**files)), done):
                reached(position)
    except (JournalError, ReplayError) as error:
        click.echo(f"{error}; {done.accepted + done.duplicate} events are there", err=True)
        sys.exit(1)
    refused = {code: count for code, count in done.rejected.items() if count}
    found = {"blocks": done.blocks, "accepted": done.accepted, "duplicate": done.duplicate, "rejected": refused}
    line = "{accepted} events are new there, {duplicate} were known".format(**found)
    click.echo(
        json.dumps(found) if as_json else ", ".join([line, *(f"{n} refused: {code}" for code, n in refused.items())])
    )
    sys.exit(bool(refused))


@command.command("forget")
@click.option("--id", "event_id", required=True, help="The id of the events.")
@_DATA
@_PROJECT
@_MODEL
@_JSON
def forget(event_id: str, data: str, project: str, model: str, as_json: bool) -> None:
    """Erase every prediction, label and outcome of an id, from Parquet files too. The collector must be stopped; its
    next start counts what is left. References that were taken from past rows keep theirs: take them anew. That it was
    done is in the audit log, without the id. Exit code 1 when a stretch of the journal cannot be read: it stays, and
    may have more of them.

    \b
    Example:
      tocsin journal forget --id order-4711 --data /var/lib/tocsin
    """
    from tocsin_collector.audit import AuditError
    from tocsin_collector.ingest.forget import Whose
    from tocsin_collector.ingest.forget import forget as erase
    from tocsin_collector.journal import JournalError

    folder, whose = _folder(data), f"an id of project {project or 'any'}, model {model or 'any'}"
    try:
        _on_record(folder, f"forget {whose}", "begun")
        gone = erase(folder, Whose(event_id, project, model))
        _on_record(folder, f"forget {whose}", f"erased {gone.events} events, {gone.rows} rows of files")
    except (AuditError, JournalError, OSError) as error:
        click.echo(error, err=True)
        sys.exit(1)
    line = f"{gone.events} events of {event_id!r} are erased" + (
        f", and {gone.rows} rows of files" if gone.rows else ""
    )
    told = {"erased": gone.events, "parquet_rows": gone.rows, "unreadable": gone.unreadable}
    click.echo(json.dumps(told) if as_json else line)
    if gone.unreadable:
        click.echo(
            f"{gone.unreadable} stretches of the journal cannot be read and stay: they may have more of its events; "
            "tocsin journal ls and verify name their segments",
            err=True,
        )
        sys.exit(1)


def _on_record(folder: Path, what: str, outcome: str) -> None:
    """In the audit log of the collector whose journal it is; a folder of segments alone, as of a backup, has none."""
    from tocsin_collector.audit.terminal import record

    if folder.name == "journal":
        record(str(folder.parent), what, outcome, time.time())


def _folder(data: str) -> Path:
    """The journal of a data folder, or a folder of segments as a backup has them."""
    from tocsin_collector.journal.segment import segments

    folder = Path(data) / "journal"
    if not folder.is_dir() and segments(Path(data)):
        return Path(data)
    if not folder.is_dir():
        click.echo(f"{folder}: no journal; name the collector's data folder with --data", err=True)
        sys.exit(1)
    return folder


def _segments(data: str) -> "list[Name]":
    from tocsin_collector.journal.segment import segments

    return segments(_folder(data))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """End with one line where the journal cannot be read."""
    from tocsin_collector.journal import JournalError

    try:
        yield
    except (JournalError, PermissionError) as error:
        click.echo(error, err=True)
        sys.exit(1)


def _micros(text: str, option: str) -> int | None:
    from tocsin_collector.ingest import times

    try:
        return times.parse(text) if text else None
    except ValueError as error:
        raise click.UsageError(f"{option} {text!r:.60}: {error}") from None


@contextlib.contextmanager
def _progress(folder: Path) -> Iterator[Callable[[int], None]]:
    """A bar over the journal's bytes, on a terminal only; give it the positions."""
    from tocsin_collector.journal.segment import segments

    names = segments(folder)
    first = names[0].base if names else 0
    last = names[-1].base + names[-1].path.stat().st_size if names else 0
    with click.progressbar(length=last - first, label="replay", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        yield lambda position: bar.update(position - first - bar.pos)


def _listed(name: "Name") -> dict[str, Any]:
    from tocsin_collector.ingest import times
    from tocsin_collector.journal.reading import Found, is_sealed, items
    from tocsin_collector.journal.records import Record

    found = [Found(name, item) for item in items(name)]
    blocks, unreadable = _blocks(found)
    moments = [memoryview(block.columns["time"].data).cast("B").cast("q") for block in blocks if block.rows]
    return {
        "position": name.base,
        "file": name.path.name,
        "bytes": max((one.item.end for one in found if isinstance(one.item, Record)), default=0),
        "events": sum(block.rows for block in blocks),
        "first": times.text(min(map(min, moments))) if moments else "",
        "last": times.text(max(map(max, moments))) if moments else "",
        "state": "sealed" if is_sealed(name) else "open",
        "unreadable": unreadable,
    }


def _blocks(found: "Iterable[Found]") -> "tuple[list[Block], int]":
    """The blocks of a segment, and how many of its stretches are damaged or of another version."""
    from tocsin_collector.ingest.intake import BLOCK_RECORD
    from tocsin_collector.journal.reading import is_damage
    from tocsin_collector.journal.records import Record
    from tocsin_schema.block import BlockError, decode

    blocks, unreadable = [], 0
    for one in found:
        if not isinstance(one.item, Record):
            unreadable += is_damage(one)
        elif one.item.type == BLOCK_RECORD:
            try:
                blocks.append(decode(one.item.payload))
            except BlockError:
                unreadable += 1
    return blocks, unreadable
