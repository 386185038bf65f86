import gzip
import json
import os
import socket

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.agent.logs.conftest import append, copytruncate, until
from tests.agent.sink import Sink
from tocsin_agent.tasks import logs


def lines(first, last):
    return [f"line {number}" for number in range(first, last)]


def text(first, last):
    return "".join(f"{line}\n" for line in lines(first, last))


def test_existing_and_appended_lines_arrive_once(ship, sink):
    path = ship.folder / "app.log"
    append(path, text(0, 10))
    shipper = ship("app.log")
    sink.wait(lambda sink: len(sink.records) == 10)
    append(path, text(10, 20))
    sink.wait(lambda sink: len(sink.records) == 20)
    assert sink.messages() == lines(0, 20)
    assert sink.duplicates == 0
    until(lambda: shipper.lines == 20 and shipper.lag == 0)
    assert shipper.bytes == path.stat().st_size
    path, headers, body = sink.requests[0]
    assert (path, headers["content-type"], headers["content-encoding"]) == ("/v1/logs", "application/x-ndjson", "gzip")
    assert json.loads(gzip.decompress(body).split(b"\n")[0])["host.name"] == "test-host"


def test_new_files_are_found_and_a_half_line_waits(ship, sink):
    ship("*.log")
    append(ship.folder / "b.log", "one\ntw")
    sink.wait(lambda sink: sink.messages() == ["one"])
    append(ship.folder / "b.log", "o\n")
    sink.wait(lambda sink: sink.messages() == ["one", "two"])


def test_rename_rotation_out_of_the_pattern_loses_nothing(ship, sink):
    path = ship.folder / "app.log"
    append(path, text(0, 5))
    shipper = ship("app.log")
    sink.wait(lambda sink: len(sink.records) == 5)
    os.rename(path, ship.folder / "app.log.1")
    append(ship.folder / "app.log.1", text(5, 8))
    append(path, text(8, 12))
    sink.wait(lambda sink: len(sink.records) == 12)
    assert sorted(sink.messages()) == sorted(lines(0, 12))
    assert sink.duplicates == 0
    assert len(shipper.files.open) == 2


def test_rename_rotation_inside_the_pattern_sends_nothing_again(ship, sink):
    path = ship.folder / "app.log"
    ship("app.log*")
    for turn in range(4):
        append(path, text(10 * turn, 10 * turn + 10))
        sink.wait(lambda sink, turn=turn: len(sink.records) == 10 * turn + 10)
        for number in range(turn, 0, -1):
            os.rename(ship.folder / f"app.log.{number}", ship.folder / f"app.log.{number + 1}")
        os.rename(path, ship.folder / "app.log.1")
    assert sink.messages() == lines(0, 40)
    assert sink.duplicates == 0


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
def test_copytruncate_loses_and_doubles_nothing(ship, sink, pattern):
    path = ship.folder / "app.log"
    append(path, text(0, 10))
    ship(pattern)
    sink.wait(lambda sink: len(sink.records) == 10)
    copytruncate(path, ship.folder / "app.log.1")
    append(path, text(10, 14))
    sink.wait(lambda sink: len(sink.records) == 14)
    assert sink.messages() == lines(0, 14)


def test_a_truncated_file_that_grew_past_the_old_place_is_noticed(ship, sink):
    path = ship.folder / "app.log"
    append(path, text(0, 10))
    ship("app.log")
    sink.wait(lambda sink: len(sink.records) == 10)
    path.write_text(text(100, 140))
    sink.wait(lambda sink: len(sink.records) == 50)
    assert sink.messages() == lines(0, 10) + lines(100, 140)


def test_equal_lines_of_two_runs_are_two_records(ship, sink):
    path = ship.folder / "out.log"
    append(path, "Loading model\nReady\nworking\n")
    ship("out.log")
    sink.wait(lambda sink: len(sink.records) == 3)
    path.write_text("Loading model\nReady\n")
    sink.wait(lambda sink: len(sink.records) == 5)
    path.unlink()
    append(path, "Loading model\n")
    sink.wait(lambda sink: len(sink.records) == 6)
    assert sink.duplicates == 0


