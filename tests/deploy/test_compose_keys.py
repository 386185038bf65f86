"""The keys of the how-to, made by its own commands; who needs one is a real process over the files of compose."""

import json
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.agent.agent_process import Agent
from tests.deploy.manuals import DEPLOY, blocks
from tests.servers import alertmanager, prometheus
from tests.servers.cache import have
from tests.servers.process import free_port, serving, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
FOLDER = DEPLOY / "compose"
TOCSIN = Path(sys.executable).with_name("tocsin")
EVENT = {"type": "prediction", "project": "shop", "model": "credit", "id": "a", "prediction": "yes"}
ALERT = [{"labels": {"alertname": "HostDown", "severity": "critical", "instance": "a", "job": "tocsin-agent"}}]


@pytest.fixture
def here(tmp_path):
    """A file of compose with this test's addresses and folders, and the secrets of the how-to's own commands."""
    for name in ("secrets", "provision/targets", "data", "run"):
        (tmp_path / name).mkdir(parents=True)
    port = free_port()

    def text(name):
        found = (FOLDER / name).read_text().replace("/run/secrets", f"{tmp_path}/secrets")
        found = found.replace("/provision/", f"{tmp_path}/provision/").replace("/run/tocsin", f"{tmp_path}/run")
        found = re.sub(r'"/host/(proc|sys)"', r'"/\1"', found).replace("/host/root", "/")
        return found.replace("collector:10301", f"127.0.0.1:{port}").replace("15s", "1s")

    script = blocks("install-compose", "sh")[0].replace("docker compose build\n", "")
    script = script[: script.index("docker compose up")].partition("cd deploy/compose && ")[2]
    # What `docker compose run ... collector` runs is the image's entry point, over the volume of its data.
    script = script.replace("docker compose run --rm --no-deps --no-TTY collector", shlex.quote(str(TOCSIN)))
    script = script.replace("--data /data", f"--data {shlex.quote(str(tmp_path / 'data'))}")
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True, capture_output=True)
    text.folder, text.url = tmp_path, f"http://127.0.0.1:{port}"
    return text


def _secret(here, name):
    return (here.folder / "secrets" / name).read_text().strip()


@pytest.fixture
def collector(here):
    """The collector of compose.yml. It knows of no server but those that a test starts."""
    config = here("collector.toml")
    config = config[: config.index("[alertmanager]")].replace("http://prometheus:9090", "")
    (here.folder / "collector.toml").write_text(config)
    command = [str(TOCSIN), "collector", "--config", str(here.folder / "collector.toml")]
    command += ["--listen", here.url.removeprefix("http://"), "--data", str(here.folder / "data")]
    with serving(command, here.url, ready="/-/healthy", log=str(here.folder / "collector.log")) as server:
        yield server


def _status(url, token="", data=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    headers |= {"content-type": "application/json"} if data else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_every_secret_of_the_stack_is_made_and_only_the_owners_folder_shows_them(here):
    made = {path.name for path in (here.folder / "secrets").iterdir()}
    declared = re.findall(r"\./secrets/(\w+)}", (FOLDER / "compose.yml").read_text())
    assert made == {*declared, "my_key"}
    assert (here.folder / "secrets").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_size > 20 for path in (here.folder / "secrets").iterdir())


def test_each_key_opens_what_it_is_for_and_nothing_else(here, collector):
    event = json.dumps(EVENT).encode()
    asked = {
        "agent_key": [200, 403, 403],
        "prometheus_key": [403, 200, 403],
        "alertmanager_key": [403, 403, 400],
        "my_key": [200, 200, 400],
    }
    for name, wanted in {"": [401, 401, 401], **asked}.items():
        token = _secret(here, name) if name else ""
        found = [
            _status(here.url + "/v1/events", token, event),
            _status(here.url + "/metrics", token),
            _status(here.url + "/v1/notifications", token, b"{}"),
        ]
        assert found == wanted, name


def test_the_agent_of_the_stack_hands_on_events(here, collector):
    config = here("agent.toml") + "\n[sampling]\nhz = 0\n"
    (here.folder / "agent.toml").write_text(config)
    with Agent(here.folder / "agent.toml", XDG_STATE_HOME=str(here.folder)) as agent:
        assert _status(agent.url + "/v1/events", data=json.dumps(EVENT).encode()) == 200


def test_prometheus_scrapes_the_collector_and_shows_its_key_to_no_agent(here, collector):
    have(prometheus.binary)
    with prometheus.prometheus(str(here.folder), here("prometheus.yml")) as server:

        def up():
            return {found["metric"]["job"]: found["value"][1] for found in prometheus.query(server, "up")}

        until(lambda: up().get("tocsin-collector") == "1", f"it is scraped\n{server.said()}")
        assert up().get("tocsin-agent", "0") == "0"  # http://agent:10300 is not here
        with urllib.request.urlopen(server.url + "/api/v1/status/config", timeout=10) as answer:
            jobs = json.load(answer)["data"]["yaml"]
    (keyed,) = [job for job in jobs.split("job_name: ")[1:] if "credentials_file" in job]
    assert keyed.startswith("collector\n")


def test_alertmanager_delivers_through_the_collector(here, collector):
    have(alertmanager.binary)
    config = here("alertmanager.yml").replace("group_wait: 10s", "group_wait: 0s")
    with alertmanager.alertmanager(str(here.folder), config) as server:
        assert _status(server.url + "/api/v2/alerts", data=json.dumps(ALERT).encode()) == 200
        token = _secret(here, "my_key")

        def received():
            asked = urllib.request.Request(here.url + "/metrics", headers={"authorization": f"Bearer {token}"})
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return re.search(rb"tocsin_notifications_received_total.* [1-9]", answer.read())

        until(received, f"the webhook is taken\n{server.said()}")
