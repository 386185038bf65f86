"""kill -9 and a failing disk while events come in: what was acknowledged, or tried again, is there once."""

from pathlib import Path

import pytest

from tests.system.killing import FAULTS, outlive

KILLS = 50


@pytest.mark.system
@pytest.mark.timeout(180)
def test_fifty_kills_and_disk_faults_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    found = outlive(tmp_path, KILLS, rows=lambda sequence: 1 + sequence % 7, seed=5)
    print(found)
    assert (found.lost, found.doubled, found.miscounted) == (0, 0, 0)
    assert found.acknowledged > 10 * KILLS
    assert found.retries > KILLS
    assert all(found.broken[fault] >= KILLS // len(FAULTS) for fault in FAULTS[1:])
