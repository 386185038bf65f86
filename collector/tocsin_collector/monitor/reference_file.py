"""The file of a reference: CSV whose columns are named as the columns of a block.

``time`` (RFC 3339), ``id``, ``feature.NAME``, ``prediction``, ``score.CLASS``, ``segment.NAME``, ``label``,
``outcome.NAME``; where none is a ``feature.NAME``, every other column is a feature. An empty cell is a missing value.
A feature whose every cell reads as a number is one, unless the live stream has shown it as a category. gzip is
understood.
"""

import csv
import gzip
import io
import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np

from tocsin_collector.frame import Frame, Values, category, embedding, number
from tocsin_collector.ingest.times import EARLIEST_US, LATEST_US
from tocsin_collector.verdict import CATEGORY, ModelKey, dimensions_of

MAX_BYTES = 256 << 20
MAX_COLUMNS = 1_100
PREFIXES = ("feature.", "score.", "segment.", "outcome.")
SINGLE = ("time", "id", "prediction", "label", "latency_s")


class ReferenceFileError(ValueError):
    """The file is no reference; the message names line and column and says what would be right."""


@dataclass(frozen=True, slots=True)
class ReferenceRows:
    """The rows of a reference: ``labels`` and ``outcomes`` are aligned with the frame's rows."""

    frame: Frame
    labels: Values | None
    outcomes: dict[str, Values]


def parse(raw: bytes, key: ModelKey, kinds: dict[str, str]) -> ReferenceRows:
    """Read a reference. ``kinds`` has what is known of columns by their names. Raises ReferenceFileError."""
    head, *rows = _table(_text(raw))
    head = block_names(head)
    check_head(head)
    if not rows:
        raise ReferenceFileError("the reference has a head and no rows")
    cells = {name: [row[at] for row in rows] for at, name in enumerate(head)}
    times = np.array([_row_micros(text, line) for line, text in enumerate(cells.pop("time"), 2)], np.int64)
    ids = cells.pop("id", None) or [str(row) for row in range(len(rows))]
    columns = {name: _column(name, texts, kinds) for name, texts in cells.items()}
    labels = columns.pop("label", None)
    outcomes = {name[8:]: columns.pop(name) for name in list(columns) if name.startswith("outcome.")}
    return ReferenceRows(Frame("prediction", key, times, ids, columns), labels, outcomes)


def digest(rows: ReferenceRows) -> str:
    """SHA-256 of all that is learnt from the rows, in hexadecimal."""
    found = sha256(rows.frame.time_us.tobytes())
    columns = {**rows.frame.columns, "label": rows.labels, **rows.outcomes}
    for name, values in columns.items():
        found.update(json.dumps([name, values and [values.kind, values.names]]).encode())
        if values is not None:
            data = values.data if values.vectors is None else values.vectors
            found.update(data.tobytes() + values.valid.tobytes())
    return found.hexdigest()


def render(rows: ReferenceRows) -> bytes:
    """The file of a reference, as ``parse`` reads it."""
    frame = rows.frame
    columns = dict(frame.columns)
    if rows.labels is not None:
        columns["label"] = rows.labels
    columns.update({f"outcome.{name}": values for name, values in rows.outcomes.items()})
    texts = [_cells(values) for values in columns.values()]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["time", "id", *columns])
    stamps = (datetime.fromtimestamp(at_us / 1e6, UTC).isoformat() for at_us in frame.time_us.tolist())
    writer.writerows(zip(stamps, frame.ids, *texts, strict=True))
    return out.getvalue().encode()


