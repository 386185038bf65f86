"""The units under a real systemd: installed by the commands of the how-to, in their sandbox, with faults."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.agent.gpu.conftest import Control
from tests.deploy.booted import Machine, booted
from tests.deploy.manuals import DEPLOY, commands
from tests.deploy.root import checkout, chrooted, debian, package_index, tool
from tests.servers.cache import have, lacking
from tests.servers.process import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
MANUAL = "install-systemd"
MODEL = """
import time
from tocsin_agent.capture import Capture

capture = Capture(model="credit", version="1", project="shop")

@capture.watch()
def predict():
    return 1

for _ in range(7):
    predict()
time.sleep(600)
"""
LEFT = "/opt/tocsin /etc/tocsin /run/tocsin /var/lib/tocsin-* /etc/systemd/system/tocsin-* /etc/*.d/tocsin.conf"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A machine on which the how-to's commands were run: installed, removed, installed again; and what they said."""
    have(lambda: tool("systemd-nspawn", "systemd-container"))
    root = tmp_path_factory.mktemp("systemd") / "root"
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "-a", have(debian), str(root)], check=True)
    (root / "src").mkdir()
    checkout(root / "src")
    environ = package_index(root)
    install, remove = commands(MANUAL, 0), commands(MANUAL, 1)
    for command in install[:2]:  # with a network
        chrooted(root, f"cd /src; {command}", environ)
    chrooted(root, "cp -a /opt/tocsin /opt/kept", environ)
    with booted(root) as machine:
        said = [machine.run(command, "/src") for command in install[2:]]
        for command in remove:
            machine.run(command, "/src")
        left = machine.ask(f"ls -d {LEFT}; getent passwd tocsin-agent tocsin-collector; getent group tocsin").stdout
        machine.run("cp -a /opt/kept /opt/tocsin")
        for command in install[2:]:
            machine.run(command, "/src")
        yield machine, said, left
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def machine(installed) -> Machine:
    return installed[0]


def names(exposition: str) -> set[str]:
    """Every series without its value."""
    return {line.rpartition(" ")[0] for line in exposition.splitlines() if not line.startswith("#")}


def value(exposition: str, series: str) -> float | None:
    """The value of the first series that begins so."""
    found = re.search(rf"^{re.escape(series)}[^ ]* (\S+)$", exposition, re.MULTILINE)
    return float(found[1]) if found else None


def test_five_commands_lead_from_nothing_to_numbers(installed):
    _, said, _ = installed
    assert len(commands(MANUAL, 0)) == 5
    assert re.search(r"^node_load1 [0-9.]+$", said[-1], re.MULTILINE)


def test_removal_leaves_nothing(installed):
    assert installed[2] == ""


def test_the_page_answers(machine):
    assert "<!doctype html>" in machine.get("http://127.0.0.1:10301/")


def test_the_sandbox_costs_no_series(machine):
    inside = machine.metrics()
    free = machine.run("env TOCSIN_RUNTIME_DIR=/run/tocsin /opt/tocsin/bin/tocsin-agent run --once")
    expected = {series for series in names(free) if series.startswith("node_filesystem")}
    assert {series for series in names(inside) if series.startswith("node_filesystem")} == expected
    assert names(free) <= names(inside)
    failed = [line for line in inside.splitlines() if re.match(r"node_scrape_collector_success.* 0$", line)]
    assert failed == []
    # Its own file systems are read-only under ProtectSystem=strict; what it tells is the host's.
    root = re.search(r'^node_filesystem_readonly{[^}]*mountpoint="/",[^}]*} (\S+)$', inside, re.MULTILINE)
    assert root is not None
    assert root[1] == "0"


def test_the_sandbox_holds(machine):
    for unit, user in (("tocsin-agent", "tocsin-agent"), ("tocsin-collector", "tocsin-collector")):
        pid = machine.show(unit, "MainPID")
        status = machine.run(f"cat /proc/{pid}/status")
        assert re.search(r"^CapBnd:\s+0+$", status, re.MULTILINE)
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
        assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
        assert machine.run(f"stat -c %U /proc/{pid}").strip() == user
        mounts = machine.run(f"cat /proc/{pid}/mountinfo")
        assert re.search(r" / ro,", mounts)


