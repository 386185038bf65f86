"""How a command gets into a running collector: the options, what they read, and what is sent."""

import ssl
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import click

from tocsin_collector.refusal import reason, unreachable
from tocsin_schema.ports import COLLECTOR_LISTEN


def access(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that asks a collector."""
    where = f"http://{COLLECTOR_LISTEN}"
    for option in (
        click.option("--ca-file", envvar="TOCSIN_CA_FILE", help="PEM file with its certificate's authority."),
        click.option("--token-file", envvar="TOCSIN_TOKEN_FILE", help="File with a key of `tocsin keys make`."),
        click.option(
            "--collector",
            "url",
            default=where,
            envvar="TOCSIN_COLLECTOR",
            callback=_url,
            help="Its address.",
            show_default=True,
        ),
    ):
        command = option(command)
    return command


def _url(context: click.Context, option: click.Parameter, url: str) -> str:
    del context, option
    url = url if "://" in url else "http://" + url
    try:
        named = url.startswith(("http://", "https://")) and urlsplit(url).hostname
    except ValueError:  # as http://[::1
        named = None
    if not named:
        raise click.BadParameter(f"http://host:port expected, as in http://{COLLECTOR_LISTEN}")
    return url


def asked(
    method: str, url: str, path: str, *, timeout_s: float, files: dict[str, str | None], sent: str = "", **more: Any
) -> Any:
    """The collector's answer (a ``requests.Response``) at a path below ``url``. Says why there is none, or why it
    refuses, which may be for the file ``sent``, and exits with 1."""
    import requests

    how = shown(**files)
    how["headers"] |= more.pop("headers", {})
    try:
        answer = requests.request(method, url.rstrip("/") + path, timeout=timeout_s, **how, **more)
    except requests.RequestException as error:
        click.echo(unreachable(url, error), err=True)
        sys.exit(1)
    if not answer.ok:
        click.echo(f"{sent}: {reason(answer)}" if sent and answer.status_code == 400 else reason(answer), err=True)
        sys.exit(1)
    return answer


def shown(token_file: str | None, ca_file: str | None) -> dict[str, Any]:
    """Arguments of ``requests``. Raises click.ClickException, which never tells the key."""
    found: dict[str, Any] = {"headers": {}, "verify": ca_file or True}
    if ca_file:
        try:
            ssl.create_default_context(cafile=ca_file)
        except OSError as error:
            said = "no PEM certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
            raise click.ClickException(f"{ca_file}: {said}") from None
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
