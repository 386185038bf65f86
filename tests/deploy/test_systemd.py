"""The units, their users, folders and sample configurations: that they agree with each other and with the code."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request

import pytest

from tests.deploy.manuals import DEPLOY, ROOT
from tests.deploy.units import environment, unit
from tests.servers.cache import Missing, have
from tests.servers.process import free_port, serving
from tocsin_agent.__main__ import CONFIG, DENIED, USAGE
from tocsin_schema.config import load
from tocsin_schema.ports import AGENT_LISTEN, COLLECTOR_LISTEN
from tocsin_schema.settings.agent import AGENT
from tocsin_schema.settings.collector import COLLECTOR

FOLDER = DEPLOY / "systemd"
UNITS = {"tocsin-agent": AGENT_LISTEN, "tocsin-collector": COLLECTOR_LISTEN}
EXPOSURE = {"tocsin-agent": 24, "tocsin-collector": 15}
"""The most that `systemd-analyze security` may say, in tenths: 0 is best."""
MODULES = {"/opt/tocsin/bin/tocsin-agent": "tocsin_agent", "/opt/tocsin/bin/tocsin": "tocsin_collector"}


def service(name: str) -> dict[str, list[str]]:
    return unit(FOLDER / f"{name}.service")["Service"]


def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        raise Missing("systemd-analyze is not on this machine: apt-get install systemd")
    return found


@pytest.mark.parametrize(("name", "listen"), UNITS.items())
def test_the_command_states_its_address_and_its_file(name, listen):
    (command,) = service(name)["ExecStart"]
    assert f"--listen {listen}" in command
    file = re.findall(r"--config /etc/tocsin/(\S+)", command)
    assert (FOLDER / file[0]).is_file()


@pytest.mark.parametrize("name", UNITS)
def test_what_a_restart_cannot_mend_is_not_restarted(name):
    held = service(name)
    assert held["Restart"] == ["on-failure"]
    assert held["RestartPreventExitStatus"] == [f"{USAGE} {DENIED} {CONFIG}"]


def test_agent_users_and_serving_processes_share_one_folder():
    folder = environment(service("tocsin-agent"))["TOCSIN_RUNTIME_DIR"]
    server = unit(FOLDER / "model-server.conf")["Service"]
    assert environment(server) == {"TOCSIN_RUNTIME_DIR": folder, "TOCSIN_ENDPOINT": f"http://{AGENT_LISTEN}"}
    assert server["ReadWritePaths"] == service("tocsin-agent")["ReadWritePaths"] == [f"-{folder}"]
    line = next(text for text in (FOLDER / "tmpfiles.conf").read_text().splitlines() if not text.startswith("#"))
    kind, path, mode, owner, group, *_ = line.split()
    # setgid: files get the group; sticky: only the owner of a file and the agent, who owns the folder, remove it.
    assert (kind, path, mode) == ("d", folder, "3770")
    assert service("tocsin-agent")["User"] == [owner]
    assert service("tocsin-agent")["SupplementaryGroups"] == server["SupplementaryGroups"] == [group]
    users = (FOLDER / "sysusers.conf").read_text()
    assert re.search(rf"^g {group} ", users, re.MULTILINE)
    assert re.search(rf"^m {owner} {group}$", users, re.MULTILINE)
    for name in UNITS:
        assert re.search(rf"^u {service(name)['User'][0]} ", users, re.MULTILINE)


def test_the_sample_configurations_are_right_and_meet_each_other():
    agent = load(AGENT, str(FOLDER / "agent.toml"), {})
    collector = load(COLLECTOR, str(FOLDER / "collector.toml"), {})
    assert agent["collector"] == f"http://{COLLECTOR_LISTEN}"
    assert collector["agents"] == [f"http://{AGENT_LISTEN}"]
    # What the units state on their command lines is stated once.
    for file in ("agent.toml", "collector.toml"):
        assert (
            not {"listen", "data_dir", "runtime_dir", "state_dir"} & tomllib.loads((FOLDER / file).read_text()).keys()
        )


@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_every_line(name, tmp_path):
    text = re.sub(
        r"^(ExecStart=)\S+", rf"\g<1>{sys.executable}", (FOLDER / f"{name}.service").read_text(), flags=re.MULTILINE
    )
    copy = tmp_path / f"{name}.service"
    copy.write_text(text)
    done = subprocess.run([have(analyze), "verify", str(copy)], capture_output=True, text=True, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if name in line]
    assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize("name", UNITS)
def test_the_sandbox_stays_as_tight_as_it_is(name):
    command = [have(analyze), "security", "--offline=true", f"--threshold={EXPOSURE[name]}", f"{FOLDER}/{name}.service"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-400:]


def with_drop_in(folder):
    """The agent's unit with the drop-in for GPU hosts."""
    text = (FOLDER / "tocsin-agent.service").read_text()
    copy = folder / "tocsin-agent.service"
    copy.write_text(re.sub(r"^(ExecStart=)\S+", rf"\g<1>{sys.executable}", text, flags=re.MULTILINE))
    (folder / f"{copy.name}.d").mkdir()
    shutil.copy(FOLDER / "gpu-kernel-log.conf", folder / f"{copy.name}.d")
    return copy


