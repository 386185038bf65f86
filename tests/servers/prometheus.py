"""Debian's Prometheus and promtool, without root and without their daemon on 9090."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tests.servers.debian import unpacked
from tests.servers.process import Server, free_port, serving

PACKAGE = "prometheus"


def binary(name: str = "prometheus") -> str:
    """The path of ``prometheus`` or ``promtool``. Raises Missing."""
    return os.path.join(unpacked(PACKAGE), "usr/bin", name)


@contextlib.contextmanager
def prometheus(folder: str, config: str, web: str = "") -> Iterator[Server]:
    """A Prometheus over ``config`` (YAML), with its data below ``folder``. It can be told to read its files again.

    ``web`` is its web.yml, with a ``tls_server_config``.
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
    ]
    log, scheme = os.path.join(folder, "prometheus.log"), "https" if web else "http"
    with serving(command, f"{scheme}://{address}", ready="/-/ready", log=log) as server:
        yield server


def protected(folder: str, web: str) -> list[str]:
    """The flag of a web.yml, of Prometheus and of Alertmanager; none without one."""
    if not web:
        return []
    path = Path(folder) / "web.yml"
    path.write_text(web)
    return [f"--web.config.file={path}"]
