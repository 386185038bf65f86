"""Tables (Arrow, CSV) as blocks: one column a field, the same for every row.

A table has a block's columns (``time``, ``id``, ``feature.NAME``, ``prediction``…). What a block says once may be a
column too (``type``, ``project``, ``model``, ``version``) or stand in the request's query, for every row. Rows of one
model version and type become one block; a column that is missing in all its rows is left out of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.ingest import times
from tocsin_collector.ingest.answer import Refusal, Rejection
from tocsin_collector.ingest.drafts import NO_PRODUCER
from tocsin_collector.ingest.events import EventError, name_of
from tocsin_collector.ingest.headroom import MAX_NAMES_CHARS, fitted, names_fit
from tocsin_collector.ingest.jsonbody import Parsed
from tocsin_collector.ingest.subset import take, used
from tocsin_schema.block import MAX_COLUMNS, MAX_NAME, PREDICTION, TYPES, Block, Column, column

KEYS = ("type", "project", "model", "version")
TEXTS = (*KEYS, "id", "trace_id", "name", "receipt")
"""Columns that are text whatever their values look like."""
MAX_BLOCKS = 1_000
_DEFAULTS = {"type": PREDICTION, "project": "default", "model": "", "version": ""}


@dataclass(slots=True)
class Table:
    """Columns of equal length, and each row's number as its sender counts.

    ``faults`` are positions of rows that are refused; ``rejected`` were refused before they became rows.
    """

    columns: dict[str, Column]
    rows: Sequence[int]
    faults: dict[int, EventError] = field(default_factory=dict)
    rejected: list[Rejection] = field(default_factory=list)


def blocks(table: Table, query: Mapping[str, str], now_us: int) -> Parsed:
    """The blocks of a table. Raises Refusal."""
    unknown = query.keys() - set(KEYS)
    if unknown:
        raise Refusal(400, "unknown_parameter", f"query {min(unknown)!a:.80}: {', '.join(KEYS)} are known")
    if not table.rows and not table.rejected:
        raise Refusal(400, "no_events", "the table holds no row")
    columns = dict(table.columns)
    groups = _grouped({name: columns.pop(name, None) for name in KEYS}, query, len(table.rows))
    _check_names(columns)
    columns["time"] = _times(columns.get("time"), len(table.rows), now_us, table.faults)
    if "id" not in columns:
        raise Refusal(400, "missing_field", "column 'id': every event needs one, to be told apart and joined")
    made, numbers, rejected = [], [], list(table.rejected)
    rejected += [Rejection(table.rows[at], fault.code, fault.reason) for at, fault in table.faults.items()]
    faulty = np.zeros(len(table.rows), bool)
    faulty[list(table.faults)] = True
    for key, group in groups.items():
        rows = group[~faulty[group]]
        if not len(rows):
            continue
        own = table.rows if len(rows) == len(table.rows) else [table.rows[row] for row in rows.tolist()]
        try:
            made.append(_block(key, columns, rows, len(table.rows)))
        except EventError as error:
            rejected += [Rejection(row, error.code, error.reason) for row in own]
        else:
            numbers.append(own)
    return Parsed(made, numbers, rejected)


def is_text(name: str) -> bool:
    """Whether a column of this name holds text whatever its values look like."""
    return name in TEXTS or name.startswith("segment.")


def _check_names(columns: Mapping[str, Column]) -> None:
    if not names_fit(columns):
        raise Refusal(
            400, "too_many_columns", f"at most {MAX_COLUMNS - 2} columns, names of {MAX_NAMES_CHARS} characters in all"
        )
    for name in columns:
        if len(name) > MAX_NAME:
            raise Refusal(400, "out_of_range", f"column {name!a:.80}: a name has at most {MAX_NAME} characters")


def _times(item: Column | None, rows: int, now_us: int, faults: dict[int, EventError]) -> Column:
    """The times of the rows; one that is missing is that of the receipt, as in JSON."""
    if item is not None and item.dtype not in ("str", "dict", "time"):
        return item  # what it is instead is told with the other columns
    if item is not None and item.dtype == "time" and item.valid is None:
        return item
    found: list[object] = []
    for at, value in enumerate([None] * rows if item is None else item.to_list()):
        try:
            moment = times.parse(value) if isinstance(value, str) and value else value
        except ValueError as error:
            faults.setdefault(at, EventError("bad_time", f"time: {value!a:.60}: {error}"))
            moment = None
        found.append(now_us if moment is None or moment == "" else moment)
    return column("time", found, "time")


def _grouped(
    keys: Mapping[str, Column | None], query: Mapping[str, str], rows: int
) -> dict[tuple[str, ...], NDArray[np.int64]]:
    """Row positions by type, project, model and version: from a column, where that is empty from the query."""
    default = [query.get(name) or _DEFAULTS[name] for name in KEYS]
    if not any(keys.values()):
        return {tuple(default): np.arange(rows)}
    listed = [
        [text] * rows if item is None else [str(value or text) for value in item.to_list()]
        for item, text in zip(keys.values(), default, strict=True)
    ]
    groups: dict[tuple[str, ...], list[int]] = {}
    for at, key in enumerate(zip(*listed, strict=True)):
        groups.setdefault(key, []).append(at)
    if len(groups) > MAX_BLOCKS:
        raise Refusal(413, "too_many_models", f"{len(groups)} model versions in one table, at most {MAX_BLOCKS}")
    return {key: np.array(found, np.int64) for key, found in groups.items()}


def _block(key: tuple[str, ...], columns: dict[str, Column], rows: NDArray[np.int64], of: int) -> Block:
    """The block of some of the table's rows. Raises EventError when its key is none."""
    kind, project, model, version = key
    if kind not in TYPES:
        raise EventError("unknown_type", f"type: one of {', '.join(TYPES)} is needed, found {kind!a:.60}")
    named: dict[str, object] = {"type": kind, "project": project, "model": model or None, "version": version}
    for name, default in (("project", "default"), ("model", None), ("version", "")):
        name_of(named, name, default)
    whole = Block(
        kind,
        project=project,
        model=model,
        version=version,
        rows=of,
        producer=NO_PRODUCER,
        sequence=0,
        columns=columns,
    )
    return _lean(whole if len(rows) == of else take(whole, rows))


def _lean(block: Block) -> Block:
    """Without columns that are missing in every row, and without what no row uses of a dictionary."""
    kept = [item for item in block.columns.values() if item.valid is None or 1 in bytes(item.valid)]
    needed = [block.columns[name] for name in ("time", "id")]
    rest = fitted([used(item) for item in kept if item.name not in ("time", "id")])
    block.columns = {item.name: item for item in [*needed, *rest]}
    return block
