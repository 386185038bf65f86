"""CSV files (RFC 4180): a header with a block's column names, one row an event, an empty cell for a missing value.

A file is read twice and never held as Python values: once to see what each column holds, once into packed columns. Row
numbers in answers are the file's line numbers; a row that cannot be read does not touch the next one.
"""

import csv
import io
import re
import sys
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from tocsin_collector.ingest.answer import Refusal, Rejection
from tocsin_collector.ingest.events import EventError
from tocsin_collector.ingest.form import Form, Given
from tocsin_collector.ingest.jsonbody import Parsed
from tocsin_collector.ingest.table import Table, blocks, is_text
from tocsin_collector.numerals import INTEGER, NUMERAL
from tocsin_schema.block import MAX_COLUMNS, MAX_ROWS, MAX_TEXT_BYTES, Column

MEDIA_TYPE = "text/csv"
_STATED = {"number": "f64", "text": "str", "bool": "bool"}
_BOM = b"\xef\xbb\xbf"


class _Head(NamedTuple):
    """The header: names, and the dtype of each column that is not to be inferred."""

    names: list[str]
    dtypes: list[str | None]


def parse(body: bytes, given: Given) -> Parsed:
    """The blocks of a file. Raises Refusal."""
    _check_encoding(body, given.headers.get(b"content-type", b""))
    body = body.removeprefix(_BOM)
    head = _head(body)
    dtypes = _inferred(body, head, given.most_bytes)
    return blocks(_table(body, head.names, dtypes), given.query, given.now_us)


