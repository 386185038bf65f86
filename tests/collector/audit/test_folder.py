"""The audit log: what was recorded is found as it was, and whatever else is found."""

import asyncio
import json
import os
import shutil
import threading

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.__main__ import main
from tocsin_collector.audit import AuditError, Entry, Folder, Writer, verify
from tocsin_collector.audit.chain import MAX_TEXT, Head
from tocsin_collector.audit.folder import DROPPED, MAX_FILES

ENTRY = Entry("key ab12", "10.0.0.1", "read", "GET /v1/models", "200")


@pytest.fixture
def log(tmp_path):
    return Folder(str(tmp_path / "audit"), lambda: 1_800_000_000.0, max_file_bytes=1_000)


def _files(log):
    return sorted(name for name in os.listdir(log.path) if name != "mark")


def _last(log):
    return os.path.join(log.path, _files(log)[-1])


def test_a_log_that_was_never_written_is_intact(tmp_path):
    assert verify(str(tmp_path / "none")) == Head()


def test_records_follow_each_other_over_files(log):
    for number in range(20):
        head = log.append([ENTRY._replace(what=f"GET /{number}"), ENTRY])
    assert len(_files(log)) > 3
    assert verify(log.path) == head
    assert head.records == 40
    with open(os.path.join(log.path, _files(log)[0])) as file:
        said = json.loads(file.readline().split(" ", 1)[1])
    assert said == {"n": 0, "time": "2027-01-15T08:00:00.000+00:00"} | ENTRY._replace(what="GET /0")._asdict()


