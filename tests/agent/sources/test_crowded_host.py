"""The kernel's own lists, many pages long: planted files give all at once what /proc gives by the page."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.sources.conftest import plain
from tests.agent.sources.crowded_host import DEVICES, MOUNTS, PAIRS, PLACES
from tests.agent.sources.test_hosts_same_as_node_exporter import FLAGS, comparable
from tests.agent.sources.test_same_as_node_exporter import early, theirs
from tests.servers import node_exporter

pytestmark = [pytest.mark.system, pytest.mark.timeout(120, func_only=True)]

UNSHARE = ["unshare", "-Urnmpf", "--mount-proc", "--kill-child"]
LEFT = ("collector.netdev.device", "collector.filesystem")


@pytest.fixture(scope="module")
def crowded(node_exporter_program, tmp_path_factory):
    if subprocess.run([*UNSHARE, "ip", "link"], check=False, capture_output=True).returncode:
        pytest.skip("needs unshare with namespaces of its own, and ip")
    flags = [flag for flag in FLAGS if flag.removeprefix("--").startswith(LEFT)]
    told = str(Path(__file__).with_name("crowded_host.py")), str(tmp_path_factory.mktemp("crowd"))
    command = [*UNSHARE, sys.executable, *told, node_exporter_program, *flags]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, capture_output=True, timeout=100, check=False, env=environ)
    assert not done.returncode, done.stderr.decode()
    later = not node_exporter.version(node_exporter_program).startswith("1.5")
    return {name: [text.encode() for text in texts] for name, texts in json.loads(done.stdout).items()}, later


@pytest.mark.parametrize(("source", "least"), [("netdev", 16 * 2 * (PAIRS + len(DEVICES))), ("filesystem", 4 * MOUNTS)])
def test_a_crowded_host_reads_the_same(crowded, series, source, least):
    texts, later = crowded
    before, text, after = texts[source]
    _, ours = comparable(({}, early(plain(series(text)), source, later)))
    (_, lows), (_, highs) = comparable(theirs(before)), comparable(theirs(after))
    assert set(ours) == set(lows)
    assert len(ours) >= least
    assert [key for key, value in ours.items() if not lows[key] <= value <= highs[key]] == []


def test_odd_names_are_whole(crowded, series):
    texts, _ = crowded
    devices = {dict(labels)["device"] for _, labels in series(texts["netdev"][1])}
    assert devices >= {*DEVICES, "lo"}
    places = {os.path.basename(dict(labels).get("mountpoint", "")) for _, labels in series(texts["filesystem"][1])}
    assert places >= set(PLACES)
