"""Every exposition, of each tree, of each whole host and of this one, is accepted by whoever may read it."""

import subprocess

import pytest

from tests.agent.conftest import configured
from tests.agent.sources import hosts, tree
from tests.agent.test_protobuf import said, samples
from tests.servers.cache import have
from tests.servers.prometheus import binary
from tocsin_agent import listing
from tocsin_agent.parts import Parts
from tocsin_agent.protobuf import Encoder
from tocsin_agent.scrape import Scrape
from tocsin_agent.settings import SOURCES
from tocsin_schema.catalogue import catalogue

pytestmark = pytest.mark.system

ODD_NAMES = ("node_entropy_", "node_memory_", "node_netstat_")
"""promtool does not like them, and node_exporter's own check of its names leaves them out for that."""


@pytest.fixture(scope="module")
def promtool() -> str:
    return have(lambda: binary("promtool"))


@pytest.fixture
def accepted(promtool, series):
    """Have all sources read a host; gives how many series all formats have, which must be the same."""

    def check(values: dict[str, object]) -> int:
        parts = Parts()
        parts.open_sources(values | {"sources": listing.names(SOURCES)})
        scrape = Scrape([(name, source.read) for name, source in parts.sources.items()])
        texts = scrape.texts()
        parts.close()
        text = b"".join(texts)
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
        complaints = done.stderr.decode().splitlines()
        assert done.returncode in (0, 3), complaints  # 3: what follows
        ours = [line for line in complaints if line.split()[0] in catalogue()]  # not a text file's
        assert [line for line in ours if not line.startswith(ODD_NAMES)] == []
        assert floats(samples(Encoder().encode(texts))) == floats(said(text))
        return len(series(text))  # which reads the text, and OpenMetrics, with prometheus-client

    return check


def floats(found) -> dict:
    """As text: NaN is NaN, and what is beyond a double's digits is what a double makes of it."""
    return {key: repr(float(value)) for key, value in found.items()}


@pytest.mark.parametrize("name", tree.names())
def test_a_planted_source(accepted, tmp_path, name):
    tree.plant(tmp_path, (tree.FOLDER / f"{name}.tree").read_text(encoding="utf-8"))
    assert accepted(configured(tmp_path))


@pytest.mark.parametrize("name", hosts.HOSTS)
def test_a_whole_host(accepted, tmp_path, name):
    hosts.plant(tmp_path, hosts.HOSTS[name])
    assert accepted(configured(tmp_path)) > 90  # of what asks the kernel itself


def test_this_host(accepted, this_host):
    assert accepted(this_host) > 200
