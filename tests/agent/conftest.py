"""What the agent's tests share: the configuration of a recorded host, and the expositions' parsers."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.agent.sources import tree
from tests.servers import node_exporter
from tests.servers.cache import have
from tocsin_agent.exposition import END, families, renamed
from tocsin_schema.settings.agent import AGENT

FIXTURES = Path(__file__).parent / "sources" / "fixtures"
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def openmetrics(texts):
    """Whole families as OpenMetrics, without what the agent remembers of the scrape before."""
    return b"".join([renamed(family) for text in texts for family in families(text)]) + END


def configured(root: Path) -> dict[str, object]:
    """The agent's defaults, with every path inside a folder."""
    values = {key.path: key.default for key in AGENT}
    return values | {
        "procfs": str(root / "proc"),
        "sysfs": str(root / "sys"),
        "rootfs": str(root / "rootfs"),
        "udev_data": str(root / "udev"),
        "textfile": [str(root / "textfile")] if (root / "textfile").exists() else [],
    }


@pytest.fixture(scope="session", params=["newest", "binary"], ids=["newest", "debian"])
def node_exporter_program(request: pytest.FixtureRequest) -> str:
    """The path of a node_exporter: of the newest, built once, and of Debian's.

    Who asks for it is marked ``timeout(60, func_only=True)``: the build takes minutes.
    """
    path: str = have(getattr(node_exporter, request.param))
    return path


@pytest.fixture
def host(tmp_path: Path) -> Callable[[str], dict[str, object]]:
    """A recorded host, copied so that a test may change it: its configuration."""

    def copy(name: str) -> dict[str, object]:
        shutil.copytree(FIXTURES / name, tmp_path, dirs_exist_ok=True)
        return configured(tmp_path)

    return copy


@pytest.fixture
def planted(tmp_path: Path) -> Callable[[str], dict[str, object]]:
    """A host of `sources/trees`, planted so that a test may change it: its configuration."""

    def plant(name: str) -> dict[str, object]:
        tree.plant(tmp_path, (tree.FOLDER / f"{name}.tree").read_text(encoding="utf-8"))
        return configured(tmp_path)

    return plant


@pytest.fixture
def hang() -> Iterator[Callable[[Path], None]]:
    """Make a file one that keeps its readers waiting: a pipe without a writer. They go on, and fail, at the end."""
    pipes: list[Path] = []

    def make(path: Path) -> None:
        path.unlink()
        os.mkfifo(path)
        pipes.append(path)

    yield make
    for path in pipes:
        if path.is_fifo():
            os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


@pytest.fixture
def this_host() -> dict[str, object]:
    """The configuration of the machine that runs the tests."""
    return {key.path: key.default for key in AGENT} | {"listen": "127.0.0.1:0"}


@pytest.fixture(scope="session")
def series() -> Callable[[bytes], Series]:
    """Every sample of an exposition by name and labels; both formats must be accepted and say the same."""

    def read(text: bytes) -> Series:
        found: Series = {}
        for family in parse_text(text.decode()):
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                assert key not in found, f"{key} stands twice"
                found[key] = sample.value
        again = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in parse_openmetrics(openmetrics([text]).decode())
            for sample in family.samples
        }
        assert again.keys() == found.keys()
        assert all(value in (again[key], pytest.approx(again[key], nan_ok=True)) for key, value in found.items())
        return found

    return read


@pytest.fixture(scope="session")
def outcome() -> Callable[..., tuple[Any, str]]:
    """Call a parser: its result and "", or None and what its ValueError says. Nothing else may be raised."""

    def call(parser: Callable[..., Any], *arguments: object) -> tuple[Any, str]:
        try:
            return parser(*arguments), ""
        except ValueError as error:
            return None, str(error)

    return call


@pytest.fixture(scope="session")
def answer() -> Callable[..., tuple[int, dict[str, str], bytes]]:
    """Read one response from a socket: status, headers with lower-case names, body."""

    def read(sock: socket.socket, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            more = sock.recv(1)  # not a byte of the next response
            assert more, f"the connection ended after {data!r}"
            data += more
        line, *fields = data.decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
        body = bytearray()
        while len(body) < length:
            body += sock.recv(length - len(body))
        return int(line.split(" ")[1]), headers, bytes(body)

    return read


@pytest.fixture
def big_host(tmp_path: Path) -> dict[str, object]:
    """A server of 224 CPUs, 16 NVMe disks and 66 network devices, in the kernel's formats."""
    root = tmp_path / "big"
    write = _writer(root)
    cpus = range(224)
    rows = [f"cpu{cpu} " + " ".join(str(cpu * 1000 + mode) for mode in range(10)) for cpu in cpus]
    total = "cpu  " + " ".join(["9"] * 10)
    tail = ["intr 5 " + "0 " * 2000, "ctxt 1", "btime 1700000000", "processes 2", "procs_running 3", "procs_blocked 0"]
    write("proc/stat", "\n".join([total, *rows, *tail]) + "\n")
    disks = [f" 259 {n} nvme{n}n1 " + " ".join(str(n * 100 + field) for field in range(17)) for n in range(16)]
    partitions = [f" 259 {99 + n} nvme{n}n1p1 " + " ".join(["1"] * 17) for n in range(16)]
    write("proc/diskstats", "\n".join(disks + partitions) + "\n")
    heading = (FIXTURES / "vm_6.18/proc/1/net/dev").read_text().splitlines()[:2]
    names = ["lo", "eth0", *(f"veth{n:07x}" for n in range(64))]
    devices = [f"{name:>11}: " + " ".join(str(n + 1) for n in range(16)) for name in names]
    write("proc/1/net/dev", "\n".join(heading + devices) + "\n")
    write("sys/devices/system/cpu/online", "0-223\n")
    write("sys/devices/system/cpu/present", "0-223\n")
    for cpu in cpus:
        folder = f"sys/devices/system/cpu/cpu{cpu}"
        write(f"{folder}/topology/physical_package_id", f"{cpu % 112 // 56}\n")
        write(f"{folder}/topology/core_id", f"{cpu % 56}\n")
        write(f"{folder}/thermal_throttle/core_throttle_count", f"{cpu % 112}\n")
        write(f"{folder}/thermal_throttle/package_throttle_count", "7\n")
    return configured(root)


def _writer(root: Path) -> Callable[[str, str], None]:
    def write(path: str, content: str) -> None:
        os.makedirs(os.path.dirname(root / path), exist_ok=True)
        (root / path).write_text(content)

    return write
