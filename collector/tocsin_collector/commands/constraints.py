"""`tocsin constraints`: the rules that a model's data must keep."""

import json
import sys
from typing import Any

import click

from tocsin_collector.access import access, asked

_FILE = click.Path(exists=True, dir_okay=False)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("constraints")
def command() -> None:
    """The rules that a model's data must keep."""


@command.command("set")
@click.argument("project")
@click.argument("model")
@click.argument("path", metavar="FILE", type=_FILE)
@_JSON
@access
def put(project: str, model: str, path: str, url: str, as_json: bool, **files: str | None) -> None:
    """Give PROJECT's MODEL the rules of FILE: tocsin's in TOML or JSON, or a suite of Great Expectations.

    They replace those before, and hold for all versions. What a suite has that tocsin cannot check is listed.

    \b
    Example:
      tocsin constraints set shop credit rules.toml
      tocsin constraints set shop credit great_expectations/expectations/credit.json
    """
    with open(path, "rb") as file:
        _tell(_ask("PUT", project, model, url, files, file.read()), as_json)


@command.command("show")
@click.argument("project")
@click.argument("model")
@_JSON
@access
def show(project: str, model: str, url: str, as_json: bool, **files: str | None) -> None:
    """The rules of PROJECT's MODEL.

    \b
    Example:
      tocsin constraints show shop credit --json
    """
    _tell(_ask("GET", project, model, url, files), as_json)


@command.command("check")
@click.argument("path", metavar="FILE", type=_FILE)
@_JSON
def check(path: str, as_json: bool) -> None:
    """What would be taken of FILE, without a collector.

    \b
    Example:
      tocsin constraints check great_expectations/expectations/credit.json
    """
    from tocsin_collector.constraints.routes import told
    from tocsin_collector.quality.rules import RuleError, parse

    try:
        with open(path, "rb") as file:
            found = parse(file.read())
    except RuleError as fault:
        click.echo(f"{path}: {fault}", err=True)
        sys.exit(1)
    _tell(told(found), as_json)


def _ask(
    method: str, project: str, model: str, url: str, files: dict[str, str | None], body: bytes = b""
) -> dict[str, Any]:
    from tocsin_collector.page.address import segment

    path = f"/v1/constraints/{segment(project)}/{segment(model)}"
    found: dict[str, Any] = asked(method, url, path, timeout_s=120, files=files, data=body).json()
    return found


def _tell(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    for rule in found["rules"]:
        click.echo(rule["name"])
    for item in found["not_taken"]:
        click.echo(f"not taken: {item['name']}: {item['reason']}", err=True)
    click.echo(f"{len(found['rules'])} rules, {len(found['not_taken'])} not taken", err=True)
