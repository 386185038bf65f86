"""The units of systemd, on a real bus where a process plays systemd."""

import contextlib
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.agent.sources.test_same_as_node_exporter import theirs
from tests.servers import node_exporter
from tests.servers.cache import have
from tests.servers.debian import unpacked
from tests.servers.process import free_port, serving, until
from tocsin_agent.sources.systemd import Systemd, number, socket_path

pytestmark = pytest.mark.system


# Whoever connects may own any name and send to anybody.
CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"""


def daemon() -> str:
    return shutil.which("dbus-daemon") or f"{unpacked('dbus-daemon')}/usr/bin/dbus-daemon"


@pytest.fixture(scope="module")
def bus(tmp_path_factory):
    """The socket of a bus of our own."""
    path = tmp_path_factory.mktemp("bus") / "socket"
    path.with_suffix(".conf").write_text(CONFIGURATION.format(path))
    command = [have(daemon), "--nofork", f"--config-file={path}.conf"]
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stderr=subprocess.DEVNULL)
    until(path.exists, "the bus listens")
    yield path
    process.kill()
    process.wait(10)


@pytest.fixture
def systemd(bus):
    program = Path(__file__).parent / "fake_systemd.py"
    command = ["setpriv", "--pdeathsig", "KILL", sys.executable, str(program), str(bus)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.communicate(timeout=10)


def answer_of(source) -> bytes:
    """What it reads once the bus has answered: on a busy machine the first answers may come too late for a scrape."""

    def read() -> bytes:
        with contextlib.suppress(TimeoutError):
            return source.read()
        return b""

    return until(read, "systemd answers")


@pytest.fixture
def source(bus, monkeypatch):
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={bus}")
    found = Systemd({"rootfs": "/"})
    yield found
    found.close()


def states(found) -> dict[str, str]:
    return {
        dict(labels)["name"]: dict(labels)["state"]
        for (name, labels), value in found.items()
        if name == "node_systemd_unit_state" and value == 1
    }


def test_units_timers_and_sockets(source, systemd, series):
    for _ in range(2):
        found = series(answer_of(source))
    assert states(found)["backup.service"] == "failed"
    assert states(found)["starting@a-b.service"] == "activating"
    assert not {"gone.service", "srv.mount", "user-0.slice"} & set(states(found))
    kinds = {dict(labels)["name"]: dict(labels).get("type") for name, labels in found if name.endswith("unit_state")}
    assert (kinds["ssh.service"], kinds["ssh.socket"]) == ("notify", "")
    assert found["node_systemd_timer_last_trigger_seconds", frozenset({("name", "backup.timer")})] == 1_700_000_000.5
    assert found["node_systemd_socket_current_connections", frozenset({("name", "ssh.socket")})] == 2
    assert found["node_systemd_units", frozenset({("state", "failed")})] == 1
    assert found["node_systemd_system_running", frozenset()] == 0
    assert found["node_systemd_version", frozenset({("version", "252.39-1~deb12u2")})] == 252.39


def test_node_exporter_reads_the_same(source, systemd, bus, series, tmp_path):
    program = os.environ.get("TOCSIN_NODE_EXPORTER") or have(node_exporter.binary)
    url = f"http://127.0.0.1:{free_port()}"
    command = [program, f"--web.listen-address={url.removeprefix('http://')}", "--collector.disable-defaults"]
    command += ["--collector.systemd", r"--collector.systemd.unit-exclude=.+\.(automount|device|mount|scope|slice)"]
    environ = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={bus}"}
    with (
        serving(command, url, ready="/", log=str(tmp_path / "log"), environ=environ),
        urlopen(f"{url}/metrics", timeout=10) as answer,
    ):
        their_types, peers = theirs(answer.read())
    text = answer_of(source)
    types = {family.name: family.type for family in text_string_to_metric_families(text.decode())}
    ours = {
        (name, frozenset(pair for pair in labels if pair[1])): value for (name, labels), value in series(text).items()
    }
    virtualization = ("node_systemd_virtualization_info", frozenset({("virtualization_type", "none")}))
    if virtualization not in peers:  # Debian's does not have it
        del ours[virtualization], types[virtualization[0]]
    assert set(ours) == set(peers)
    assert all(math.isclose(ours[key], peers[key], rel_tol=1e-12) for key in ours)
    assert types == their_types


def test_systemd_that_does_not_answer_is_an_error_and_holds_nobody_up_twice(source, systemd, series):
    assert states(series(answer_of(source)))
    systemd.send_signal(signal.SIGSTOP)

    def late() -> bool:
        try:
            source.read()
        except (TimeoutError, OSError):
            return True
        return False

    until(late, "it is late")
    assert late()
    systemd.send_signal(signal.SIGCONT)

    def well() -> bool:
        return not late()

    until(well, "it answers again")


def test_systemd_that_goes_is_an_error_and_comes_back(source, systemd, bus, series):
    assert states(series(answer_of(source)))
    systemd.kill()
    systemd.wait(10)
    with pytest.raises(OSError, match=r"systemd does not list its units|has not answered"):
        until(lambda: not source.read(), "it is missed")


def test_no_bus_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    with pytest.raises(OSError, match=r"no bus at /.*: No such file or directory"):
        Systemd({"rootfs": "/"}).read()


def test_a_bus_that_talks_nonsense_is_an_error(monkeypatch, tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/socket")
        source = Systemd({"rootfs": "/"})
        with pytest.raises(TimeoutError):
            source.read()
        client, _ = server.accept()
        with client:
            client.sendall(b"OK 1\r\n" + b"x" * 100)
            until(lambda: not source._errand.busy, "it gives up")


def test_where_the_bus_listens(monkeypatch):
    monkeypatch.delenv("DBUS_SYSTEM_BUS_ADDRESS", raising=False)
    assert socket_path({"rootfs": "/host/"}) == "/host/run/dbus/system_bus_socket"
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:guid=1,path=/x/y")
    assert socket_path({"rootfs": "/"}) == "/x/y"
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "tcp:host=a,path=/x")
    assert socket_path({"rootfs": "/"}) == "/run/dbus/system_bus_socket"


@pytest.mark.parametrize(
    ("version", "value"), [("252.39-1~deb12u2", 252.39), ("v255.4-1", 255.4), ("257", 257), ("99", 0), ("", 0)]
)
def test_the_number_of_a_version(version, value):
    assert number(version) == value
