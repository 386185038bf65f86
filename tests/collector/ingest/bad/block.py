"""Blocks whose header, table or buffers are wrong."""

import json
from array import array
from collections.abc import Callable, Iterator
from typing import Any

from tests.collector.ingest.bad.case import Case
from tests.collector.ingest.blocks import predictions
from tocsin_schema.block import MEDIA_TYPE, column, encode

Header = dict[str, Any]


def cases() -> Iterator[Case]:
    """Every case of this file."""
    whole = encode(made())
    for name, body in (
        ("nothing", b""),
        ("seven bytes", whole[:7]),
        ("only a length", whole[:8]),
        ("half a header", whole[:40]),
        ("half a body", whole[:-24]),
        ("no body", whole[: 8 + int.from_bytes(whole[:8], "little")]),
        ("a length of 2^64 - 1", b"\xff" * 8 + whole[8:]),
        ("a length of 0", bytes(8) + whole[8:]),
        ("a length that is no multiple of 8", (3).to_bytes(8, "little") + whole[8:]),
        ("a big-endian length", whole[:8][::-1] + whole[8:]),
        ("JSON", json.dumps({"type": "prediction"}).encode()),
        ("zeros", bytes(10_000)),
        ("ones", b"\xff" * 10_000),
    ):
        yield Case(f"block: {name}", body, MEDIA_TYPE, "malformed_block")
    for name, change in _changes():
        yield Case(f"block: {name}", changed(change), MEDIA_TYPE, "malformed_block")


def made() -> Any:
    """A block with a column of each dtype."""
    found = predictions(["a", "b"])
    for more in (
        column("feature.city", ["Lyon", "Lyon"], "dict"),
        column("feature.name", ["é", None], "str"),
        column("feature.new", [True, False]),
        column("feature.n", [1, 2]),
        column("feature.e", [array("f", [0.5, 1.5, -2.0]), None]),
    ):
        found.columns[more.name] = more
    return found


def changed(change: Callable[[Header], None]) -> bytes:
    """The block with its header changed."""
    whole = encode(made())
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    change(header)
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw + whole[8 + size :]


def _changes() -> Iterator[tuple[str, Callable[[Header], None]]]:
    wrong: dict[str, list[Any]] = {
        "v": [0, 2, "1", None],
        "type": ["x", None, 7, []],
        "project": ["", 7, "x" * 257, "\ud800"],
        "model": ["", None, 7, "x" * 257],
        "version": [7, "x" * 257, []],
        "rows": [-1, 1_000_001, 1.5, True, None, "2", 10**30, 3],
        "producer": ["", "x" * 32, "0" * 31, None, 7, "A" * 32],
        "sequence": [-1, 1 << 63, 0.5, None, "1", True],
        "columns": [None, {}, [None], "x", [[]], [{}], []],
    }
    for field, values in wrong.items():
        for value in values:
            yield f"{field} is {str(value)[:20]!a}", lambda header, f=field, v=value: header.update({f: v})
    of_column: dict[str, list[Any]] = {
        "name": ["", None, 7, "x" * 257, "\ud800", "id"],
        "dtype": ["f32", "f32[1]", "f32[3]", "f32[4097]", "f32[02]", "f32[2", None, 7, "str", "bool"],
        "data": [None, [0], [0, 1 << 40], [-8, 8], [1, 17], [8, 0], [0.0, 16], ["0", "16"], [0, 8], [0, True]],
        "valid": [[0, 1], [1, 3], None, [0, 1 << 62]],
    }
    at = 2  # feature.age, an f64
    for field, values in of_column.items():
        for value in values:
            yield (
                f"{field} of a column is {str(value)[:20]!a}",
                lambda header, f=field, v=value: header["columns"][at].update({f: v}),
            )
    for name, values in (
        ("no texts", [1]),
        ("no list", "x"),
        ("nothing", []),
        ("a lone surrogate", ["\ud800"]),
        ("missing", None),
    ):
        yield f"values of a dictionary are {name}", lambda header, v=values: _named(header, "city").update(values=v)
    for name, span in (("too short", [0, 4]), ("no range", None), ("odd", [4, 16])):
        yield f"offsets are {name}", lambda header, s=span: _named(header, "name").update(offsets=s)
    for dtype in ("f32[2]", "f32[4]", "f32[ 3]", "f32[-3]", "f32[³]", "f64"):
        yield f"vectors of three are {dtype!a}", lambda header, d=dtype: _named(header, "e").update(dtype=d)
    yield "vectors end too early", lambda header: _cut(_named(header, "e"))
    yield "two columns of one name", lambda header: header["columns"].append(header["columns"][2])
    yield "columns that share their bytes", _shared
    yield "1,101 columns", lambda header: header.update(columns=header["columns"][:1] * 1_101)


def _named(header: Header, name: str) -> Header:
    return next(entry for entry in header["columns"] if entry["name"] == f"feature.{name}")


def _cut(entry: Header) -> None:
    entry["data"] = [entry["data"][0], entry["data"][1] - 4]


def _shared(header: Header) -> None:
    header["columns"] += [header["columns"][2] | {"name": f"feature.{number}"} for number in range(99)]
