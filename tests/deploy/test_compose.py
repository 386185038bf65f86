"""compose.yml and what lies beside it: files, ports, users, secrets, volumes agree. No container engine runs here."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.deploy import docker_compose
from tests.deploy.dockerfile import only, stages
from tests.deploy.manuals import DEPLOY, ROOT, blocks
from tests.servers import alertmanager, prometheus
from tests.servers.cache import have
from tocsin_schema.config import load
from tocsin_schema.ports import AGENT_LISTEN, COLLECTOR_LISTEN
from tocsin_schema.settings.agent import AGENT
from tocsin_schema.settings.collector import COLLECTOR

FOLDER = DEPLOY / "compose"
STACK = yaml.safe_load((FOLDER / "compose.yml").read_text())
SERVICES = STACK["services"]
OURS = {"agent": AGENT_LISTEN, "collector": COLLECTOR_LISTEN}


def mounts(service):
    """Source, target and whether it is read-only of every volume."""
    for volume in SERVICES[service].get("volumes", []):
        if isinstance(volume, str):
            source, target, *mode = volume.split(":")
            yield source, target, mode == ["ro"]
        else:
            yield volume["source"], volume["target"], volume.get("read_only", False)


def test_the_stack_is_whole():
    assert set(SERVICES) == {
        "agent",
        "collector",
        "provision",
        "prometheus",
        "alertmanager",
        "grafana",
        "elasticsearch",
    }


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_has_a_fixed_version(name):
    tag = SERVICES[name]["image"].rpartition(":")[2]
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag)


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name):
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_may_gain_privileges(name):
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in SERVICES[name]


@pytest.mark.parametrize(("name", "listen"), OURS.items())
def test_ours_listen_where_they_are_published_and_looked_for(name, listen):
    port = listen.rpartition(":")[2]
    command = SERVICES[name]["command"]
    assert command[command.index("--listen") + 1] == f"0.0.0.0:{port}"
    assert SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_file_that_is_mounted_is_there_and_read_only(name):
    for source, _, read_only in mounts(name):
        if source.startswith("."):
            assert (FOLDER / source).is_file()
        assert read_only or source in STACK["volumes"]


def test_every_volume_secret_and_network_is_declared_and_used():
    used = {source for name in SERVICES for source, _, _ in mounts(name) if not source.startswith((".", "/"))}
    assert used == set(STACK["volumes"])
    assert {secret for service in SERVICES.values() for secret in service.get("secrets", [])} == set(STACK["secrets"])
    assert {network for service in SERVICES.values() for network in service.get("networks", [])} == set(
        STACK["networks"]
    )


def test_there_is_no_default_password():
    for name, secret in STACK["secrets"].items():
        assert not (ROOT / f"deploy/compose/secrets/{name}").is_file() or _ignored(name)
        assert secret == {"file": f"./secrets/{name}"}
    environment = {
        key: value for service in SERVICES.values() for key, value in (service.get("environment") or {}).items()
    }
    for key, value in environment.items():
        assert "PASSWORD" not in key or str(value).startswith("/run/secrets/")
    made = "\n".join(blocks("install-compose", "sh"))
    assert all(name in made for name in STACK["secrets"])


def _ignored(name):
    return (
        subprocess.run(
            ["git", "check-ignore", "-q", f"deploy/compose/secrets/{name}"], cwd=ROOT, check=False
        ).returncode
        == 0
    )


def test_each_service_waits_for_what_it_reads():
    for name, service in SERVICES.items():
        reads = any(source == "provision" for source, _, _ in mounts(name))
        if reads and name != "provision":
            assert service["depends_on"]["provision"] == {"condition": "service_completed_successfully"}


def test_volumes_of_ours_begin_as_folders_that_their_user_owns():
    for name in OURS:
        last = stages(DEPLOY / f"docker/{name}.Dockerfile")[-1]
        user = only(last, "USER")
        owned = {rest.split()[-1] for word, rest in last if word == "COPY" and f"--chown={user}" in rest}
        assert {
            target for source, target, _ in mounts(name) if source in STACK["volumes"] and source != "runtime"
        } == owned
    options = STACK["volumes"]["runtime"]["driver_opts"]["o"].split(",")
    agent = only(stages(DEPLOY / "docker/agent.Dockerfile")[-1], "USER").partition(":")[0]
    assert {"mode=3770", f"uid={agent}", f"gid={agent}"} <= set(options)
    model = yaml.safe_load(blocks("install-compose", "yaml")[0])["services"]["model"]
    assert model["group_add"] == [agent]


def test_each_key_is_mounted_where_it_is_shown_and_nowhere_else():
    held = {
        secret: {name for name, service in SERVICES.items() if secret in service.get("secrets", [])}
        for secret in STACK["secrets"]
        if secret.endswith("_key")
    }
    assert held == {f"{name}_key": {name} for name in ("agent", "prometheus", "alertmanager")}


def test_prometheus_and_alertmanager_are_those_of_the_samples_but_for_the_key():
    sample, own = (
        yaml.safe_load(path.read_text()) for path in (DEPLOY / "prometheus/prometheus.yml", FOLDER / "prometheus.yml")
    )
    assert {key: own[key] for key in ("global", "alerting")} == {key: sample[key] for key in ("global", "alerting")}
    assert set(own["rule_files"]) < set(sample["rule_files"])
    sample, own = (
        yaml.safe_load(path.read_text())
        for path in (DEPLOY / "alertmanager/alertmanager.yml", FOLDER / "alertmanager.yml")
    )
    (hook,) = next(found for found in own["receivers"] if found["name"] == "collector")["webhook_configs"]
    assert hook.pop("http_config") == {"authorization": {"credentials_file": "/run/secrets/alertmanager_key"}}
    assert own == sample


def test_our_configurations_are_right_and_meet_each_other():
    agent = load(AGENT, str(FOLDER / "agent.toml"), {})
    collector = load(COLLECTOR, str(FOLDER / "collector.toml"), {})
    addresses = [agent["collector"], *collector["agents"], *collector["elasticsearch.urls"]]
    addresses += [collector[f"{server}.url"] for server in ("prometheus", "alertmanager", "grafana")]
    ports = {"elasticsearch": {"9200"}} | {
        name: {port.rpartition(":")[2] for port in service.get("ports", [])}
        for name, service in SERVICES.items()
        if "ports" in service
    }
    for address in addresses:
        parts = urlsplit(address)
        assert str(parts.port) in ports[parts.hostname]
    secrets = {f"/run/secrets/{name}" for name in SERVICES["collector"]["secrets"]}
    assert {
        value for key, value in collector.items() if key.endswith("_file") and value and "targets_file" not in key
    } <= secrets
    assert collector["alerting.targets_file"] in secrets
    for key in ("procfs", "sysfs", "rootfs", "runtime_dir"):
        assert agent[key] in {target for _, target, _ in mounts("agent")}
    for file in ("agent.toml", "collector.toml"):
        assert not {"listen", "data_dir"} & tomllib.loads((FOLDER / file).read_text()).keys()


@pytest.mark.system
def test_the_files_for_prometheus_and_grafana_are_written_by_the_services_own_command(tmp_path):
    script = SERVICES["provision"]["command"][0]
    config = tmp_path / "collector.toml"
    config.write_text((FOLDER / "collector.toml").read_text().replace("/run/secrets", str(tmp_path)))
    for name in SERVICES["provision"]["secrets"]:
        (tmp_path / name).write_text("json://127.0.0.1:9/")
    moved = script.replace("/etc/tocsin/collector.toml", str(config))
    moved = re.sub(r"(?<!--seen-as )/provision/", f"{tmp_path}/", moved).replace(
        "tocsin provision", f"{ROOT}/.venv/bin/tocsin provision"
    )
    done = subprocess.run(["sh", "-ec", moved], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "targets").is_dir()
    assert list((tmp_path / "rules").glob("*.rules.yml"))
    sources = next((tmp_path / "grafana/datasources").iterdir()).read_text()
    addresses = {source["url"] for source in yaml.safe_load(sources)["datasources"]}
    assert addresses == {"http://prometheus:9090", "http://elasticsearch:9200"}
    read = set(re.findall(r"\$__file{([^}]+)}", sources))
    assert read
    assert {Path(file).name for file in read} <= set(SERVICES["grafana"]["secrets"])
    provider = yaml.safe_load(next((tmp_path / "grafana/dashboards").glob("*.yaml")).read_text())
    assert provider["providers"][0]["options"]["path"].startswith("/provision/grafana/dashboards")
    rules = [str(path) for path in (tmp_path / "rules").glob("*.rules.yml")]
    checked = subprocess.run(
        [have(lambda: prometheus.binary("promtool")), "check", "rules", *rules],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.system
def test_prometheus_and_alertmanager_take_their_files(tmp_path):
    promtool = have(lambda: prometheus.binary("promtool"))
    amtool = have(lambda: alertmanager.binary("amtool"))
    for command in (
        [promtool, "check", "config", "--syntax-only", str(mounted("prometheus", "/etc/prometheus/prometheus.yml"))],
        [amtool, "check-config", str(mounted("alertmanager", "/etc/alertmanager/alertmanager.yml"))],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def mounted(service: str, target: str) -> Path:
    """The file of this repository that a service sees at a path."""
    (source,) = [source for source, seen, _ in mounts(service) if seen == target]
    return (FOLDER / source).resolve()


def test_prometheus_looks_where_tocsin_writes():
    config = yaml.safe_load(mounted("prometheus", "/etc/prometheus/prometheus.yml").read_text())
    collector = load(COLLECTOR, str(FOLDER / "collector.toml"), {})
    files = [
        file for job in config["scrape_configs"] for found in job.get("file_sd_configs", []) for file in found["files"]
    ]
    assert any(Path(str(collector["prometheus.targets_file"])).match(file) for file in files)
    assert any(Path("/provision/rules/tocsin-host.rules.yml").match(file) for file in config["rule_files"])
    managers = [
        target
        for one in config["alerting"]["alertmanagers"]
        for found in one["static_configs"]
        for target in found["targets"]
    ]
    assert managers == ["alertmanager:9093"]


def test_alertmanager_calls_the_collector_back():
    config = yaml.safe_load(mounted("alertmanager", "/etc/alertmanager/alertmanager.yml").read_text())
    urls = [hook["url"] for receiver in config["receivers"] for hook in receiver.get("webhook_configs", [])]
    assert urls == [f"http://collector:{COLLECTOR_LISTEN.rpartition(':')[2]}/v1/notifications"]


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """``docker compose config`` of a text in the place of compose.yml."""
    binary = have(docker_compose.binary)
    folder = tmp_path_factory.mktemp("compose")

    def ask(text):
        file = folder / "compose.yml"
        file.write_text(text)
        command = [binary, "--file", str(file), "--project-directory", str(FOLDER), "config", "--format", "json"]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})

    return ask


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_docker_compose_reads_it_without_a_warning(config):
    done = config((FOLDER / "compose.yml").read_text())
    assert (done.returncode, done.stderr) == (0, "")
    assert set(json.loads(done.stdout)["services"]) == set(SERVICES)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("right", "wrong"),
    [("pids_limit:", "pid_limit:"), ("[tocsin, store]", "[tocsin, shop]"), ("condition:", "conditon:")],
)
def test_docker_compose_refuses_a_typo(config, right, wrong):
    text = (FOLDER / "compose.yml").read_text()
    assert right in text
    assert config(text.replace(right, wrong)).returncode != 0
