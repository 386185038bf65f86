"""Real servers behind TLS and a password: with the right ones all works, and each wrong one is one clear line, on the
page of the collector and from `tocsin provision`."""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.agent.certificates import Authority
from tests.collector.provision.shop import applied, catalogue, planned
from tests.servers import alertmanager, grafana, prometheus
from tests.servers.cache import have
from tests.servers.process import Server
from tocsin_collector.logs.contract import State
from tocsin_collector.provision.fault import ProvisionError
from tocsin_collector.servers import ServerView, Watch, configured
from tocsin_schema.config import load
from tocsin_schema.settings.collector import COLLECTOR

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
USER, PASSWORD = "alice", "wonderland"
_WEB = """\
tls_server_config: {{cert_file: {cert}, key_file: {key}}}
basic_auth_users: {{alice: "$2y$04$abcdefghijklmnopqrstuujZkTwHUiJ9XdZPwKfcfDo7dMp5DjlTu"}}
"""
_PROMETHEUS = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{folder}/*.yml"]
"""
_ALERTMANAGER = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@dataclass(frozen=True)
class Protected:
    """A server, the files that let one in, and what else it is configured with."""

    name: str
    server: Server
    user: str
    password: str
    authority: str
    stranger: str
    folder: Path

    def settings(self, **given: str) -> dict[str, Any]:
        """The settings that let the collector in; ``given`` are wrong ones."""
        right = {"url": self.server.url, "username": self.user, "password": self.password, "ca_file": self.authority}
        found = {**right, **given}
        password = self.folder / "password"
        password.write_text(found.pop("password"))
        if found["username"]:
            found["password_file"] = str(password)
        return load(COLLECTOR, None, {}) | {f"{self.name}.{key}": value for key, value in found.items()}

    @property
    def plain(self) -> str:
        """Its address without TLS."""
        return self.server.url.replace("https:", "http:")


@pytest.fixture(scope="module", params=["prometheus", "alertmanager", "grafana"])
def protected(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Protected]:
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    module = {"prometheus": prometheus, "alertmanager": alertmanager, "grafana": grafana}[name]
    have(module.home if name == "grafana" else module.binary)  # type: ignore[attr-defined]
    own, other = Authority(str(folder / "own")), Authority(str(folder / "other"))
    own.sign("server")
    cert, key = own.path("server.pem"), own.path("server.key")
    (folder / "rules").mkdir()
    if name == "grafana":
        started = grafana.grafana(str(folder), (cert, key))
        user, password = grafana.USER, grafana.PASSWORD
    else:
        config = _PROMETHEUS.format(folder=folder / "rules") if name == "prometheus" else _ALERTMANAGER
        started = getattr(module, name)(str(folder), config, _WEB.format(cert=cert, key=key))
        user, password = USER, PASSWORD
    with started as server:
        yield Protected(name, server, user, password, own.path("ca.pem"), other.path("ca.pem"), folder)


def _seen(values: dict[str, Any]) -> ServerView:
    watch = Watch(configured(values, lambda: State(up=True, last_success_s=1.0, error="")), 1.0)
    # In a thread: the browser tests of the same process keep a loop of their own in the main one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(watch.look())).result()
    (view,) = watch.views()
    return view


WRONG = {
    "password": ({"password": "wrong"}, "answers with the status 401 Unauthorized; look at {name}.password_file"),
    "authority": ({"ca_file": ""}, "TLS failed: unable to get local issuer certificate; look at {name}.ca_file"),
    "another authority": ({"ca_file": "stranger"}, "TLS failed: unable to get local issuer certificate; look at"),
    "no TLS": (
        {"url": "plain"},
        "answers with the status 400 Bad Request; where it speaks TLS, {name}.url be",
    ),
}


def _given(found: Protected, given: dict[str, str]) -> dict[str, str]:
    told = {"stranger": found.stranger, "plain": found.plain}
    return {key: told.get(value, value) for key, value in given.items()}


def test_with_the_right_ones_it_answers(protected: Protected) -> None:
    view = _seen(protected.settings())
    assert (view.up, view.fault) == (True, "")
    assert view.version


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_is_one_line_on_the_page(protected: Protected, name: str) -> None:
    given, said = WRONG[name]
    view = _seen(protected.settings(**_given(protected, given)))
    assert (view.up, "\n" in view.fault) == (False, False)
    assert view.fault.startswith(said.format(name=protected.name)), view.fault


def test_none_at_all_is_told_with_what_to_set(protected: Protected) -> None:
    if protected.name == "grafana":
        view = _seen(protected.settings(username=""))
        assert [remark.text.partition(":")[0] for remark in view.remarks] == ["no credentials"]
    else:
        fault = _seen(protected.settings(username="")).fault
        assert fault.endswith(f"set {protected.name}.username and {protected.name}.password_file, or "
                              f"{protected.name}.token_file")  # fmt: skip


# --- tocsin provision -------------------------------------------------------------------------------------------------


FILLED = pytest.mark.parametrize("protected", ["prometheus", "grafana"], indirect=True, scope="module")


def _provisioned(found: Protected, **given: str) -> dict[str, Any]:
    more = {"prometheus.rules_dir": str(found.folder / "rules"), "alerting.judge": "prometheus"}
    return found.settings(**given) | (more if found.name == "prometheus" else {})


@FILLED
def test_provisioning_writes_and_a_second_time_nothing(protected: Protected) -> None:
    values = _provisioned(protected)
    assert applied(values, catalogue()).done
    again = applied(values, catalogue())
    assert (again.writes, os.listdir(protected.folder / "rules") != []) == (0, protected.name == "prometheus")


PROVISION = {
    "password": ({"password": "wrong"}, "check {name}.username and {name}.password_file"),
    "authority": ({"ca_file": ""}, "its certificate is not trusted by the system's authorities"),
    "another authority": ({"ca_file": "stranger"}, "its certificate is not trusted by {name}.ca_file = "),
    "no TLS": ({"url": "plain"}, "it speaks TLS: {name}.url must begin with https"),
}


@FILLED
@pytest.mark.parametrize("name", PROVISION)
def test_a_wrong_one_ends_provisioning_with_one_line(protected: Protected, name: str) -> None:
    given, said = PROVISION[name]
    with pytest.raises(ProvisionError) as caught:
        planned(_provisioned(protected, **_given(protected, given)))
    (line,) = caught.value.faults
    assert said.format(name=protected.name) in line
    assert "\n" not in line
