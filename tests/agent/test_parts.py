"""What becomes of sources and tasks when the configuration changes."""

import pytest

from tocsin_agent.parts import Noted, Parts, close_sources
from tocsin_schema.settings.agent import AGENT


@pytest.fixture
def values(host) -> dict[str, object]:
    return host("vm_6.18") | {"sources": ["cpu", "loadavg", "gpu"], "gpu.enabled": False}


def test_a_configuration_knows_what_was_read_of_it():
    noted = Noted({"a": 1, "b": 2})
    assert noted["a"] == 1
    assert noted.fits({"a": 1, "b": 3})
    assert not noted.fits({"a": 2, "b": 2})


def test_what_was_asked_for_with_a_default_counts_as_read():
    noted = Noted({"a": 1})
    assert noted.get("a", 5) == 1
    assert not noted.fits({"a": 2})


def test_a_source_may_have_paths_for_operators(values):
    parts = Parts()
    parts.open_sources(values | {"gpu.enabled": True})
    assert set(parts.handlers()) == {"/-/gpus/release", "/-/gpus/take"}
    parts.close()


def test_sources_whose_keys_did_not_change_are_kept(values):
    parts = Parts()
    assert parts.open_sources(values) == {}
    before = dict(parts.sources)
    unwanted = parts.open_sources(values | {"sources": ["loadavg", "gpu", "stat"], "gpu.interval_s": 5.0})
    assert set(parts.sources) == {"loadavg", "gpu", "stat"}
    assert parts.sources["loadavg"] is before["loadavg"]
    assert parts.sources["gpu"] is not before["gpu"]
    assert unwanted == {"cpu": before["cpu"], "gpu": before["gpu"]}
    close_sources(unwanted)
    parts.close()


def test_another_proc_is_read_from_then_on(values, tmp_path):
    parts = Parts()
    parts.open_sources(values)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/loadavg").write_text("7.00 8.00 9.00 1/2 3\n")
    close_sources(parts.open_sources(values | {"procfs": str(tmp_path / "other")}))
    assert b"node_load1 7.00\n" in parts.sources["loadavg"].read()
    parts.close()


def test_tasks_come_and_go_with_their_keys():
    values = {key.path: key.default for key in AGENT}
    parts = Parts()
    parts.start_tasks(values)
    assert parts.handlers() == {}
    parts.start_tasks(values | {"collector": "http://127.0.0.1:1"})
    first = parts.tasks["relay"]
    assert set(parts.handlers()) == {"/v1/events"}
    parts.start_tasks(values | {"collector": "http://127.0.0.1:1", "listen": ":1"})
    assert parts.tasks["relay"] is first
    parts.start_tasks(values | {"collector": "http://127.0.0.1:2"})
    assert parts.tasks["relay"] is not first
    parts.start_tasks(values)
    assert parts.tasks == {}
    parts.close()


def test_a_source_that_a_thread_hangs_in_is_left_open(values, capfd):
    class Closing:
        def close(self) -> None:
            raise AssertionError

    close_sources({"hung": Closing()}, frozenset({"hung"}))
    assert capfd.readouterr().err.startswith("source_left_open source=hung ")
