"""`tocsin reference`: give a model what its windows are compared with, and see what it was given."""

import json
from datetime import UTC, datetime

import click

from tocsin_collector.access import access, asked

FEWEST_WINDOWS = 14


@click.group("reference")
def command() -> None:
    """What a model's windows are compared with."""


@command.command("create")
@click.argument("project")
@click.argument("model")
@click.option("--version", default="", help="The model's version.")
@click.option(
    "--file", "path", type=click.Path(exists=True, dir_okay=False), help="CSV (gzip or not), Parquet or Arrow file."
)
@click.option("--from", "start", help="Or: a past window's start, RFC 3339.")
@click.option("--to", "end", help="And its end, excluded.")
@click.option("--revision", type=int, help="Or: one that held before, as `list` tells.")
@click.option("--name", default="", help="Keep it under this name, to compare with; windows alarm as before.")
@access
def create(
    project: str,
    model: str,
    version: str,
    path: str | None,
    start: str | None,
    end: str | None,
    revision: int | None,
    name: str,
    url: str,
    **files: str | None,
) -> None:
    """Take a reference of PROJECT's MODEL from a file or from rows that came before.

    \b
    Example:
      tocsin reference create demo flights --version 1 --file reference.csv
      tocsin reference create shop credit --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z
      tocsin reference create shop credit --file train.parquet --name training
    """
    if [bool(path), bool(start and end), revision is not None].count(True) != 1:
        raise click.UsageError("give either --file, or both --from and --to, or --revision")
    from tocsin_collector.page.address import segment

    query = {"version": version, "name": name, "from": start, "to": end, "revision": revision}
    address = f"/v1/references/{segment(project)}/{segment(model)}"
    body = b""
    if path:
        with open(path, "rb") as file:
            body = file.read()
    headers = {"content-type": "application/octet-stream"}
    told = asked(
        "PUT", url, address, timeout_s=120, files=files, params=query, data=body, headers=headers, sent=path or ""
    ).json()
    if name:
        click.echo(f"{told['rows']} rows are the reference {name!r} of {project}/{model} {version}".rstrip())
        return
    click.echo(
        f"{told['rows']} rows in {told['windows']} windows are the reference of {project}/{model} {version}".rstrip()
    )
    if told["windows"] < FEWEST_WINDOWS:
        click.echo(f"with fewer than {FEWEST_WINDOWS} windows most drift cannot be told from chance", err=True)


@command.command("remove")
@click.argument("project")
@click.argument("model")
@click.argument("name")
@click.option("--version", default="", help="The model's version.")
@access
def remove(project: str, model: str, name: str, version: str, url: str, **files: str | None) -> None:
    """Drop the references of PROJECT's MODEL that have a NAME.

    \b
    Example:
      tocsin reference remove shop credit training
    """
    from tocsin_collector.page.address import segment

    address = f"/v1/references/{segment(project)}/{segment(model)}"
    asked("DELETE", url, address, timeout_s=120, files=files, params={"version": version, "name": name})
    click.echo(f"{name!r} is no reference of {project}/{model} {version}".rstrip() + " any more")


@command.command("list")
@click.argument("project")
@click.argument("model")
@click.option("--version", default="", help="The model's version.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@access
def list_(project: str, model: str, version: str, as_json: bool, url: str, **files: str | None) -> None:
    """Tell the references of PROJECT's MODEL, the newest of each name first.

    \b
    Example:
      tocsin reference list shop credit
    """
    from tocsin_collector.page.address import segment

    address = f"/v1/references/{segment(project)}/{segment(model)}"
    known = asked("GET", url, address, timeout_s=60, files=files, params={"version": version}).json()["references"]
    if as_json:
        click.echo(json.dumps(known))
        return
    if not known:
        more = "" if version else "; --version names another"
        click.echo(f"{project}/{model} version {version!r} has no reference{more}", err=True)
    for one in known:
        span = " to ".join(f"{datetime.fromtimestamp(one[at], UTC):%Y-%m-%d %H:%M}" for at in ("start_s", "end_s"))
        use = "alarms by it" if one["holds"] else "compared" if one["compared"] else ""
        name = one["name"] or "(judged by)"
        click.echo(f"{name:16} {one['revision']:4}  {one['rows']:>12,} rows  {span}  {use:12}  {one['source']}")
