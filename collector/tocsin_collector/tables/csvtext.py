"""CSV files by the standard library: the head, and the rows in batches where pyarrow is not installed."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO

from tocsin_collector.tables.cells import TextCells
from tocsin_collector.tables.table import BATCH_ROWS, Batch, Table, TableError, checked_head

Opener = Callable[[], BinaryIO]
MAX_LINE = 16 << 20
RAGGED = "rows of another width"


@contextmanager
def opened(open_file: Opener) -> Iterator[BinaryIO]:
    """The bytes of a file, gzip taken off."""
    with open_file() as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        yield gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[misc]


def head(open_file: Opener, name: str) -> list[str]:
    """The names in the first line. Raises TableError."""
    with faults_told(name), opened(open_file) as file:
        names = next((row for row in _records(file, name) if row), None)
    if names is None:
        raise TableError(f"{name}: the file is empty; the first line names the columns")
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise TableError(f"{name}: line 1: commas between columns are needed, found {names[0]!a:.60}")
    return checked_head(names, name)


def csv_table(open_file: Opener, name: str) -> Table:
    """A CSV file as a table. Raises TableError."""
    names = head(open_file, name)
    table = Table(name, names, lambda wanted: _batches(table, open_file, wanted))
    return table


def _batches(table: Table, open_file: Opener, wanted: Sequence[str]) -> Iterator[Batch]:
    places = {name: table.columns.index(name) for name in wanted}
    width = len(table.columns)
    with faults_told(table.name), opened(open_file) as file:
        records = (row for row in _records(file, table.name) if row)
        next(records, None)
        while rows := list(islice(records, BATCH_ROWS)):
            sound = [row for row in rows if len(row) == width]
            if len(sound) < len(rows):
                ragged = next(row for row in rows if len(row) != width)
                table.note(RAGGED, ragged_note(width, ",".join(ragged)))
            columns = list(zip(*sound, strict=True)) or [()] * width
            yield {name: TextCells(columns[at]) for name, at in places.items()}


def ragged_note(width: int, text: str) -> str:
    """What is said of rows that do not fit the head."""
    return f"rows without the head's {width} cells are left out; the first begins {text!a:.60}"


def _records(file: BinaryIO, name: str) -> Iterator[list[str]]:
    with io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        yield from csv.reader(_lines(text, name))


def _lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise TableError(f"{name}: a line of more than {MAX_LINE} characters: is it CSV?")
        yield line


@contextmanager
def faults_told(name: str) -> Iterator[None]:
    """Turns what reading raises into TableError."""
    try:
        yield
    except csv.Error as error:
        raise TableError(f"{name}: no CSV: {error}") from None
    except UnicodeDecodeError:
        raise TableError(
            f"{name}: the file is not UTF-8; iconv -f LATIN1 -t UTF-8 converts a file of Western Europe"
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TableError(f"{name}: the gzip data is damaged: {error}") from None
    except OSError as error:
        raise TableError(f"{name}: cannot be read: {error.strerror or error}") from None