def test_a_model_server_of_another_user_is_counted_and_so_is_its_past(machine):
    machine.write("/srv/model.py", MODEL)
    machine.write(
        "/etc/systemd/system/model.service",
        "[Service]\nDynamicUser=yes\nExecStart=/opt/tocsin/bin/python /srv/model.py",
    )
    machine.write("/etc/systemd/system/model.service.d/tocsin.conf", (DEPLOY / "systemd/model-server.conf").read_text())
    machine.run("systemctl daemon-reload; systemctl start model")
    counted = 'tocsin_inference_requests_total{project="shop",model="credit",version="1",outcome="ok"}'
    until(lambda: value(machine.metrics(), counted) == 7, "the agent has counted seven calls")
    machine.run(f"kill -9 {machine.show('model', 'MainPID')}")
    until(lambda: value(machine.metrics(), "tocsin_capture_workers") == 0, "the agent knows that it is dead")
    assert machine.run("ls /run/tocsin").split() == ["folded"]
    machine.run("systemctl restart tocsin-agent")
    assert value(machine.metrics(), counted) == 7


def test_a_file_of_a_group_is_tailed_once_the_agent_is_in_it(machine):
    machine.run("echo it begins > /var/log/app.log; chgrp adm /var/log/app.log; chmod 640 /var/log/app.log")
    machine.write("/etc/systemd/system/tocsin-agent.service.d/logs.conf", "[Service]\nSupplementaryGroups=adm")
    machine.run("""sed -i 's#^files = .*#files = ["/var/log/app.log"]#' /etc/tocsin/agent.toml""")
    machine.run("systemctl daemon-reload; systemctl restart tocsin-agent")
    until(lambda: "it begins" in machine.get("http://127.0.0.1:10301/v1/logs?q=begins"), "the line arrives")
    assert "log-positions.json" in machine.run("ls /var/lib/tocsin-agent")


def test_a_wrong_configuration_is_said_once_and_not_tried_again(machine):
    machine.run("cp /etc/tocsin/agent.toml /tmp/agent.toml; echo 'lisen = 1' >> /etc/tocsin/agent.toml")
    try:
        machine.ask("systemctl restart tocsin-agent")
        until(lambda: machine.show("tocsin-agent", "ActiveState") == "failed", "the agent has ended")
        assert machine.show("tocsin-agent", "ExecMainStatus") == "78"
        assert machine.show("tocsin-agent", "NRestarts") == "0"
        assert "unknown key" in machine.journal()
    finally:
        machine.run("cp /tmp/agent.toml /etc/tocsin/agent.toml; systemctl restart tocsin-agent")


@pytest.mark.parametrize(("unit", "port"), [("tocsin-agent", 10300), ("tocsin-collector", 10301)])
def test_a_killed_service_comes_back(machine, unit, port):
    machine.run(f"systemctl restart {unit}")
    before = machine.show(unit, "MainPID")
    machine.run(f"kill -9 {before}")
    until(
        lambda: machine.show(unit, "ActiveState") == "active" and machine.show(unit, "MainPID") != before,
        "a new process",
    )
    assert machine.metrics(port)


def test_gpus_are_seen_from_inside_the_sandbox(machine, tmp_path):
    """The binding (ctypes) under MemoryDenyWriteExecute and the filter of system calls; the driver itself is a fake."""
    if shutil.which("gcc") is None:
        lacking("no C compiler (gcc), so the fake NVML library cannot be built")
    source = Path(__file__).parents[1] / "agent/gpu/fake_nvml.c"
    library = machine.root / "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    steering = Control(machine.root / "srv/nvml", gpus=2)
    steering.close()
    (machine.root / "srv/nvml").chmod(0o666)
    drop_in = "[Service]\nEnvironment=TOCSIN_FAKE_NVML=/srv/nvml\nReadWritePaths=/srv"
    machine.write("/etc/systemd/system/tocsin-agent.service.d/gpu.conf", drop_in)
    machine.run("systemctl daemon-reload; systemctl restart tocsin-agent")
    try:
        until(lambda: value(machine.metrics(), "tocsin_gpu_up") == 1, "GPUs on the page")
    finally:
        machine.run("rm /etc/systemd/system/tocsin-agent.service.d/gpu.conf; systemctl daemon-reload")
        library.unlink()
        machine.run("systemctl restart tocsin-agent")
