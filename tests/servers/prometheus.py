"""Debian's Prometheus and promtool, without root and without their daemon on 9090."""

import contextlib
import json
import os
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.servers.debian import unpacked
from tests.servers.process import Server, free_port, serving

PACKAGE = "prometheus"


def binary(name: str = "prometheus") -> str:
    """The path of ``prometheus`` or ``promtool``. Raises Missing."""
    return os.path.join(unpacked(PACKAGE), "usr/bin", name)


@contextlib.contextmanager
def prometheus(folder: str, config: str, web: str = "", flags: Sequence[str] = ()) -> Iterator[Server]:
    """A Prometheus over ``config`` (YAML), with its data below ``folder``. It can be told to read its files again.

    ``web`` is its web.yml, with a ``tls_server_config``; ``flags`` are further ones of its command line.
    """
    path = os.path.join(folder, "prometheus.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config)
    address = f"127.0.0.1:{free_port()}"
    command = [
        binary(),
        f"--config.file={path}",
        f"--storage.tsdb.path={folder}/prometheus",
        f"--web.listen-address={address}",
        "--web.enable-lifecycle",
        "--enable-feature=exemplar-storage",
        "--rules.alert.resend-delay=1s",
        *protected(folder, web),
        *flags,
    ]
    log, scheme = os.path.join(folder, "prometheus.log"), "https" if web else "http"
    with serving(command, f"{scheme}://{address}", ready="/-/ready", log=log) as server:
        yield server


NATIVE_HISTOGRAMS = "--enable-feature=native-histograms"
"""A Prometheus with this flag scrapes in protobuf."""


def query(server: Server, text: str) -> list[dict[str, Any]]:
    """The result of an instant query."""
    url = f"{server.url}/api/v1/query?{urllib.parse.urlencode({'query': text})}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return found


def protected(folder: str, web: str) -> list[str]:
    """The flag of a web.yml, of Prometheus and of Alertmanager; none without one."""
    if not web:
        return []
    path = Path(folder) / "web.yml"
    path.write_text(web)
    return [f"--web.config.file={path}"]
