"""What Prometheus is told to scrape: the same targets as the fleet's, written whole, only when they change."""

import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.fleet.address import Address, AddressError, address
from tocsin_collector.servers.discovery import TargetsFile, groups, own_address, text

OWN = own_address("http://127.0.0.1:10301")

_HOSTS = st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{2,5})?", fullmatch=True) | st.sampled_from(["[::1]", "10.0.0.7"])
_QUERIES = st.lists(st.tuples(st.sampled_from("abc[-"), st.text("xyz&=%/ ", max_size=5)), max_size=3)


@st.composite
def _texts(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["", "http://", "https://"]))
    port = draw(st.sampled_from(["", ":9100", ":10300"]))
    path = draw(st.sampled_from(["", "/", "/metrics", "/node/metrics"]))
    query = "&".join(f"{name}={value.replace(' ', '')}" for name, value in draw(_QUERIES))
    return f"{scheme}{draw(_HOSTS)}{port}{path}" + (f"?{query}" if query and path else "")


def _asked(group: dict[str, Any]) -> tuple[str, str, str, frozenset[str]]:
    """What Prometheus would connect to and ask for, by its own rules for the labels of a target."""
    labels = group["labels"]
    (target,) = group["targets"]
    params = frozenset(name for name in labels if name.startswith("__param_"))
    return labels.get("__scheme__", "http"), target, labels.get("__metrics_path__", "/metrics"), params


@given(st.lists(_texts(), max_size=8))
def test_every_address_becomes_the_target_that_the_fleet_scrapes(texts: list[str]) -> None:
    addresses: list[Address] = []
    for each in dict.fromkeys(texts):
        try:
            addresses.append(address(each))
        except AddressError:
            continue
    found, refused = groups(OWN, addresses)
    assert json.loads(text(found)) == found
    assert len(found) - 1 + len(refused) == len(addresses)
    by_instance = {group["labels"]["instance"]: group for group in found[1:]}
    assert len(by_instance) == len(found) - 1, "no two targets share their labels"
    for at in addresses:
        if at.text not in by_instance:
            assert re.search(r"one plain name, once", " ".join(refused))
            continue
        scheme, target, path, params = _asked(by_instance[at.text])
        host = f"[{at.host}]" if ":" in at.host else at.host
        assert (scheme, target, path) == ("https" if at.tls else "http", f"{host}:{at.port}", at.path.partition("?")[0])
        assert bool(params) == ("=" in at.path.partition("?")[2])
        assert by_instance[at.text]["labels"]["job"] == "tocsin-agent"
        labels = by_instance[at.text]["labels"]
        assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and isinstance(labels[name], str) for name in labels)


@pytest.mark.parametrize(
    ("listening", "target"),
    [("http://127.0.0.1:10301", "127.0.0.1:10301"), ("http://[::1]:10301", "[::1]:10301"), ("http://a", "a:80")],
)
def test_the_collector_is_scraped_where_it_listens(listening: str, target: str) -> None:
    (own,), _ = groups(own_address(listening), [])
    assert own == {"targets": [target], "labels": {"job": "tocsin-collector", "instance": target}}


def test_a_collector_on_all_addresses_is_scraped_by_its_name() -> None:
    assert own_address("http://0.0.0.0:10301").host not in ("0.0.0.0", "")


def _file(folder: Path, agents: list[str], agents_file: str = "") -> TargetsFile:
    return TargetsFile(str(folder / "tocsin.json"), OWN, agents, agents_file)


def _instances(file: TargetsFile) -> list[str]:
    return [group["labels"]["instance"] for group in json.loads(Path(file.path).read_text())]


def test_the_file_follows_the_list_and_is_left_alone_between_changes(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    agents.write_text("http://b:10300\n")
    file = _file(tmp_path, ["http://a:10300"], str(agents))
    file.follow()
    assert _instances(file) == ["127.0.0.1:10301", "http://a:10300", "http://b:10300"]
    assert os.stat(file.path).st_mode & 0o777 == 0o644
    before = os.stat(file.path)
    file.follow()
    assert (os.stat(file.path).st_ino, os.stat(file.path).st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    agents.write_text("http://b:10300\nhttp://c:10300\n")
    file.follow()
    assert _instances(file)[-1] == "http://c:10300"
    Path(file.path).unlink()
    file.follow()
    assert len(_instances(file)) == 4, "one that somebody removed comes back"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["agents", "tocsin.json"]


def test_a_list_that_cannot_be_read_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    agents.write_text("http://b:10300\n")
    _file(tmp_path, [], str(agents)).follow()
    agents.unlink()
    restarted = _file(tmp_path, [], str(agents))
    restarted.follow()
    assert _instances(restarted) == ["127.0.0.1:10301", "http://b:10300"]
    assert "agents_file" in restarted.fault


def test_what_cannot_be_written_is_said_once_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "later"
    file = _file(folder, ["http://a:10300"])
    with caplog.at_level(logging.WARNING):
        file.follow()
        file.follow()
    assert [record.message for record in caplog.records] == [
        f"targets_file_not_written file={file.path} reason={file.fault}"
    ]
    assert "cannot be written: No such file or directory" in file.fault
    folder.mkdir()
    file.follow()
    assert (file.fault, len(_instances(file))) == ("", 2)


def test_an_agent_that_prometheus_cannot_ask_is_named_and_the_others_stand(tmp_path: Path) -> None:
    file = _file(tmp_path, ["http://a:10300/metrics?collect[]=cpu", "http://b:10300"])
    file.follow()
    assert "'collect[]'" in file.fault
    assert _instances(file) == ["127.0.0.1:10301", "http://b:10300"]
