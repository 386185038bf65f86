"""kill -9 and a failing disk while events come in: what was acknowledged, or tried again, is there once."""

from pathlib import Path

import pytest

from tests.system.killing import FAULTS, outlive

LIVES = 54


@pytest.mark.system
@pytest.mark.timeout(180)
def test_fifty_kills_and_disk_faults_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    found = outlive(tmp_path, LIVES, rows=lambda sequence: 1 + sequence % 7, seed=5)
    print(found)
    assert found.kills == 50
    assert (found.lost, found.doubled, found.miscounted) == (0, 0, 0)
    assert found.acknowledged > 10 * LIVES
    assert found.retries > LIVES
    assert all(found.broken[fault] >= LIVES // len(FAULTS) for fault in FAULTS[1:])


@pytest.mark.system
@pytest.mark.timeout(180)
def test_kills_and_failed_syncs_lose_and_double_nothing_in_databases_either(tmp_path: Path) -> None:
    faults = ("sound", "sync_fails", "dies_before_sync", "dies_after_sync", "sound")
    found = outlive(tmp_path, 20, rows=lambda sequence: 1 + sequence % 7, seed=6, store="sqlite", faults=faults)
    print(found)
    assert (found.lost, found.doubled, found.miscounted) == (0, 0, 0)
    assert found.acknowledged > 160
    assert all(found.broken[fault] >= 4 for fault in faults[1:4])
    left = list((tmp_path / "data" / "journal").glob("*-journal"))
    assert [path for path in left if path.stat().st_size or not path.with_suffix(".sqlite").exists()] == []