def _check_encoding(body: bytes, content_type: bytes) -> None:
    found = re.search(rb"charset\s*=\s*\"?([^\s;\"]+)", content_type, re.IGNORECASE)
    if found and found[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        name = found[1].decode("latin-1")
        raise Refusal(415, "unknown_charset", f"charset {name!a:.60}: UTF-8 is needed; iconv -t UTF-8 converts")
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refusal(415, "unknown_charset", "the file begins as UTF-16: UTF-8 is needed; iconv -t UTF-8 converts")


def _records(body: bytes) -> Iterator[tuple[int, list[str] | EventError]]:
    """Each record, or why it is none, with the number of its first line."""
    # What is no UTF-8 becomes lone surrogates: a cell that has one refuses its row and no other.
    lines = (line.decode("utf-8", "surrogateescape") for line in io.BytesIO(body))
    reader = csv.reader(lines, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, EventError("malformed_csv", f"from line {line} on: {error}"[:200])
        else:
            if cells:
                yield line, cells


def _head(body: bytes) -> _Head:
    _, first = next(_records(body), (1, EventError("no_events", "the file is empty: a header and rows are needed")))
    if isinstance(first, EventError):
        raise Refusal(400, first.code, first.reason)
    if len(first) == 1 and any(mark in first[0] for mark in ";\t|"):
        raise Refusal(400, "malformed_csv", "line 1: commas between columns are needed")
    if len(first) > MAX_COLUMNS:
        raise Refusal(400, "too_many_columns", f"line 1: {len(first)} columns, at most {MAX_COLUMNS}")
    names, dtypes = [], []
    for cell in first:
        if fault := _bad_text(cell):
            raise Refusal(400, "bad_encoding", f"line 1: {fault}")
        name, mark, stated = cell.strip().rpartition(":")
        known = bool(mark) and stated in _STATED
        names.append(name if known else cell.strip())
        dtypes.append("str" if is_text(names[-1]) or names[-1] == "time" else _STATED[stated] if known else None)
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise Refusal(400, "duplicate_column", f"line 1: column {min(twice)!a:.80} stands twice")
    return _Head(names, dtypes)


def _rows(body: bytes, width: int) -> Iterator[tuple[int, list[str] | EventError]]:
    """The records after the header, those of another width or encoding refused."""
    records = _records(body)
    next(records)
    for line, cells in records:
        if isinstance(cells, EventError):
            yield line, cells
        elif len(cells) != width:
            reason = f"line {line}: {len(cells)} cells, the header has {width}"
            yield line, EventError("wrong_width", reason)
        elif fault := next(filter(None, map(_bad_text, cells)), ""):
            yield line, EventError("bad_encoding", f"line {line}: {fault}")
        else:
            yield line, cells


def _bad_text(cell: str) -> str:
    if cell.isascii():
        return ""
    try:
        cell.encode()
    except UnicodeEncodeError:
        return "no UTF-8; iconv -f LATIN1 -t UTF-8 converts a file of Western Europe"
    return ""


def _inferred(body: bytes, head: _Head, most_bytes: int) -> list[str]:
    """The dtype of each column: what all its cells can be read as, text when nothing else."""
    found: list[str | None] = list(head.dtypes)
    open_columns = [number for number, dtype in enumerate(found) if dtype is None]
    rows = 0
    for _, cells in _rows(body, len(found)):
        if isinstance(cells, EventError):
            continue
        rows += 1
        if rows > MAX_ROWS:
            raise Refusal(413, "too_many_events", f"more than {MAX_ROWS} rows in one file; split it")
        for number in open_columns:
            cell, known = cells[number], found[number]
            if cell and known != "str" and not (known == "f64" and NUMERAL.fullmatch(cell)):
                found[number] = _joined(known, _dtype(cell))
    if rows * 9 * len(found) > most_bytes:
        raise Refusal(413, "too_large", f"more than {most_bytes} bytes as columns; send less in one request")
    return [dtype or "str" for dtype in found]


def _dtype(cell: str) -> str:
    if INTEGER.fullmatch(cell):
        return "i64"
    if NUMERAL.fullmatch(cell):
        return "f64"
    return "bool" if cell.lower() in ("true", "false") else "str"


def _joined(known: str | None, cell: str) -> str:
    if known is None or known == cell:
        return cell
    return "f64" if {known, cell} == {"i64", "f64"} else "str"


def _table(body: bytes, names: list[str], dtypes: list[str]) -> Table:
    columns = [_Packed(name, dtype) for name, dtype in zip(names, dtypes, strict=True)]
    found = Table({}, array("I"))
    for line, cells in _rows(body, len(names)):
        if isinstance(cells, EventError):
            found.rejected.append(Rejection(line, cells.code, cells.reason))
            continue
        for column, cell in zip(columns, cells, strict=True):
            fault = column.add(cell)
            if fault is not None:
                found.faults.setdefault(len(found.rows), fault)
        found.rows.append(line)  # type: ignore[attr-defined]  # an array is a Sequence that grows
    found.columns = {column.name: column.column() for column in columns}
    return found


class _Packed:
    """A column that grows by one cell at a time."""

    def __init__(self, name: str, dtype: str) -> None:
        self.name = name
        self._dtype = dtype
        self._numbers: array[int] | array[float] = array({"f64": "d", "i64": "q", "bool": "B", "str": "I"}[dtype])
        self._text = bytearray()
        self._valid = bytearray()
        if dtype == "str":
            self._numbers.append(0)

    def add(self, cell: str) -> EventError | None:
        """Add a cell; what is wrong with it, if anything. The column grows in any case."""
        self._valid.append(cell != "")
        if self._dtype == "str":
            raw = cell.encode()
            fault = None if len(raw) <= MAX_TEXT_BYTES else self._too_long(len(raw))
            self._text += b"" if fault else raw
            self._numbers.append(len(self._text))
            return fault
        value = self._value(cell) if cell else 0
        self._numbers.append(0 if value is None else value)  # type: ignore[arg-type]
        return None if value is not None else self._wrong(cell)

    def column(self) -> Column:
        """The column as it stands in a block."""
        if sys.byteorder == "big":
            self._numbers.byteswap()
        packed = self._numbers.tobytes()
        valid = bytes(self._valid) if 0 in self._valid else None
        if self._dtype == "str":
            return Column(self.name, "str", bytes(self._text), offsets=packed, valid=valid)
        return Column(self.name, self._dtype, packed, valid=valid)

    def _value(self, cell: str) -> float | int | None:
        if self._dtype == "i64":
            return int(cell)
        if self._dtype == "f64":
            return float(cell) if NUMERAL.fullmatch(cell) else None
        return {"true": 1, "false": 0}.get(cell.lower())

    def _wrong(self, cell: str) -> EventError:
        kind = next(stated for stated, dtype in _STATED.items() if dtype == self._dtype)
        return EventError("wrong_type", f"{self.name:.80}: a {kind} is needed, found {cell!a:.60}")

    def _too_long(self, size: int) -> EventError:
        return EventError("out_of_range", f"{self.name:.80}: at most {MAX_TEXT_BYTES} bytes of text, found {size}")


EXAMPLE = """id,model,time,feature.age,feature.city,prediction,score.yes
a1,credit,2026-11-18T10:00:00Z,41,Lyon,yes,0.81
a2,credit,2026-11-18T10:00:01Z,,"Aix, Provence",no,0.2
"""
FORMS = (
    Form(
        MEDIA_TYPE,
        parse,
        {"schema": {"type": "string", "description": "a header and one event a row"}, "example": EXAMPLE},
        inline_bytes=16 << 10,
    ),
)