def test_equal_lines_of_two_ranks_are_two_records(ship, sink):
    for rank in (1, 10, 2):
        append(ship.folder / f"rank-{rank}.log", "Loading model\nReady\n")
    ship("rank-*.log")
    sink.wait(lambda sink: len(sink.records) == 6)
    assert sink.duplicates == 0


def test_a_deleted_file_is_read_to_its_end(ship, sink):
    path = ship.folder / "app.log"
    append(path, text(0, 3))
    shipper = ship("app.log")
    sink.wait(lambda sink: len(sink.records) == 3)
    with path.open("ab") as writer:
        path.unlink()
        until(lambda: any(file.gone_since for file in shipper.files.open.values()))
        writer.write(text(3, 6).encode())
    sink.wait(lambda sink: len(sink.records) == 6)


def test_a_restart_carries_on_where_the_collector_had_answered(ship, sink):
    path = ship.folder / "app.log"
    append(path, text(0, 10))
    ship("app.log").stop(5)
    sink.wait(lambda sink: len(sink.records) == 10)
    append(path, text(10, 20))
    ship("app.log")
    sink.wait(lambda sink: len(sink.records) == 20)
    assert sink.duplicates == 0


def test_a_file_rotated_while_the_agent_was_down_is_finished(ship, sink):
    path = ship.folder / "app.log"
    append(path, text(0, 10))
    first = ship("app.log")
    sink.wait(lambda sink: len(sink.records) == 10)
    first.stop(5)
    append(path, text(10, 15))
    os.rename(path, ship.folder / "old-name")
    append(path, text(15, 20))
    ship("app.log")
    sink.wait(lambda sink: len(sink.records) == 20)
    assert sorted(sink.messages()) == sorted(lines(0, 20))
    assert sink.duplicates == 0


def test_a_damaged_checkpoint_costs_only_reading_again(ship, sink, tmp_path):
    path = ship.folder / "app.log"
    append(path, text(0, 10))
    ship("app.log").stop(5)
    sink.wait(lambda sink: len(sink.records) == 10)
    (tmp_path / "state" / "log-positions.json").write_bytes(b'{"positions":[{"base":1}]}')
    shipper = ship("app.log")
    sink.wait(lambda sink: sink.duplicates == 10)
    assert shipper.errors["checkpoint"] == 1
    assert len(sink.records) == 10


@pytest.mark.parametrize(
    "fault", [429, 503, 500, 302, 401, 404, (429, {"retry-after": "0"}), "drop", "keep-drop", "html", "hang"]
)
def test_a_fault_of_the_collector_loses_and_doubles_nothing(ship, sink, fault):
    sink.faults.append(fault)
    append(ship.folder / "app.log", text(0, 20))
    shipper = ship("app.log")
    sink.wait(lambda sink: len(sink.records) == 20 and not sink.faults)
    until(lambda: shipper.lines == 20)
    assert sink.messages() == lines(0, 20)


def test_retry_after_is_kept(ship, sink):
    sink.faults.append((503, {"retry-after": "1"}))
    append(ship.folder / "app.log", "x\n")
    ship("app.log")
    sink.wait(lambda sink: len(sink.requests) == 1)
    with sink.changed:
        assert not sink.changed.wait_for(lambda: len(sink.requests) > 1, 0.9)
    sink.wait(lambda sink: len(sink.records) == 1)


def test_refused_rows_are_counted_and_the_rest_goes_on(ship, sink):
    sink.refuse = lambda record: "no sevens" if "7" in record["message"] else None
    append(ship.folder / "app.log", text(0, 20))
    shipper = ship("app.log")
    sink.wait(lambda sink: len(sink.records) == 18)
    until(lambda: shipper.lag == 0)
    assert shipper.errors == {"rejected": 2}


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_batch_that_is_not_taken_is_halved_down_to_the_culprit(ship, sink, status):
    sink.faults.extend([status] * 4)
    append(ship.folder / "app.log", text(0, 8))
    shipper = ship("app.log")
    until(lambda: shipper.bytes > 0)
    assert sink.messages() == lines(1, 8)
    assert shipper.errors == {"http_4xx": 4, "rejected": 1}


