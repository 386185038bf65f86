"""Ten thousand mutated bodies; `make fuzz` has a million, others each time."""

import asyncio
from pathlib import Path

import pytest

from tests.collector.ingest.fuzz import fuzz


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_mutation_fails_the_server_and_good_rows_are_kept(seed: int, tmp_path: Path) -> None:
    found = asyncio.run(fuzz(5_000, seed, tmp_path))
    assert found.statuses[200] > 1_250
    assert found.statuses[400] > 1_000
