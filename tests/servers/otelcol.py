"""An OpenTelemetry Collector that keeps what it is sent in its file queue, with fsync: a peer of the way in.

Built once from its Go modules (a few minutes on two cores), with no more in it than that takes. Where its exporter
would send to, nobody listens: what comes stays in the queue, as in an outage.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.servers.cache import Missing, kept, run
from tests.servers.process import Server, free_port, serving

VERSION = "0.165.0"
_STABLE = "1.71.0"  # of the modules that have left 0.x, of the same release
_CORE = "go.opentelemetry.io/collector"
_MODULES = (
    f"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage v{VERSION}",
    f"{_CORE}/component v{_STABLE}",
    f"{_CORE}/confmap v{_STABLE}",
    f"{_CORE}/confmap/provider/fileprovider v{_STABLE}",
    f"{_CORE}/exporter v{_STABLE}",
    f"{_CORE}/exporter/otlphttpexporter v{VERSION}",
    f"{_CORE}/extension v{_STABLE}",
    f"{_CORE}/otelcol v{VERSION}",
    f"{_CORE}/receiver v{_STABLE}",
    f"{_CORE}/receiver/otlpreceiver v{VERSION}",
    f"{_CORE}/service v{VERSION}",
)


def binary() -> str:
    """The path of the program, built when it is not there. Raises Missing without Go or its modules."""
    return os.path.join(kept(f"otelcol-{VERSION}", _build), "otelcol")


@contextlib.contextmanager
def collecting(folder: str) -> Iterator[Server]:
    """One that takes OTLP by HTTP at ``server.url`` and answers when what it got is synced to a file in the folder."""
    port = free_port()
    config = Path(folder, "otelcol.yaml")
    config.write_text(json.dumps(_config(folder, port)))
    log = os.path.join(folder, "otelcol.log")
    command = [binary(), f"--config=file:{config}"]
    with serving(command, f"http://127.0.0.1:{port}", ready="/v1/logs", log=log) as server:
        yield server


def _config(folder: str, port: int) -> dict[str, object]:
    queue = {"storage": "file_storage", "queue_size": 1_000_000, "num_consumers": 1}
    nobody = {"endpoint": f"http://127.0.0.1:{free_port()}", "sending_queue": queue}
    return {
        "extensions": {"file_storage": {"directory": folder, "fsync": True}},
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {
            "otlp_http": nobody | {"retry_on_failure": {"initial_interval": "60s", "max_elapsed_time": "0s"}}
        },
        "service": {
            "extensions": ["file_storage"],
            "pipelines": {"logs": {"receivers": ["otlp"], "exporters": ["otlp_http"]}},
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "error"}},
        },
    }


def _build(folder: str) -> None:
    if shutil.which("go") is None:
        raise Missing(f"go is not on this machine; the OpenTelemetry Collector {VERSION} is built with it")
    work = os.path.join(folder, "work")
    shutil.copytree(Path(__file__).with_suffix(""), work)
    required = "".join(f"\t{module}\n" for module in _MODULES)
    Path(work, "go.mod").write_text(f"module otelcol\n\ngo 1.26\n\nrequire (\n{required})\n")
    run(["nice", "go", "mod", "tidy"], work, 900)
    run(["nice", "go", "build", "-ldflags", "-s -w", "-o", os.path.join(folder, "otelcol"), "."], work, 1800)
    shutil.rmtree(work)
