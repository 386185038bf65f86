"""`tocsin keys`: the keys that the collector lets in."""

import json
import time
from collections.abc import Callable
from typing import Any

import click

from tocsin_collector.doors.caller import SCOPES


def _where(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="The same as JSON."),
        click.option("--data", help="The collector's folder. [default: data_dir of the configuration]"),
        click.option("--config", "file", type=click.Path(dir_okay=False), help="The collector's TOML file."),
    ):
        command = option(command)
    return command


@click.group("keys")
def command() -> None:
    """Make, list and revoke the keys that the collector lets in.

    Without any key ever made, a collector is open to whoever reaches its address. From the first key on, every request
    needs one, except the probe /-/healthy. A running collector takes up a change at once.

    \b
    Example:
      (umask 077; tocsin keys make --scope write:predictions --scope write:logs --note agents > agents.key)
      tocsin keys list
      tocsin keys revoke 5f0c9e1d
    """


@command.command("make")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="May be given again.")
@click.option("--project", help="The only project that the key is for. [default: all projects]")
@click.option("--note", default="", help="Who has it, for people.")
@_where
def make_command(
    scopes: tuple[str, ...], project: str | None, note: str, file: str | None, data: str | None, as_json: bool
) -> None:
    """Make a key and print it, once: only a hash of it is kept.

    \b
    Example:
      (umask 077; tocsin keys make --scope write:predictions --scope write:labels --project shop > shop.key)
      tocsin keys make --scope read --note prometheus --data /var/lib/tocsin
    """
    from tocsin_collector.doors.keys import make

    key, token = _changed(lambda path: make(path, scopes, project, note, time.time()), file, data)
    click.echo(json.dumps(_shown(key) | {"key": token}) if as_json else token)
    click.echo(f"key {key.id} for {_for(key)}: {', '.join(key.scopes)}; it is shown only this once", err=True)


@command.command("list")
@_where
def list_command(file: str | None, data: str | None, as_json: bool) -> None:
    """List the keys: what they may do, never the keys themselves.

    \b
    Example:
      tocsin keys list --data /var/lib/tocsin
    """
    from tocsin_collector.doors.keys import load

    try:
        keys = list(_changed(load, file, data).values())
    except FileNotFoundError:
        keys = []
    if as_json:
        click.echo(json.dumps([_shown(key) for key in keys]))
        return
    for key in keys:
        click.echo(f"{key.id}  {key.made}  {_for(key)}  {' '.join(key.scopes)}  {key.note}".rstrip())
    if not keys:
        click.echo("no keys", err=True)


@command.command("revoke")
@click.argument("id")
@_where
def revoke_command(id: str, file: str | None, data: str | None, as_json: bool) -> None:
    """Revoke the key that `tocsin keys list` shows under ID. It is refused from the next request on.

    \b
    Example:
      tocsin keys revoke 5f0c9e1d
    """
    from tocsin_collector.doors.keys import revoke

    key = _changed(lambda path: revoke(path, id, time.time()), file, data)
    click.echo(json.dumps(_shown(key)) if as_json else f"key {key.id} for {_for(key)} is revoked")


def _shown(key: Any) -> dict[str, object]:
    return {"id": key.id, "project": key.project, "scopes": list(key.scopes), "note": key.note, "made": key.made}


def _for(key: Any) -> str:
    return "all projects" if key.project is None else f"project {key.project!r}"


def _changed(work: Callable[[str], Any], file: str | None, data: str | None) -> Any:
    """What ``work`` does with the file of the keys; a fault is one line and an exit code."""
    from tocsin_collector.datafolder import data_folder
    from tocsin_collector.doors.keys import KeysError, path_of

    try:
        return work(path_of(data_folder(file, data)))
    except KeysError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