@given(st.lists(st.tuples(*[st.text(max_size=MAX_TEXT + 10)] * 5), min_size=1, max_size=20))
def test_whatever_is_recorded_is_one_line_that_follows(tmp_path_factory, entries):
    log = Folder(str(tmp_path_factory.mktemp("any") / "audit"), lambda: 0.0)
    log.append([Entry(*texts) for texts in entries])
    assert verify(log.path).records == len(entries)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Thirty records in several files."""
    log = Folder(str(tmp_path_factory.mktemp("written") / "audit"), lambda: 0.0, max_file_bytes=1_500)
    for number in range(30):
        log.append([ENTRY._replace(what=f"GET /{number}")])
    return log


def _copy(written, folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(written.path, folder)
    return [os.path.join(folder, name) for name in _files(written)]


@given(st.data())
def test_no_byte_can_be_changed(written, tmp_path_factory, data):
    folder = str(tmp_path_factory.getbasetemp() / "changed")
    path = data.draw(st.sampled_from(_copy(written, folder)))
    with open(path, "r+b") as file:
        content = bytearray(file.read())
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
        file.seek(0)
        file.write(content)
    with pytest.raises(AuditError):
        verify(folder)


@given(st.data())
def test_no_line_can_be_taken_out_moved_or_doubled(written, tmp_path_factory, data):
    folder = str(tmp_path_factory.getbasetemp() / "moved")
    path = data.draw(st.sampled_from(_copy(written, folder)))
    with open(path, "rb") as file:
        lines = file.readlines()
    first, second = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    how = data.draw(st.sampled_from(["out", "swap", "double"]))
    if how == "out":
        del lines[first]
    elif how == "swap" and first != second:
        lines[first], lines[second] = lines[second], lines[first]
    else:
        lines.insert(first, lines[first])
    with open(path, "wb") as file:
        file.writelines(lines)
    with pytest.raises(AuditError):
        verify(folder)


@given(st.data())
def test_no_end_can_be_cut_off_and_no_file_be_taken_away(written, tmp_path_factory, data):
    folder = str(tmp_path_factory.getbasetemp() / "cut")
    path = data.draw(st.sampled_from(_copy(written, folder)))
    if data.draw(st.booleans()):
        os.unlink(path)
    else:
        os.truncate(path, data.draw(st.integers(0, os.path.getsize(path) - 1)))
    with pytest.raises(AuditError):
        verify(folder)


def test_a_fault_says_where_it_is(written, tmp_path):
    path = _copy(written, str(tmp_path / "copy"))[0]
    with open(path, "r+b") as file:
        lines = file.readlines()
        lines[2] = lines[2].replace(b"GET /2", b"GET /9")
        file.seek(0)
        file.writelines(lines)
    with pytest.raises(AuditError) as told:
        verify(os.path.dirname(path))
    assert str(told.value) == f"{path}:3: record 2 was changed, or one before it"


def test_a_torn_last_line_is_no_fault_and_is_cut_by_the_next_append(log):
    head = log.append([ENTRY])
    with open(_last(log), "ab") as file:
        file.write(b"0123456789abcdef {")
    assert verify(log.path) == head
    head = log.append([ENTRY])
    assert verify(log.path) == head
    assert head.records == 2


def test_a_crash_before_the_mark_loses_no_record(log):
    log.append([ENTRY])
    with open(os.path.join(log.path, "mark"), "rb") as file:
        mark = file.read()
    for _ in range(9):  # over more than one file
        log.append([ENTRY])
        with open(os.path.join(log.path, "mark"), "r+b") as file:
            file.write(mark)  # as if the process had died before it wrote this
        assert verify(log.path).records > 1
        mark_head = log.append([ENTRY])
        assert verify(log.path) == mark_head
        with open(os.path.join(log.path, "mark"), "rb") as file:
            mark = file.read()
    assert mark_head.records == 19


def test_an_append_does_not_go_on_after_a_cut(log):
    log.append([ENTRY, ENTRY])
    os.truncate(_last(log), 50)
    with pytest.raises(AuditError, match="its end was cut off"):
        log.append([ENTRY])


def test_without_its_mark_nothing_is_proven(log):
    log.append([ENTRY])
    os.unlink(os.path.join(log.path, "mark"))
    for how in (lambda: verify(log.path), lambda: log.append([ENTRY])):
        with pytest.raises(AuditError, match="the mark of the audit log is gone"):
            how()


def test_a_crash_before_the_first_record_is_no_fault(log):
    log.append([ENTRY])
    os.unlink(_last(log))
    with open(os.path.join(log.path, "mark"), "w") as mark:
        mark.write(f"{0:020} {'0' * 64} {0:020} {0:020}\n")
    assert verify(log.path) == Head()
    assert log.append([ENTRY]).records == 1


def test_old_files_are_dropped_on_record(log):
    for _ in range(MAX_FILES * 8):
        head = log.append([ENTRY])
    assert len(_files(log)) == MAX_FILES
    assert verify(log.path) == head
    with open(_last(log)) as file:
        assert DROPPED in file.read()
    os.unlink(os.path.join(log.path, _files(log)[0]))
    with pytest.raises(AuditError, match="none says that those before it were dropped"):
        verify(log.path)


def test_writers_at_once_leave_one_chain(tmp_path):
    def write():
        log = Folder(str(tmp_path / "audit"), lambda: 0.0, max_file_bytes=2_000)
        for _ in range(10):
            log.append([ENTRY])

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(str(tmp_path / "audit")).records == 60


def test_the_command_tells_both_verdicts(tmp_path):
    log = Folder(str(tmp_path / "audit"), lambda: 0.0)
    head = log.append([ENTRY, ENTRY])
    told = CliRunner().invoke(main, ["audit", "verify", "--data", str(tmp_path)])
    assert (told.exit_code, told.stdout) == (0, f"2 records, intact; the last hash is {head.hash}\n")
    os.truncate(_last(log), 100)
    told = CliRunner().invoke(main, ["audit", "verify", "--data", str(tmp_path), "--json"])
    assert (told.exit_code, json.loads(told.stdout)["intact"]) == (1, False)


def test_a_folder_that_is_not_there_is_not_called_intact(tmp_path):
    told = CliRunner().invoke(main, ["audit", "verify", "--data", str(tmp_path / "typo")])
    assert (told.exit_code, told.stdout) == (1, "")
    assert "no such folder" in told.stderr


def test_a_log_that_was_taken_away_whole_is_not_called_intact(tmp_path):
    def verified():
        return CliRunner().invoke(main, ["audit", "verify", "--data", str(tmp_path)])

    assert "or all of it was taken away" in verified().stdout
    CliRunner().invoke(main, ["keys", "make", "--scope", "read", "--data", str(tmp_path)])
    assert "1 records, intact" in verified().stdout
    shutil.rmtree(tmp_path / "audit")
    told = verified()
    assert (told.exit_code, told.stdout) == (1, "")
    assert "no record of the making of one" in told.stderr


def test_a_running_collector_tells_that_its_log_was_taken_away(log, caplog):
    async def run():
        writer = Writer(log)
        await asyncio.gather(*[writer.note(ENTRY) for _ in range(3)])
        head = verify(log.path)
        shutil.rmtree(log.path)
        await writer.note(ENTRY)
        await writer.note(ENTRY)
        return head

    head = asyncio.run(run())
    (told,) = [each.getMessage() for each in caplog.records if "taken_away" in each.message]
    assert told == f"audit_taken_away file={log.path} records=3 hash={head.hash}"
    assert "audit_head records=1" in caplog.text
