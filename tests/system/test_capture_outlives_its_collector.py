"""Capture through the whole way: recorders begin and end while the collector is killed, restarted, hangs or is away."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.servers.process import free_port, until
from tests.system.beside import Collector, collector
from tocsin_agent.capture import Capture
from tocsin_collector.journal import open_journal
from tocsin_schema.block import decode

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class Recorder:
    """A process that records; ``end`` lets it close its capture and tells the ids of its rows."""

    def __init__(self, name: str, endpoint: str, spill: Path) -> None:
        environ = os.environ | {"TOCSIN_SPILL_DIR": str(spill), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(HERE / "recording.py"), endpoint, name]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ, cwd=ROOT
        )
        self._name = name

    def end(self) -> list[str]:
        said, _ = self._process.communicate("", timeout=60)
        return [f"{self._name}-{number}" for number in range(int(said))]

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def _predictions(found: Collector) -> float:
    lines = found.get("/metrics").splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("tocsin_predictions_total{"))


def test_every_row_is_there_once_unless_its_process_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spill, recorded = tmp_path / "spill", list[str]()
    with collector(tmp_path / "collector", free_port()) as found:
        whole_way = Recorder("whole-way", found.url, spill)
        recorders = []
        for life in range(3):
            before = _predictions(found)
            first = Recorder(f"{life}-up", found.url, spill)
            until(lambda before=before: _predictions(found) > before + 1_000, "rows arrive")
            killed = Recorder(f"{life}-killed", found.url, spill)
            found.server.kill()
            away = Recorder(f"{life}-away", found.url, spill)
            killed.kill()
            recorded += first.end()  # nobody is there: what it has is spilled
            found.server.start()
            found.server.pause()
            recorders += [away, Recorder(f"{life}-hangs", found.url, spill)]
            recorded += recorders.pop(0).end()  # somebody takes the connection and does not answer
            found.server.resume()
        for recorder in (whole_way, *recorders):
            recorded += recorder.end()
        monkeypatch.setenv("TOCSIN_SPILL_DIR", str(spill))
        last = Capture(model="credit", endpoint=found.url, runtime_dir="")
        recorded.append(last.prediction("last", prediction="yes"))
        assert last.flush(60)
        assert last.close()
        found.server.stop()
    journal = open_journal(tmp_path / "collector" / "data" / "journal")
    stored = Counter(name for _, _, payload in journal.replay() for name in decode(payload).columns["id"].to_list())
    journal.close()
    lost = sorted(Counter(recorded) - stored)
    doubled = sorted(name for name, times in stored.items() if times > 1)
    assert (len(lost), len(doubled), lost[:3], doubled[:3]) == (0, 0, [], [])
    assert not [name for name in stored.keys() - set(recorded) if "-killed-" not in name]
    assert [*spill.iterdir()] == []
