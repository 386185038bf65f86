"""The real Grafana server, built once from its Go module: no Debian, PyPI or npm package has one.

``python -m tests.servers.grafana`` builds it into the cache (about 8 minutes on two cores, 3 GB while it builds, 0.2 GB
kept). It has no web front end; its HTTP API, its provisioning, its alerting and its queries are the real ones.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from tests.servers.cache import Missing, kept, root, run
from tests.servers.process import Server, free_port, serving

MODULE = "github.com/grafana/grafana"
VERSION = "v1.9.2-0.20230609164553-81d85ce8028d"
"""The development line of 10.1, June 2023: the newest that the module proxy serves whole."""
_WIRE = "github.com/google/wire/cmd/wire@v0.7.0"
_NAME = f"grafana-{VERSION[-12:]}"
USER, PASSWORD = "admin", "tocsin-test"
_RACE = "failed to create default organization: UNIQUE constraint failed: org.id"
"""Two parts of it make the first organisation at its first start; now and then both at once, and that ends it. At the
second start there is one."""


def home() -> str:
    """The folder with Grafana's binary, conf/ and public/. Raises Missing when it was not built on this machine."""
    folder = os.path.join(root(), _NAME)
    if not os.path.isdir(folder):
        raise Missing("no Grafana in the cache: `make grafana` builds one (8 minutes, needs Go and gcc)")
    return folder


def build() -> str:
    """The same folder, built when it is not there. Raises Missing without Go, a compiler or the module proxy."""
    return kept(_NAME, _build)


def _build(folder: str) -> None:
    for tool in ("go", "gcc"):
        if shutil.which(tool) is None:
            raise Missing(f"{tool} is not on this machine; Grafana is built with it")
    work = os.path.join(folder, "work")
    told = json.loads(run(["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"], folder, 900))
    shutil.copytree(told["Dir"], work)
    # The module cache is read-only.
    run(["chmod", "-R", "u+w", work], folder)
    go = {"GOFLAGS": "-mod=mod", "GOWORK": "off", "GOBIN": folder, "CGO_ENABLED": "1"}
    run(["go", "mod", "download"], work, 900, **go)
    run(["go", "install", _WIRE], folder, 600, **go)
    wire = [os.path.join(folder, "wire"), "gen", "-tags", "oss", "./pkg/server", "./pkg/cmd/grafana-cli/runner"]
    run(wire, work, 900, **go)
    run(
        ["go", "build", "-ldflags", "-s -w", "-o", os.path.join(folder, "grafana"), "./pkg/cmd/grafana"],
        work,
        1_800,
        **go,
    )
    for kept_part in ("conf", "public"):
        shutil.copytree(os.path.join(work, kept_part), os.path.join(folder, kept_part))
    shutil.rmtree(work)
    os.remove(os.path.join(folder, "wire"))


@contextlib.contextmanager
def grafana(folder: str, certificate: tuple[str, str] | None = None) -> Iterator[Server]:
    """A Grafana with its data below ``folder``; its administrator is ``USER`` with ``PASSWORD``.

    ``certificate`` are the files of a certificate and of its key: then it speaks TLS.
    """
    port = free_port()
    where = home()
    ini = os.path.join(folder, "grafana.ini")
    with open(ini, "w", encoding="utf-8") as file:
        file.write(_INI.format(folder=folder, port=port, user=USER, password=PASSWORD))
        if certificate:
            file.write("[server]\nprotocol = https\ncert_file = {}\ncert_key = {}\n".format(*certificate))
    command = [os.path.join(where, "grafana"), "server", "--homepath", where, "--config", ini]
    url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    log = os.path.join(folder, "grafana.log")
    with contextlib.ExitStack() as running:
        try:
            server = running.enter_context(serving(command, url, ready="/api/health", log=log, limit_s=90))
        except AssertionError as error:
            if _RACE not in str(error):
                raise
            server = running.enter_context(serving(command, url, ready="/api/health", log=log, limit_s=90))
        yield server


_INI = """\
[paths]
data = {folder}/grafana
logs = {folder}/grafana/log
plugins = {folder}/grafana/plugins
provisioning = {folder}/grafana/provisioning
[server]
http_addr = 127.0.0.1
http_port = {port}
[security]
admin_user = {user}
admin_password = {password}
[analytics]
reporting_enabled = false
check_for_updates = false
check_for_plugin_updates = false
[unified_alerting]
enabled = true
min_interval = 10s
[unified_alerting.screenshots]
capture = false
[alerting]
enabled = false
[log]
mode = console
level = warn
"""


if __name__ == "__main__":
    try:
        sys.stdout.write(f"building Grafana {VERSION} (about 8 minutes the first time)\n{build()}\n")
    except (Missing, subprocess.SubprocessError) as error:
        sys.exit(f"no Grafana: {error}")