def _text(raw: bytes) -> str:
    if raw[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
                raw = file.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise ReferenceFileError(f"the gzip data is damaged: {error}") from None
    if len(raw) > MAX_BYTES:
        raise ReferenceFileError(f"a reference has at most {MAX_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReferenceFileError(f"the file is not UTF-8 at byte {error.start}") from None


def _table(text: str) -> list[list[str]]:
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if rows and len(row) != len(rows[0]):
                raise ReferenceFileError(f"line {reader.line_num}: {len(row)} cells, the head has {len(rows[0])}")
            rows.append(row)
    except csv.Error as error:
        raise ReferenceFileError(f"line {reader.line_num}: no CSV: {error}") from None
    if not rows:
        raise ReferenceFileError("the file is empty; the first line names the columns: time,id,feature.NAME,…")
    return rows


def block_names(head: list[str]) -> list[str]:
    """The columns' names in a block: plain names, where none is a block's, are features."""
    if any(name.startswith("feature.") for name in head):
        return head
    return [name if name in SINGLE or name.startswith(PREFIXES) else f"feature.{name}" for name in head]


def check_head(head: list[str]) -> None:
    """Raises ReferenceFileError when the names are not a reference's."""
    if len(head) > MAX_COLUMNS:
        raise ReferenceFileError(f"{len(head)} columns; at most {MAX_COLUMNS} are read")
    if "time" not in head:
        raise ReferenceFileError("a column `time` is needed (RFC 3339), so that the reference has windows")
    if not any(name.startswith("feature.") for name in head):
        raise ReferenceFileError("no column `feature.NAME`: there is nothing to compare with")
    for name in head:
        if head.count(name) > 1:
            raise ReferenceFileError(f"the column {name!r} stands twice")
        if name not in SINGLE and not any(name.startswith(prefix) and name != prefix for prefix in PREFIXES):
            known = ", ".join((*SINGLE, *(prefix + "NAME" for prefix in PREFIXES)))
            raise ReferenceFileError(f"column {name!r}: one of {known} is needed")


def micros(text: str, where: str) -> int:
    """A time as microseconds since the epoch. Raises ReferenceFileError that begins with ``where``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ReferenceFileError(f"{where}: {text!r:.60} is no RFC 3339 time, such as 2026-10-01T00:00:00Z") from None
    if moment.tzinfo is None:
        raise ReferenceFileError(
            f"{where}: {text!r:.60} lacks its offset: such as 2026-10-01T00:00:00Z, or -05:00 in place of Z"
        )
    return round(moment.timestamp() * 1e6)


def _row_micros(text: str, line: int) -> int:
    where = f"line {line}, column time"
    found = micros(text, where)
    if not EARLIEST_US <= found < LATEST_US:
        raise ReferenceFileError(f"{where}: {text!r:.60}: a year from 1970 to 2199 is needed")
    return found


def _column(name: str, texts: list[str], kinds: dict[str, str]) -> Values:
    wide = dimensions_of(kinds.get(name, ""))
    if wide:
        return _embedding(name, texts, wide)
    wants_numbers = name.startswith(("score.", "outcome.")) or name == "latency_s"
    if not wants_numbers and (name.startswith("segment.") or kinds.get(name) == CATEGORY):
        return category([text or None for text in texts])
    try:
        return number([float(text) if text else None for text in texts])
    except ValueError:
        if not wants_numbers:
            return category([text or None for text in texts])
    line, text = next((line, text) for line, text in enumerate(texts, 2) if not _is_number(text))
    raise ReferenceFileError(f"line {line}, column {name}: {text!r:.60} is no number")


def _embedding(name: str, texts: list[str], wide: int) -> Values:
    """Vectors as ``render`` writes them: base64 of their float32. Nobody else writes vectors into CSV."""
    found = np.zeros((len(texts), wide), "<f4")
    for row, text in enumerate(texts):
        if text:
            try:
                raw = b64decode(text, validate=True)
            except ValueError:
                raw = b""
            if len(raw) != 4 * wide:
                raise ReferenceFileError(
                    f"line {row + 2}, column {name}: {text!r:.40} is no embedding of {wide} numbers; a CSV file holds "
                    "none: send the reference as Parquet or Arrow, or a past span of the model's own rows"
                )
            found[row] = np.frombuffer(raw, "<f4")
    return embedding(found, np.array([bool(text) for text in texts]))


def _is_number(text: str) -> bool:
    try:
        return not text or float(text) is not None
    except ValueError:
        return False


def _cells(values: Values) -> list[str]:
    if values.vectors is not None:
        rows = zip(values.vectors.astype("<f4", copy=False), values.valid.tolist(), strict=True)
        return [b64encode(row.tobytes()).decode() if ok else "" for row, ok in rows]
    if values.kind == CATEGORY:
        return [text or "" for text in values.texts()]
    return [repr(value) if ok else "" for value, ok in zip(values.data.tolist(), values.valid.tolist(), strict=True)]
