"""References as Parquet and Arrow files, with the same columns as the CSV file."""

import numpy as np

from tocsin_collector.frame import Frame, Values, category
from tocsin_collector.monitor.reference_file import ReferenceFileError, ReferenceRows, block_names, check_head
from tocsin_collector.tables import TableError, open_table
from tocsin_collector.tables.rows import rows
from tocsin_collector.tables.windows import joined
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey, dimensions_of

MOST_VALUES = 1 << 26
"""Rows times columns."""
_TEXTS = ("segment.", "id")


def parse_table(raw: bytes, key: ModelKey, kinds: dict[str, str]) -> tuple[ReferenceRows, tuple[str, ...]]:
    """Read one, and what there is to say of it. ``kinds`` has what is known of columns by their names.

    Raises ReferenceFileError.
    """
    try:
        table = open_table(raw, "the file")
        names = dict(zip(table.columns, block_names(table.columns), strict=True))
        check_head(list(names.values()))
        time = next(column for column, name in names.items() if name == "time")
        parts, values = [], 0
        for part in rows(table, time, dict.fromkeys((name for name in names if name != time), NUMBER)):
            parts.append(part)
            values += len(part.us) * sum(_width(column) for column in part.columns.values())
            if values > MOST_VALUES:
                raise ReferenceFileError(f"more than {MOST_VALUES} values: leave out rows, evenly")
    except TableError as error:
        raise ReferenceFileError(str(error)) from None
    if not values:
        raise ReferenceFileError("the reference has columns and no rows")
    columns = {names[one]: _joined(names[one], [part.columns[one] for part in parts]) for one in parts[0].columns}
    typed = {name: _as_known(name, column, kinds) for name, column in columns.items()}
    us = np.concatenate([part.us for part in parts])
    return _split(us, typed, key), tuple(table.notes.values())


def _width(column: Values) -> int:
    return 1 if column.vectors is None else column.vectors.shape[1]


def _joined(name: str, parts: list[Values]) -> Values:
    kinds = {part.kind: None for part in parts if part.valid.any()}
    if len(kinds) > 1 and any(map(dimensions_of, kinds)):
        raise ReferenceFileError(f"column {name!r:.80}: vectors of one length are needed, found {' and '.join(kinds)}")
    return joined(parts)


def _split(us: np.ndarray, columns: dict[str, Values], key: ModelKey) -> ReferenceRows:
    ids = columns.pop("id", None)
    labels = columns.pop("label", None)
    outcomes = {name[8:]: columns.pop(name) for name in list(columns) if name.startswith("outcome.")}
    told = [str(row) for row in range(len(us))] if ids is None else [text or "" for text in ids.texts()]
    return ReferenceRows(Frame("prediction", key, us, told, columns), labels, outcomes)


def _as_known(name: str, column: Values, kinds: dict[str, str]) -> Values:
    if column.vectors is not None and not name.startswith("feature."):
        raise ReferenceFileError(f"column {name!r:.80}: embeddings are features, found {column.kind}")
    if name.startswith(("score.", "outcome.")) and column.kind != NUMBER:
        raise ReferenceFileError(f"column {name!r:.80}: numbers are needed, found texts")
    if column.kind == NUMBER and (kinds.get(name) == CATEGORY or name.startswith(_TEXTS)):
        return category(column.texts())
    return column
