"""What the agent makes of the workers' files."""

import contextlib
import fcntl
import os
import shutil
import threading
from array import array
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tocsin_agent.capture import Capture, fold, layout
from tocsin_agent.capture.families import render
from tocsin_agent.capture.layout import MAX_SLOTS, OUTCOME, SUFFIX, Snapshot, pack
from tocsin_agent.capture.meter import BOUNDS_NS, MAX_ROUTES
from tocsin_agent.capture.reader import MAX_SERIES, Reader
from tocsin_agent.sources.serving import SOURCE
from tocsin_schema.catalogue import catalogue
from tocsin_schema.latency import LE_INDEX, LE_S, bucket

KEY = ("shop", "credit", "3", "_other")


def dead_file(directory, number, key=KEY, requests=1, counters=(2,)):
    """A file as a killed worker leaves it: no lock, no such process."""
    words = array("Q", bytes(layout.SLOT_WORDS * 8))
    words[layout.IN_FLIGHT] = 9
    words[OUTCOME] = words[layout.DURATION + 3] = requests
    words[layout.DURATION_NS] = 1000 * requests
    directory.mkdir(exist_ok=True)
    made = Snapshot(id=number, pid=1, start=1, counters=array("Q", counters), folded=(), series={key: words})
    path = directory / f"{number:016x}{SUFFIX}"
    path.write_bytes(pack(made))
    return path


def requests(totals, key=KEY):
    return totals.series[key][OUTCOME]


def files(directory):
    return sorted(path.name for path in directory.iterdir() if path.name != ".lock")


def test_no_directory_yet_is_nothing(tmp_path):
    source = SOURCE({"runtime_dir": str(tmp_path / "none")})
    assert source.read() == b""
    assert SOURCE({"runtime_dir": ""}).read() == b""
    source.close()


def test_the_exposition_has_what_was_observed(tmp_path):
    capture = Capture(model='cr"e\\dit', version="3", project="shop", runtime_dir=str(tmp_path), endpoint="")
    series, worker = capture._series, capture._worker
    for duration_s in (0.001, 0.0010001, 0.3, 100.0):
        series.done.append(("/predict", 0, int(duration_s * 1e9), int(duration_s * 1e9)))
    series.done.append(("fn", 2, 5_000_000, -1))
    worker.start()
    assert capture.flush(5)
    text = SOURCE({"runtime_dir": str(tmp_path)}).read().decode()
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    model = [("model", 'cr"e\\dit'), ("project", "shop"), ("version", "3")]

    def value(name, *labels):
        return found[(name, *sorted([*model, *labels]))]

    assert value("tocsin_inference_requests_total", ("outcome", "ok")) == 4
    assert value("tocsin_inference_requests_total", ("outcome", "server_error")) == 1
    assert value("tocsin_inference_in_flight") == 0
    name = "tocsin_inference_request_duration_seconds"
    cumulative = {le: value(f"{name}_bucket", ("le", repr(le))) for le in LE_S}
    assert cumulative == {le: sum(d <= le for d in (0.001, 0.0010001, 0.3, 100.0, 0.005)) for le in LE_S}
    assert value(f"{name}_bucket", ("le", "+Inf")) == value(f"{name}_count") == 5
    assert value(f"{name}_sum") == pytest.approx(100.3070001)
    assert value("tocsin_inference_time_to_first_byte_seconds_count") == 4
    assert value("tocsin_inference_route_duration_seconds_count", ("route", "/predict")) == 4
    assert value("tocsin_inference_route_duration_seconds_count", ("route", "fn")) == 1
    capture.close()
    families = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert families == {metric.name for metric in SOURCE.METRICS}
    assert families <= set(catalogue())


def test_dead_files_are_folded_once_and_unlinked(tmp_path):
    for number in range(1, 6):
        dead_file(tmp_path, number, requests=number)
    reader = Reader(str(tmp_path))
    for _ in range(3):
        totals = reader.read()
        assert requests(totals) == 15
        assert totals.series[KEY][layout.IN_FLIGHT] == 0
        assert totals.counters[0] == 10
        assert files(tmp_path) == [fold.BASE]
    assert requests(Reader(str(tmp_path)).read()) == 15


def test_a_reader_killed_between_fold_and_unlink_counts_nothing_twice(tmp_path):
    path = dead_file(tmp_path, 1, requests=4)
    raw = path.read_bytes()
    assert requests(Reader(str(tmp_path)).read()) == 4
    path.write_bytes(raw)  # as if the unlink had not happened
    assert requests(Reader(str(tmp_path)).read()) == 4
    assert files(tmp_path) == [fold.BASE]


def test_more_dead_files_than_a_base_remembers_are_folded_over_several_reads(tmp_path):
    for number in range(1, 301):
        dead_file(tmp_path, number)
    reader = Reader(str(tmp_path))
    assert requests(reader.read()) == 300
    assert len(files(tmp_path)) == 300 - layout.MAX_FOLDED + 1
    assert requests(reader.read()) == 300
    assert files(tmp_path) == [fold.BASE]
    assert requests(reader.read()) == 300