def test_a_dead_collector_costs_no_memory_and_no_line(ship, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = ship.folder / "app.log"
    append(path, text(0, 6_000))
    shipper = ship("app.log", url=f"http://127.0.0.1:{port}")
    until(lambda: shipper.errors.get("unreachable", 0) >= 2)
    append(path, text(6_000, 6_100))
    os.rename(path, ship.folder / "app.log.1")
    append(path, text(6_100, 6_110))
    until(lambda: len(shipper.files.open) == 2)
    until(lambda: shipper.lag == path.stat().st_size + (ship.folder / "app.log.1").stat().st_size)
    (ship.folder / "app.log.1").unlink()
    late = Sink(port=port)
    late.wait(lambda sink: len(sink.records) == 6_110, 30)
    assert sorted(late.messages()) == sorted(lines(0, 6_110))
    late.close()


def test_a_long_line_is_cut_and_counted(ship, sink):
    append(ship.folder / "app.log", "a" * 70_000 + "\nb\n")
    shipper = ship("app.log")
    sink.wait(lambda sink: len(sink.records) == 2)
    assert [len(message) for message in sink.messages()] == [65_536, 1]
    until(lambda: shipper.errors == {"too_long": 1})


def test_a_hole_before_the_first_line_is_skipped(ship, sink):
    path = ship.folder / "app.log"
    with path.open("wb") as file:
        file.truncate(10 << 20)
        file.seek(10 << 20)
        file.write(b"after the hole\n")
    ship("app.log")
    sink.wait(lambda sink: sink.messages() == ["after the hole"])
    assert next(iter(sink.records.values()))["log.offset"] == 10 << 20


def test_compressed_and_odd_files_are_left_alone(ship, sink):
    (ship.folder / "app.log.1.gz").write_bytes(gzip.compress(b"old\n"))
    os.mkfifo(ship.folder / "app.log.fifo")
    (ship.folder / "app.log.d").mkdir()
    append(ship.folder / "app.log", "new\n")
    (ship.folder / "app.log.link").symlink_to(ship.folder / "app.log")
    ship("app.log*")
    sink.wait(lambda sink: sink.messages() == ["new"])
    assert sink.duplicates == 0


def test_a_state_folder_that_cannot_be_written_does_not_stop_the_lines(ship, sink, tmp_path):
    (tmp_path / "state").write_text("a file where the folder should be")
    append(ship.folder / "app.log", text(0, 5))
    shipper = ship("app.log")
    sink.wait(lambda sink: len(sink.records) == 5)
    assert shipper.errors["checkpoint"] >= 1


def test_the_task_tells_its_series(sink, tmp_path):
    append(tmp_path / "app.log", text(0, 3))
    values = {
        "logs.files": [str(tmp_path / "*.log")], "collector": sink.url, "state_dir": str(tmp_path / "state"),
        "host": "node-7", "logs.dataset": "app", "logs.namespace": "default", "logs.service": "",
        "collector_ca_file": "", "collector_cert_file": "", "collector_token_file": "",
    }  # fmt: skip
    task = logs.start(values)
    sink.wait(lambda sink: len(sink.records) == 3)

    def series():
        families = text_string_to_metric_families(task.read().decode())
        return {sample.name: sample.value for family in families for sample in family.samples}

    until(lambda: "tocsin_agent_log_last_success_timestamp_seconds" in series())
    told = series()
    assert told["tocsin_agent_log_lines_total"] == 3
    assert told["tocsin_agent_log_bytes_total"] == 21
    assert told["tocsin_agent_log_lag_bytes"] == 0
    assert told["tocsin_agent_log_files"] == 1
    task.stop()
    assert {metric.name for metric in logs.METRICS} >= set(told)


def test_without_files_nothing_runs_and_files_need_a_collector():
    assert logs.start({"logs.files": []}) is None
    assert logs.check({"logs.files": [], "collector": ""}) == []
    (fault,) = logs.check({"logs.files": ["x"], "collector": ""})
    assert "a collector is needed" in fault