def test_systemd_understands_the_drop_in_for_gpu_hosts(tmp_path):
    command = [have(analyze), "verify", str(with_drop_in(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "tocsin-agent" in line]
    assert (done.returncode, said) == (0, [])


def test_hosts_without_gpus_keep_the_kernels_log_shut():
    held, opened = service("tocsin-agent"), unit(FOLDER / "gpu-kernel-log.conf")["Service"]
    assert held["ProtectKernelLogs"] == ["yes"]
    assert held["CapabilityBoundingSet"] == held["AmbientCapabilities"] == [""]
    assert "/dev/kmsg" not in " ".join(held["DeviceAllow"])
    assert opened == {
        "ProtectKernelLogs": ["no"], "DeviceAllow": ["/dev/kmsg r"],
        "CapabilityBoundingSet": ["CAP_SYSLOG"], "AmbientCapabilities": ["CAP_SYSLOG"],
    }  # fmt: skip


@pytest.mark.system
@pytest.mark.skipif(os.geteuid() != 0, reason="gives up root's capabilities")
@pytest.mark.skipif(not os.access("/dev/kmsg", os.R_OK), reason="no /dev/kmsg here")
@pytest.mark.parametrize("capability", ["syslog", ""])
def test_the_capability_of_the_drop_in_is_what_the_kernels_log_asks_for(capability):
    code = """if True:
        from tocsin_agent.gpu.kernellog import KernelLog
        log = KernelLog("/dev/kmsg", print)
        log.start()
        print("read" if log.thread else "not read")
        log.close()
    """
    kept = f"-all,+{capability}" if capability else "-all"
    done = subprocess.run(
        ["setpriv", f"--inh-caps={kept}", f"--bounding-set={kept}", sys.executable, "-c", code],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    with open("/proc/sys/kernel/dmesg_restrict") as file:
        free = file.read().strip() == "0"
    assert done.stdout.strip() == ("read" if capability or free else "not read"), done.stderr
    assert ("kernel_log_unreadable" in done.stderr) != (done.stdout.strip() == "read")


@pytest.mark.system
@pytest.mark.parametrize("name", UNITS)
def test_the_command_runs_without_capabilities_where_only_its_folders_can_be_written(name, tmp_path):
    """ExecStart as it stands, but for its program, its port and its folders; `make slow` runs the unit itself."""
    held = service(name)
    port = free_port()
    folders = {"/var/lib": tmp_path / "lib", "/run/tocsin": tmp_path / "run", "/etc/tocsin": FOLDER}
    (tmp_path / "run").mkdir()
    (tmp_path / "lib" / held["StateDirectory"][0]).mkdir(parents=True)
    program, *arguments = held["ExecStart"][0].split()
    moved = [_moved(word, folders) for word in arguments]
    moved[moved.index("--listen") + 1] = f"127.0.0.1:{port}"
    environ = {key: _moved(value, folders) for key, value in environment(held).items()}
    with serving(
        [*_confined(tmp_path), sys.executable, "-m", MODULES[program], *moved],
        f"http://127.0.0.1:{port}",
        ready="/-/healthy",
        log=str(tmp_path / "log"),
        environ=environ,
    ) as server:
        with urllib.request.urlopen(server.url + "/metrics", timeout=10) as answer:
            text = answer.read().decode()
        assert "process_cpu_seconds_total" in text
        assert re.findall(r"^node_scrape_collector_success.* 0$", text, re.MULTILINE) == []


def test_the_confinement_of_these_tests_is_one(tmp_path):
    """Otherwise the test above shows nothing."""
    command = [*_confined(tmp_path), "sh", "-c", f"touch {tmp_path}/inside && ! touch {ROOT}/outside"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Read-only file system" in done.stderr


def _moved(word: str, folders: dict[str, object]) -> str:
    for prefix, folder in folders.items():
        if word == prefix or word.startswith(prefix + "/"):
            return f"{folder}{word.removeprefix(prefix)}"
    return word


def _confined(writable: object) -> list[str]:
    """A mount namespace in which only one folder can be written, then no capability and no way to get one."""
    mounts = (
        'mount --bind "$1" "$1"; shift; '
        "awk '{print $5}' /proc/self/mountinfo | grep -v -e ^/proc -e ^/sys -e ^/dev -e \"^$KEEP\" | sort -u | "
        'while read -r path; do mount -o remount,bind,ro "$path" 2>/dev/null || true; done; '
        'exec setpriv --pdeathsig KILL --no-new-privs --inh-caps=-all --bounding-set=-all "$@"'
    )
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["env", f"KEEP={writable}", "unshare", *user, "--mount", "sh", "-c", mounts, "sh", str(writable)]
