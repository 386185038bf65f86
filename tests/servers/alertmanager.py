"""Debian's Alertmanager and amtool, without root and without their daemon on 9093."""

import contextlib
import os
from collections.abc import Iterator

from tests.servers.debian import unpacked
from tests.servers.process import Server, free_port, serving
from tests.servers.prometheus import protected

PACKAGE = "prometheus-alertmanager"

# Debian's build reads its default template from /usr/share at a fixed place: the package's own share takes that place
# in a mount namespace of this process alone. A new user namespace clears the parent-death signal: set again after it.
_UNSHARED = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
_MOUNTED = 'mount --bind "$1" /usr/share && shift && exec setpriv --pdeathsig KILL "$@"'


def binary(name: str = "prometheus-alertmanager") -> str:
    """The path of ``prometheus-alertmanager`` or ``amtool``. Raises Missing."""
    return os.path.join(unpacked(PACKAGE), "usr/bin", name)


@contextlib.contextmanager
def alertmanager(folder: str, config: str, web: str = "") -> Iterator[Server]:
    """An Alertmanager over ``config`` (YAML), with its data below ``folder``, alone (no cluster).

    ``web`` is its web.yml, with a ``tls_server_config``.
    """
    path = os.path.join(folder, "alertmanager.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config)
    address = f"127.0.0.1:{free_port()}"
    command = [
        *_UNSHARED,
        _MOUNTED,
        "sh",
        os.path.join(unpacked(PACKAGE), "usr/share"),
        binary(),
        f"--config.file={path}",
        f"--storage.path={folder}/alertmanager",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
        *protected(folder, web),
    ]
    log, scheme = os.path.join(folder, "alertmanager.log"), "https" if web else "http"
    with serving(command, f"{scheme}://{address}", ready="/-/ready", log=log) as server:
        yield server
