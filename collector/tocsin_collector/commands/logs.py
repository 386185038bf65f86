"""`tocsin logs search`: the embedded store from the command line, through a running collector."""

import json
import sys
from typing import Any, NoReturn

import click

from tocsin_collector.access import access, shown
from tocsin_collector.refusal import reason, unreachable
from tocsin_schema.logrecord import LEVELS

_COLOURS = {"warning": "yellow", "error": "red", "critical": "red"}


@click.group("logs")
def command() -> None:
    """Search the logs that the collector keeps."""


@command.command("search")
@click.argument("text", required=False, default="")
@click.option("--since", default="", help="A time like 2013-12-05T10:00:00Z, or a span: 90s, 15m, 2h, 7d.")
@click.option("--until", default="", help="Like --since.")
@click.option("--level", type=click.Choice(LEVELS), help="This level and worse.")
@click.option("--host", default="", help="Records of one host.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True, help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a record.")
@access
def search(
    text: str,
    since: str,
    until: str,
    level: str | None,
    host: str,
    limit: int,
    as_json: bool,
    url: str,
    **files: str | None,
) -> None:
    """Search for TEXT: words, "phrases", prefix*; all must be there. Newest last, as in a file.

    \b
    Example:
      tocsin logs search 'timeout flight*' --since 1h --level warning
    """
    wanted = {"q": text, "since": since, "until": until, "level": level or "", "host": host, "limit": str(limit)}
    answer = _get(url, wanted, shown(**files))
    records = answer["records"]
    for record in reversed(records):
        click.echo(json.dumps(record) if as_json else _line(record))
    if not as_json:
        more = "more than " if answer["total_capped"] else ""
        click.echo(f"{len(records)} of {more}{answer['total']} records", err=True)


def _get(base: str, wanted: dict[str, str], how: dict[str, Any]) -> dict[str, list[dict[str, object]]]:
    import requests

    asked = {name: text for name, text in wanted.items() if text}
    try:
        answer = requests.get(f"{base.rstrip('/')}/v1/logs", params=asked, timeout=30, **how)
        if not answer.ok:
            _fail(reason(answer))
        found: dict[str, list[dict[str, object]]] = answer.json()
    except requests.JSONDecodeError:
        _fail(f"{base} answers what is not JSON: no collector")
    except requests.RequestException as error:
        _fail(unreachable(base, error))
    return found


def _fail(said: str) -> NoReturn:
    click.echo(said, err=True)
    sys.exit(1)


def _line(record: dict[str, object]) -> str:
    level = str(record.get("log.level", ""))
    shown = click.style(f"{level:<8}", fg=_COLOURS.get(level))
    return f"{record['@timestamp']} {shown} {record.get('host.name', '')} {record['message']}"
