"""How a command gets into a running collector: the options, what they read, and what is sent."""

from collections.abc import Callable
from typing import Any

import click


def access(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that asks a collector."""
    for option in (
        click.option("--ca-file", envvar="TOCSIN_CA_FILE", help="PEM file with its certificate's authority."),
        click.option("--token-file", envvar="TOCSIN_TOKEN_FILE", help="File with a key of `tocsin keys make`."),
    ):
        command = option(command)
    return command


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
