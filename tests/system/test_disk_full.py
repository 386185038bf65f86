"""A collector on a file system that is really full: it refuses with a time to come back, is read, and resumes."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.process import free_port, until
from tests.system.beside import Collector, collector

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]
EVENT = {"type": "prediction", "model": "credit", "prediction": "yes"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 MiB, of which a file takes 96: too little is left for a segment."""
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    command = ["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", str(tmp_path)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    (tmp_path / "ballast").write_bytes(bytes(96 << 20))
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def posted(found: Collector, name: str) -> tuple[int, str, dict[str, object]]:
    """Status, Retry-After and answer of one event."""
    body = json.dumps(EVENT | {"id": name}).encode()
    request = urllib.request.Request(found.url + "/v1/events", body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, "", json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["retry-after"], json.load(error)


def test_a_full_disk_refuses_events_is_read_and_resumes_by_itself(small: Path) -> None:
    with collector(small, free_port()) as found:
        for name in ("a", "b"):
            status, retry_after, answer = posted(found, name)
            assert (status, answer["rejected"][0]["code"]) == (503, "journal_full")
            assert int(retry_after) > 0
        assert "\ntocsin_journal_stopped 1\n" in found.get("/metrics")
        assert found.json("/v1/models")["models"] == []
        assert json.loads((small / "data" / "journal" / "stopped").read_text())["position"] == 0
        (small / "ballast").unlink()
        until(lambda: posted(found, "a")[0] == 200, "the collector takes events again")
        assert "\ntocsin_journal_stopped 0\n" in found.get("/metrics")
        assert found.json("/v1/models")["models"][0]["rows_total"] == 1
        assert not (small / "data" / "journal" / "stopped").exists()