def test_two_readers_at_once_count_everything_once(tmp_path):
    for number in range(1, 40):
        dead_file(tmp_path, number)
    readers, seen = [Reader(str(tmp_path)) for _ in range(4)], []

    def work(reader):
        told = 0
        while told < 5:
            with contextlib.suppress(BlockingIOError):  # the others may keep the lock for long on a busy machine
                seen.append(requests(reader.read()))
                told += 1

    threads = [threading.Thread(target=work, args=(reader,)) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {39}
    assert files(tmp_path) == [fold.BASE]


def test_a_lock_that_is_never_released_is_an_error_not_a_hang(tmp_path):
    dead_file(tmp_path, 1)
    with (tmp_path / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            Reader(str(tmp_path)).read()
    assert requests(Reader(str(tmp_path)).read()) == 1


def test_a_locked_file_is_alive_wherever_its_process_is(tmp_path):
    path = dead_file(tmp_path, 1)
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        totals = Reader(str(tmp_path)).read()
        assert (requests(totals), totals.live, totals.series[KEY][layout.IN_FLIGHT]) == (1, 1, 9)
        assert path.exists()
    assert Reader(str(tmp_path)).read().live == 0
    assert not path.exists()


def test_hostile_files_are_skipped_counted_and_left_alone(tmp_path):
    dead_file(tmp_path, 1)
    (tmp_path / f"empty{SUFFIX}").write_bytes(b"")
    (tmp_path / f"noise{SUFFIX}").write_bytes(os.urandom(9000))
    (tmp_path / f"link{SUFFIX}").symlink_to("/etc/passwd")
    (tmp_path / f"folder{SUFFIX}").mkdir()
    os.mkfifo(tmp_path / f"pipe{SUFFIX}")
    with (tmp_path / f"huge{SUFFIX}").open("wb") as huge:
        huge.truncate(1 << 40)
    dead_file(tmp_path, 2).rename(tmp_path / f"{3:016x}{SUFFIX}")  # under another file's id
    totals = Reader(str(tmp_path)).read()
    assert requests(totals) == 1
    assert totals.skipped == 7
    assert len(files(tmp_path)) == 8
    assert b"tocsin_capture_files_skipped 7\n" in render(totals)


@pytest.mark.parametrize("name", [".lock", fold.BASE, f"{fold.BASE}.new"])
def test_a_pipe_in_the_place_of_our_own_files_blocks_nothing(tmp_path, name):
    dead_file(tmp_path, 1)
    os.mkfifo(tmp_path / name)
    assert requests(Reader(str(tmp_path)).read()) == 1


@pytest.mark.parametrize("name", [".lock", f"{fold.BASE}.new"])
def test_a_link_in_the_place_of_our_own_files_is_not_followed(tmp_path, name):
    (tmp_path / "precious").write_bytes(b"kept")
    dead_file(tmp_path / "run", 1)
    (tmp_path / "run" / name).symlink_to(tmp_path / "precious")
    with contextlib.suppress(OSError):
        Reader(str(tmp_path / "run")).read()
    assert (tmp_path / "precious").read_bytes() == b"kept"


def test_sums_of_broken_durations_stop_at_the_end_and_cost_no_other_series(tmp_path):
    for number in (1, 2):
        path = dead_file(tmp_path, number)
        raw = array("Q", path.read_bytes())
        raw[layout.stride() // 8 + layout.LABEL_WORDS + layout.DURATION_NS] = (1 << 64) - 1
        path.write_bytes(raw.tobytes())
    reader = Reader(str(tmp_path))
    for _ in range(2):
        assert requests(reader.read()) == 2
    assert files(tmp_path) == [fold.BASE]


def test_a_worker_whose_file_was_removed_makes_another(tmp_path):
    run = tmp_path / "run"
    capture = Capture(model="m", runtime_dir=str(run), endpoint="")
    predict = capture.watch()(lambda: 1)
    predict()
    assert capture.flush(5)
    shutil.rmtree(run)  # as systemd does with an agent's RuntimeDirectory
    predict()
    assert capture.flush(5)
    totals = Reader(str(run)).read()
    assert (totals.live, sum(cells[OUTCOME] for cells in totals.series.values())) == (1, 1)
    capture.close()


def test_a_file_that_breaks_keeps_what_it_said(tmp_path):
    path = dead_file(tmp_path, 1, requests=5)
    reader = Reader(str(tmp_path))
    with path.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert requests(reader.read()) == 5
        held.truncate(100)
        totals = reader.read()
        assert (requests(totals), totals.skipped) == (5, 1)


def test_a_spoiled_base_is_set_aside_and_the_counts_go_on(tmp_path):
    dead_file(tmp_path, 1, requests=5)
    reader = Reader(str(tmp_path))
    assert requests(reader.read()) == 5
    (tmp_path / fold.BASE).write_bytes(b"spoiled")
    totals = reader.read()
    assert (requests(totals), totals.skipped) == (5, 1)
    dead_file(tmp_path, 2, requests=2)
    assert requests(reader.read()) == 7
    assert requests(Reader(str(tmp_path)).read()) == 7
    assert fold.SPOILED in files(tmp_path)


def test_old_versions_give_way_in_the_base_and_the_total_stays(tmp_path):
    reader = Reader(str(tmp_path))
    for number in range(1, MAX_SLOTS + 20):
        dead_file(tmp_path, number, key=("p", "m", str(number), "_other"))
        totals = reader.read()
        assert sum(cells[OUTCOME] for cells in totals.series.values()) == number
    assert len(totals.series) <= MAX_SLOTS
    assert ("p", "m", str(MAX_SLOTS + 19), "_other") in totals.series


def test_series_are_bounded_and_the_first_stay(tmp_path):
    def locked(number, key):
        held = dead_file(tmp_path, number, key=key).open("rb")
        fcntl.flock(held, fcntl.LOCK_EX)
        return held

    reader = Reader(str(tmp_path))
    held = [locked(number, ("p", "m", str(number), "_other")) for number in range(1000, 1000 + MAX_SERIES)]
    first = set(reader.read().series)
    held += [locked(number, ("p", "m", str(number), "_other")) for number in range(1, 11)]
    totals = reader.read()
    assert set(totals.series) == first | {fold.REST}
    assert totals.series[fold.REST][OUTCOME] == 10
    for file in held:
        file.close()


def test_a_directory_that_cannot_be_written_is_summed_without_folding(tmp_path):
    dead_file(tmp_path, 1, requests=3)
    (tmp_path / f"{fold.BASE}.new").mkdir()  # the new base cannot be written, as on a full disk
    reader = Reader(str(tmp_path))
    assert requests(reader.read()) == 3
    assert requests(reader.read()) == 3
    (tmp_path / f"{fold.BASE}.new").rmdir()
    assert requests(reader.read()) == 3
    assert files(tmp_path) == [fold.BASE]


def test_what_a_worker_left_half_made_is_removed_when_it_is_old(tmp_path):
    young, old = tmp_path / f".{1:016x}", tmp_path / f".{2:016x}"
    for path in (young, old):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    Reader(str(tmp_path)).read()
    assert files(tmp_path) == [young.name]


def test_observations_of_many_threads_are_all_counted(tmp_path):
    capture = Capture(model="credit", version="3", project="shop", runtime_dir=str(tmp_path), endpoint="")

    @capture.watch()
    def predict():
        return 1

    def work():
        for _ in range(2000):
            predict()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    reader, seen = Reader(str(tmp_path)), [0]
    while any(thread.is_alive() for thread in threads):
        capture.flush(5)
        seen.append(sum(cells[OUTCOME] for cells in reader.read().series.values()))
    assert capture.flush(5)
    assert sum(cells[OUTCOME] for cells in reader.read().series.values()) == 16_000
    assert seen == sorted(seen)
    capture.close()


def test_a_full_disk_costs_no_request_and_is_told(tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    capture = Capture(model="m", runtime_dir=str(tmp_path / "file"), endpoint="")

    @capture.watch()
    def predict():
        return 1

    assert predict() == 1
    assert capture.flush(5)
    assert "capture_metrics_file_failed" in caplog.text
    (tmp_path / "file").unlink()
    assert capture.flush(5)
    assert sum(cells[OUTCOME] for cells in Reader(str(tmp_path / "file")).read().series.values()) == 1
    capture.close()


def test_the_routes_that_came_first_have_series_of_their_own(tmp_path):
    capture = Capture(model="m", runtime_dir=str(tmp_path), endpoint="")
    routes = [f"/r{number}" for number in range(100)]  # all of them in one pass
    capture._series.done += [(route, 0, 1, 1) for route in routes]
    capture._worker.start()
    assert capture.flush(5)
    found = [key[3] for key in Reader(str(tmp_path)).read().series if key[3] != "_other"]
    assert sorted(found) == sorted(routes[: MAX_ROUTES - 1])
    capture.close()


def test_many_models_fold_into_other_and_nothing_is_lost(tmp_path):
    captures = [Capture(model=f"m{number}", runtime_dir=str(tmp_path), endpoint="") for number in range(MAX_SLOTS + 10)]
    for capture in captures:
        capture.watch()(lambda: 1)()
    assert captures[0].flush(5)
    totals = Reader(str(tmp_path)).read()
    assert sum(cells[OUTCOME] for cells in totals.series.values()) == len(captures)
    assert fold.REST in totals.series
    for capture in captures:
        capture.close()


@given(st.integers(0, 2_000_000_000_000))
def test_whole_nanoseconds_fall_into_the_bucket_of_their_seconds(duration_ns):
    assert bisect_left(BOUNDS_NS, duration_ns) == bucket(duration_ns / 1e9)


def test_the_classic_bounds_are_exact():
    for index, le in zip(LE_INDEX, LE_S, strict=True):
        assert BOUNDS_NS[index] == round(le * 1e9)
