"""`tocsin reference create`: give a model what its windows are compared with."""

import sys

import click

from tocsin_collector.access import access, shown
from tocsin_collector.refusal import reason, unreachable
from tocsin_schema.ports import COLLECTOR_LISTEN

FEWEST_WINDOWS = 14
DEFAULT = f"http://{COLLECTOR_LISTEN}"


@click.group("reference")
def command() -> None:
    """What a model's windows are compared with."""


@command.command("create")
@click.argument("project")
@click.argument("model")
@click.option("--version", default="", help="The model's version.")
@click.option("--file", "path", type=click.Path(exists=True, dir_okay=False), help="CSV file, gzip or not.")
@click.option("--from", "start", help="Or: a past window's start, RFC 3339.")
@click.option("--to", "end", help="And its end, excluded.")
@click.option("--collector", "url", default=DEFAULT, envvar="TOCSIN_COLLECTOR", help="Its address.", show_default=True)
@access
def create(
    project: str,
    model: str,
    version: str,
    path: str | None,
    start: str | None,
    end: str | None,
    url: str,
    **files: str | None,
) -> None:
    """Take the reference of PROJECT's MODEL from a CSV file or from rows that came before.

    \b
    Example:
      tocsin reference create demo flights --version 1 --file reference.csv
      tocsin reference create shop credit --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z
    """
    if bool(path) == bool(start and end):
        raise click.UsageError("give either --file or both --from and --to")
    import requests

    from tocsin_collector.page.address import segment

    query = {"version": version} | ({"from": start, "to": end} if not path else {})
    address = f"{url.rstrip('/')}/v1/references/{segment(project)}/{segment(model)}"
    body = b""
    if path:
        with open(path, "rb") as file:
            body = file.read()
    how = shown(**files)
    how["headers"]["content-type"] = "text/csv"
    try:
        answer = requests.put(address, params=query, data=body, timeout=120, **how)
    except requests.RequestException:
        click.echo(unreachable(url), err=True)
        sys.exit(1)
    if not answer.ok:
        click.echo(reason(answer), err=True)
        sys.exit(1)
    told = answer.json()
    click.echo(
        f"{told['rows']} rows in {told['windows']} windows are the reference of {project}/{model} {version}".rstrip()
    )
    if told["windows"] < FEWEST_WINDOWS:
        click.echo(f"with fewer than {FEWEST_WINDOWS} windows most drift cannot be told from chance", err=True)
