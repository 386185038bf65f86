"""The journal: what was committed is replayed, once and in order, whatever happened to the files in between."""

import asyncio
import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.journal import Damage, JournalError, JournalFull, open_journal
from tocsin_collector.journal.records import Gap, Record, pack, scan
from tocsin_collector.journal.segment import segments

SMALL = 4096


def written(folder: Path, payloads: list[bytes], segment_bytes: int = SMALL) -> list[int]:
    journal = open_journal(folder, segment_bytes=segment_bytes)
    positions = [position for payload in payloads for position in journal.commit([(1, payload)])]
    journal.close()
    return positions


def replayed(folder: Path) -> list[bytes]:
    journal = open_journal(folder)
    payloads = [payload for _, _, payload in journal.replay()]
    journal.close()
    return payloads


def crashed(folder: Path, payloads: list[bytes], segment_bytes: int = SMALL) -> Path:
    """The files as a killed process leaves them: the last segment unsealed, its reserve still there."""
    journal = open_journal(folder, segment_bytes=segment_bytes)
    for payload in payloads:
        journal.commit([(1, payload)])
    assert journal._segment is not None
    path = journal._segment.path
    image = path.read_bytes()
    journal.close()
    path.chmod(0o600)
    path.write_bytes(image)
    return path


def test_what_was_committed_is_replayed_in_order_with_its_positions(tmp_path: Path) -> None:
    payloads = [bytes([n]) * (n * 37 % 900) for n in range(60)]
    positions = written(tmp_path, payloads)
    journal = open_journal(tmp_path)
    assert [(p, t, b) for p, t, b in journal.replay()] == [(p, 1, b) for p, b in zip(positions, payloads, strict=True)]
    assert positions == sorted(set(positions))
    journal.close()
    assert len(segments(tmp_path)) > 1


def test_types_and_empty_payloads_come_back(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.commit([(7, b""), (1 << 40, b"x")])
    assert [(kind, payload) for _, kind, payload in journal.replay()] == [(7, b""), (1 << 40, b"x")]
    journal.close()


def test_an_empty_folder_is_an_empty_journal_and_leaves_no_segment(tmp_path: Path) -> None:
    assert replayed(tmp_path / "new") == []
    assert segments(tmp_path / "new") == []


def test_a_sealed_segment_is_as_long_as_its_records(tmp_path: Path) -> None:
    written(tmp_path, [b"x" * 100], segment_bytes=1 << 20)
    (name,) = segments(tmp_path)
    assert name.path.stat().st_size == 24 + 104


def test_a_commit_larger_than_a_segment_is_kept_whole(tmp_path: Path) -> None:
    payloads = [b"a", b"b" * 3 * SMALL, b"c"]
    written(tmp_path, payloads)
    assert replayed(tmp_path) == payloads


def test_more_pieces_than_the_kernel_takes_at_once_are_all_written(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.commit([(1, b"%d" % n) for n in range(2_000)])
    assert [payload for _, _, payload in journal.replay()] == [b"%d" % n for n in range(2_000)]
    journal.close()


def test_a_torn_tail_is_cut_at_any_byte(tmp_path: Path) -> None:
    payloads = [b"first", b"second record", b"third"]
    image = crashed(tmp_path / "whole", payloads).read_bytes()
    name = segments(tmp_path / "whole")[0].path.name
    length = len(image.rstrip(b"\0"))
    ends = [24 + 8, 24 + 8 + 24 + 16]  # headers and padded payloads of the first two
    for cut in range(length):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        (folder / name).write_bytes(image[:cut] + bytes(len(image) - cut if cut % 2 else 0))
        sound = 3 if cut >= length else sum(cut >= len(image[:end].rstrip(b"\0")) for end in ends)
        assert replayed(folder) == payloads[:sound], cut
        written(folder, [b"after"])
        assert replayed(folder) == [*payloads[:sound], b"after"], cut


def test_a_flipped_bit_in_the_middle_is_told_and_what_follows_is_replayed(tmp_path: Path) -> None:
    positions = written(tmp_path, [b"first", b"second", b"third"], segment_bytes=1 << 20)
    (name,) = segments(tmp_path)
    for offset in range(positions[1], positions[2]):
        image = bytearray(name.path.read_bytes())
        padding = offset >= positions[1] + 24 + len(b"second")
        image[offset] ^= 0x10
        name.path.write_bytes(image)
        journal = open_journal(tmp_path)
        found = [payload for _, _, payload in journal.replay()]
        assert found == ([b"first", b"second", b"third"] if padding else [b"first", b"third"])
        size = positions[2] - positions[1]
        assert journal.damage == ([] if padding else [Damage(name.path, positions[1], size)])
        journal.close()
        image[offset] ^= 0x10
        name.path.write_bytes(image)


def test_damage_at_the_end_of_a_sealed_segment_is_told_not_cut(tmp_path: Path) -> None:
    positions = written(tmp_path, [b"first", b"second"], segment_bytes=1 << 20)
    (name,) = segments(tmp_path)
    image = bytearray(name.path.read_bytes())
    image[-3] ^= 1
    image[-8] ^= 1
    name.path.write_bytes(image)
    journal = open_journal(tmp_path)
    assert [payload for _, _, payload in journal.replay()] == [b"first"]
    assert journal.damage == [Damage(name.path, positions[1], 30)]  # up to its last byte that is not zero
    journal.close()
    assert name.path.stat().st_size == len(image)


def test_a_record_planted_inside_a_payload_is_not_found(tmp_path: Path) -> None:
    planted = b"".join(pack(b"\0" * 8, 1, b"forged"))
    positions = written(tmp_path, [planted, b"second"], segment_bytes=1 << 20)
    (name,) = segments(tmp_path)
    image = bytearray(name.path.read_bytes())
    image[positions[0] + 30] ^= 1
    name.path.write_bytes(image)
    assert replayed(tmp_path) == [b"second"]


def test_a_lost_segment_does_not_stop_the_replay(tmp_path: Path) -> None:
    written(tmp_path, [bytes([n]) * 3000 for n in range(3)])
    segments(tmp_path)[1].path.unlink()
    assert replayed(tmp_path) == [bytes([n]) * 3000 for n in (0, 2)]


def test_what_a_failed_sync_left_behind_is_void_once_it_was_written_again(tmp_path: Path) -> None:
    """The disk took neither the sync nor the cut that follows; then b was sent again, into the next segment."""
    first, second = os.urandom(8), os.urandom(8)
    a, b = pack(first, 1, b"a"), pack(first, 1, b"b")
    (tmp_path / f"{0:020}-{first.hex()}.journal").write_bytes(b"".join([*a, *b]))
    assert replayed(tmp_path) == [
        b"a",
        b"b",
    ]  # after a crash right then it is whole, and counts once when it comes again
    again = b"".join([*pack(second, 1, b"b"), *pack(second, 1, b"c")])
    (tmp_path / f"{len(b''.join(a)):020}-{second.hex()}.journal").write_bytes(again)
    assert replayed(tmp_path) == [b"a", b"b", b"c"]


def test_files_of_others_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.txt", "x.journal", "12-zz.journal"):
        (tmp_path / name).write_text("mine")
    written(tmp_path, [b"a"])
    assert replayed(tmp_path) == [b"a"]
    assert (tmp_path / "x.journal").read_text() == "mine"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6), st.data())
