"""What is wrong before a body is read: media types, encodings, sizes."""

import gzip
import zlib
from collections.abc import Iterator

import zstandard

from tests.collector.ingest.bad.case import Case, event, text
from tests.collector.ingest.inprocess import MAX_BODY_BYTES, MAX_DECOMPRESSED_BYTES

JSON = "application/json"


def cases() -> Iterator[Case]:
    """Every case of this file."""
    one = text(event())
    for media_type in (
        "", " ", "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
        "application/jsonx", "json", "application/json/x", "*/*", "application/vnd.tocsin.block2", "é", "\x80" * 200,
        "application/vnd.apache.arrow.file", "application/parquet", "application/cloudevents", "application/grpc",
    ):  # fmt: skip
        yield Case(f"http: content-type {media_type[:40]!a}", one, media_type, "unknown_content_type", 415)
    for encoding in ("br", "deflate", "gzip, gzip", "x", "é", "identity, gzip", "compress"):
        headers = {"content-encoding": encoding}
        yield Case(f"http: content-encoding {encoding!a}", one, JSON, "unknown_encoding", 415, headers=headers)
    packed = gzip.compress(one, mtime=0)
    for name, body in (
        ("nothing", b""),
        ("what is no gzip", one),
        ("half of gzip", packed[:-9]),
        ("gzip without its check sum", packed[:-8]),
        ("gzip with another check sum", packed[:-8] + bytes(8)),
        ("zlib", zlib.compress(one)),
        ("gzip and more", packed + b"more"),
        ("a gzip header alone", packed[:10]),
    ):
        yield Case(f"http: {name} as gzip", body, JSON, "malformed_gzip", headers={"content-encoding": "gzip"})
    for name, body in (
        ("a bomb of zeros", gzip.compress(bytes(5 * MAX_DECOMPRESSED_BYTES), mtime=0)),
        ("a bomb of many members", gzip.compress(bytes(100_000), mtime=0) * 50),
    ):
        yield Case(f"http: {name}", body, JSON, "too_large", 413, headers={"content-encoding": "gzip"})
    frame = zstandard.ZstdCompressor().compress(one)
    for name, body in (
        ("nothing", b""),
        ("what is no zstd", one),
        ("half of zstd", frame[:-3]),
        ("zstd and more", frame + b"more"),
        ("gzip", packed),
    ):
        yield Case(f"http: {name} as zstd", body, JSON, "malformed_zstd", headers={"content-encoding": "zstd"})
    bomb = zstandard.ZstdCompressor().compress(bytes(5 * MAX_DECOMPRESSED_BYTES))
    yield Case("http: a bomb of zstd", bomb, JSON, "too_large", 413, headers={"content-encoding": "zstd"})
    for media_type in (JSON, "text/csv", "application/vnd.tocsin.block", "application/vnd.apache.arrow.stream"):
        yield Case(f"http: too much of {media_type}", bytes(MAX_BODY_BYTES + 1), media_type, "too_large", 413)
