"""Fixtures of the way in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector.ingest.served import Collector


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    made = Collector(tmp_path / "journal")
    yield made
    made.stop()
