"""Compressed bodies: what was sent comes back, in pieces of any size, and never more than is allowed."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector.ingest.served import Collector
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.compressed import MAX_WINDOW_BYTES, gunzip, unzstd

EVENT = {"type": "prediction", "model": "credit", "id": "a1", "prediction": "yes"}


def zstd(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(raw)


def code(decode: Callable[[list[bytes], int], bytes], body: bytes, most: int = 1 << 20) -> str:
    with pytest.raises(Refusal) as caught:
        decode([body], most)
    return caught.value.code


def pieces_of(body: bytes, sizes: list[int]) -> list[bytes]:
    found, number = [], 0
    while body:
        size = sizes[number % len(sizes)]
        found.append(body[:size])
        body, number = body[size:], number + 1
    return found


def test_zstandard_is_taken(collector: Collector) -> None:
    assert collector.post(zstd(json.dumps(EVENT).encode()), content_encoding="zstd")[1]["accepted"] == 1


@settings(max_examples=80, deadline=None)
@given(st.lists(st.binary(max_size=2_000), min_size=1, max_size=3), st.lists(st.integers(1, 300), min_size=1))
def test_frames_and_members_in_pieces_come_back_whole(parts: list[bytes], sizes: list[int]) -> None:
    whole = b"".join(parts)
    for decode, encode in ((gunzip, gzip.compress), (unzstd, zstd)):
        body = b"".join(map(encode, parts))
        assert decode(pieces_of(body, sizes), 1 << 20) == whole
        if whole:
            assert code(decode, body, len(whole) - 1) == "too_large"


@pytest.mark.parametrize(
    "body", [b"", b"no frame", zstd(b"x" * 100)[:-3], zstd(b"x") + b"junk", gzip.compress(b"x", mtime=0)]
)
def test_broken_zstandard_is_refused(body: bytes) -> None:
    assert code(unzstd, body) == "malformed_zstd"


def test_a_bomb_is_told_before_it_is_made() -> None:
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(1 << 30))
    assert len(bomb) < 50_000
    assert code(unzstd, bomb, 32 << 20) == "too_large"


def test_a_window_that_takes_more_memory_than_the_output_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True, write_content_size=False)
    writer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = writer.compress(b"x" * (MAX_WINDOW_BYTES + 1)) + writer.flush()
    assert code(unzstd, body, 32 << 20) == "malformed_zstd"


def test_without_the_package_the_answer_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['zstandard'] = None\n"
        "from tocsin_collector.ingest.answer import Refusal\n"
        "from tocsin_collector.ingest.compressed import unzstd\n"
        "try: unzstd([b''], 9)\n"
        "except Refusal as refusal: print(refusal.status, refusal)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == (
        "415 content-encoding zstd: this collector lacks a package for it; pip install 'tocsin[zstd]'\n"
    )
