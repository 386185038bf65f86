"""How a command gets into a running collector: the options, what they read, and what is sent."""

import sys
from collections.abc import Callable
from typing import Any

import click

from tocsin_collector.refusal import reason, unreachable


def access(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that asks a collector."""
    for option in (
        click.option("--ca-file", envvar="TOCSIN_CA_FILE", help="PEM file with its certificate's authority."),
        click.option("--token-file", envvar="TOCSIN_TOKEN_FILE", help="File with a key of `tocsin keys make`."),
    ):
        command = option(command)
    return command


def asked(method: str, url: str, path: str, *, timeout_s: float, files: dict[str, str | None], **more: Any) -> Any:
    """The collector's answer (a ``requests.Response``) at a path below ``url``. Says why there is none, or why it
    refuses, and exits with 1."""
    import requests

    how = shown(**files)
    how["headers"] |= more.pop("headers", {})
    try:
        answer = requests.request(method, url.rstrip("/") + path, timeout=timeout_s, **how, **more)
    except requests.RequestException:
        click.echo(unreachable(url), err=True)
        sys.exit(1)
    if not answer.ok:
        click.echo(reason(answer), err=True)
        sys.exit(1)
    return answer


def shown(token_file: str | None, ca_file: str | None) -> dict[str, Any]:
    """Arguments of ``requests``. Raises click.ClickException, which never tells the key."""
    found: dict[str, Any] = {"headers": {}, "verify": ca_file or True}
    if token_file:
        from tocsin_schema.config import ConfigError, secret

        try:
            token = secret(token_file)
        except ConfigError as error:
            raise click.ClickException(error.faults[0]) from None
        if not token.isascii() or len(token.split()) != 1:
            raise click.ClickException(f"{token_file}: one key in one line expected")
        found["headers"]["Authorization"] = f"Bearer {token}"
    return found
