"""Fixtures of the way in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector.ingest.served import Collector, Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A real server on a free port of the loopback address."""
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def collector(tmp_path: Path, server: Server) -> Iterator[Collector]:
    """Journal, dedupe and endpoint of one test, behind the module's server."""
    made = Collector(tmp_path / "journal", server)
    yield made
    made.journal.close()