def test_any_damage_yields_only_records_that_were_written(payloads: list[bytes], data: st.DataObject) -> None:
    marker = os.urandom(8)
    whole = b"".join(piece for payload in payloads for piece in pack(marker, 1, payload))
    start = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.binary(max_size=40))
    image = whole[:start] + junk + whole[start + data.draw(st.integers(0, 40)) :]
    found = list(scan(image, marker))
    records = [item for item in found if isinstance(item, Record)]
    remaining = iter(payloads)
    assert all(any(record.payload == payload for payload in remaining) for record in records)
    ends = [(item.start, item.end) for item in found]
    assert ends == sorted(ends)
    assert all(item.end > item.start for item in found if isinstance(item, Gap))


def test_a_second_process_on_the_folder_is_refused_by_name(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    code = f"from tocsin_collector.journal import open_journal; open_journal({str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    journal.close()
    assert done.returncode == 1
    assert f"{tmp_path}: in use by process {os.getpid()}; give each collector a folder of its own" in done.stderr
    open_journal(tmp_path).close()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="file/data: cannot be opened: Not a directory"):
        open_journal(tmp_path / "file" / "data")


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.close()
    journal.close()


def test_appends_of_several_tasks_are_all_there(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)

    async def run() -> None:
        await asyncio.gather(*(journal.append([(1, b"%d" % n)]) for n in range(50)))

    asyncio.run(run())
    assert sorted(int(payload) for _, _, payload in journal.replay()) == list(range(50))
    assert journal.syncs_total == 50
    assert journal.bytes_total == journal.end == 50 * 32
    journal.close()


def test_a_full_disk_is_said_and_the_journal_resumes_by_itself(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, segment_bytes=SMALL)
    journal.commit([(1, b"before")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL // 2, hard))  # the kernel answers EFBIG beyond it
    try:
        for _ in range(3):
            with pytest.raises(JournalFull, match="could not be written: File too large"):
                journal.commit([(1, b"x" * SMALL)])
        assert len(segments(tmp_path)) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.commit([(1, b"after")])
    assert [payload for _, _, payload in journal.replay()] == [b"before", b"after"]
    journal.close()
    assert replayed(tmp_path) == [b"before", b"after"]


def test_a_write_that_fails_half_way_leaves_no_trace(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, segment_bytes=SMALL)
    journal.commit([(1, b"before")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))  # cuts the write into the reserve that is there already
    try:
        with pytest.raises(JournalFull):
            journal.commit([(1, b"x" * 1000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [payload for _, _, payload in journal.replay()] == [b"before"]
    journal.commit([(1, b"after")])
    journal.close()
    assert replayed(tmp_path) == [b"before", b"after"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tmpfs needs root")
@pytest.mark.system
def test_a_really_full_file_system_is_survived(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        journal = open_journal(tmp_path / "journal", segment_bytes=64 << 10)
        ballast = tmp_path / "ballast"
        ballast.write_bytes(bytes(600_000))
        committed: list[bytes] = []

        def fill() -> None:
            while True:
                payload = bytes([len(committed)]) * 30_000
                journal.commit([(1, payload)])
                committed.append(payload)

        with pytest.raises(JournalFull, match=os.strerror(errno.ENOSPC)):
            fill()
        assert json.loads((tmp_path / "journal" / "stopped").read_text())["reason"] == os.strerror(errno.ENOSPC)
        assert [payload for _, _, payload in journal.replay()] == committed
        journal.close()
        journal = open_journal(tmp_path / "journal", segment_bytes=64 << 10)
        assert journal.stopped
        with pytest.raises(JournalFull):
            journal.commit([(1, bytes(30_000))])
        ballast.unlink()
        journal.commit([(1, b"after")])
        assert not journal.stopped
        assert not (tmp_path / "journal" / "stopped").exists()
        journal.close()
        assert replayed(tmp_path / "journal") == [*committed, b"after"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
