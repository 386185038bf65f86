"""A block's columns as numpy arrays: what profiles, joins and scores work on. Views, not copies, where they can be."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.texts import Texts, joined
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey, embedding_kind
from tocsin_schema.block import Block, Column, Layout, dimensions

Vectors = NDArray[np.float32]


@dataclass(slots=True)
class Values:
    """One column. For numbers ``data`` is float64 (NaN and infinities as they came); for categories int64 codes into
    ``names``. ``valid`` is False where the value is missing; such places of ``data`` mean nothing.

    A column of embeddings has ``vectors``, rows x dimensions; its kind has their length, so that vectors of another
    length are another kind. To whoever looks at single values it is a category of one name, ``(vector)``.
    """

    kind: str
    data: NDArray[np.float64] | NDArray[np.int64]
    valid: NDArray[np.bool_]
    names: list[str] = field(default_factory=list)
    vectors: Vectors | None = None

    def take(self, rows: NDArray[np.intp] | slice, valid: NDArray[np.bool_] | None = None) -> "Values":
        """The same column of some rows; ``valid`` is theirs, where columns that share it have it already."""
        vectors = None if self.vectors is None else self.vectors[rows]
        return Values(self.kind, self.data[rows], self.valid[rows] if valid is None else valid, self.names, vectors)

    def texts(self) -> list[str | None]:
        """The values as text, None where missing."""
        if self.kind != NUMBER:
            pairs = zip(self.data.tolist(), self.valid.tolist(), strict=True)
            return [self.names[code] if ok else None for code, ok in pairs]
        return [f"{value:g}" if ok else None for value, ok in zip(self.data.tolist(), self.valid.tolist(), strict=True)]


@dataclass(slots=True)
class Frame:
    """The rows of one block, or of several of one type and model version. ``time_us`` is int64 microseconds since the
    epoch; ``ids`` are the events' ids."""

    type: str
    key: ModelKey
    time_us: NDArray[np.int64]
    ids: Sequence[str]
    columns: dict[str, Values]
    """Every other column by its name in the block: ``feature.age``, ``prediction``, ``score.yes``, ``label``…"""
    blocks: Sequence[int] = ()
    """How many rows each of several blocks has, which lie here one after the other; empty for one block."""

    @property
    def rows(self) -> int:
        """How many events."""
        return len(self.ids)

    def take(self, rows: NDArray[np.intp]) -> "Frame":
        """Some rows, in the order given."""
        ids = self.ids.take(rows) if isinstance(self.ids, Texts) else [self.ids[row] for row in rows.tolist()]
        columns = {name: values.take(rows) for name, values in self.columns.items()}
        return Frame(self.type, self.key, self.time_us[rows], ids, columns)

    def part(self, start: int, end: int) -> "Frame":
        """The rows from one place to before another, as views."""
        if end - start == self.rows:
            return self
        here = slice(start, end)
        valid = {id(values.valid): values.valid[here] for values in self.columns.values()}  # some columns share it
        columns = {name: values.take(here, valid[id(values.valid)]) for name, values in self.columns.items()}
        ids = self.ids.part(start, end) if isinstance(self.ids, Texts) else self.ids[here]
        return Frame(self.type, self.key, self.time_us[here], ids, columns)

    def each(self) -> Iterator["Frame"]:
        """The frame of each block."""
        start = 0
        for rows in self.blocks or (self.rows,):
            yield self.part(start, start + rows)
            start += rows

    def group(self, prefix: str) -> dict[str, Values]:
        """Columns of one kind by their own name: ``group("feature.")``, ``group("score.")``, ``group("segment.")``."""
        return {name[len(prefix) :]: values for name, values in self.columns.items() if name.startswith(prefix)}


def frame(*blocks: Block) -> Frame:
    """The columns of a decoded block; of several, the rows of all, when they have the same columns of the same dtypes
    and are of one type and model version."""
    if len(blocks) > 1:
        were_read = all(block.layout for block in blocks)
        return _end_to_end(blocks) if were_read else concat([frame(block) for block in blocks])
    (block,) = blocks
    whole = _whole(block.rows)
    columns = {name: _values(item, whole) for name, item in block.columns.items() if name not in ("time", "id")}
    return Frame(
        block.type, _key(block), np.frombuffer(block.read("time").data, "<i8"), _texts(block.read("id")), columns
    )


def _key(block: Block) -> ModelKey:
    return ModelKey(block.project, block.model, block.version)


def _end_to_end(blocks: Sequence[Block]) -> Frame:
    """The rows of blocks that were read, one after the other. The numbers of all columns are taken in one go, and so
    are the codes: arrays of each column and block would cost more than their few rows."""
    first, rows = blocks[0], [block.rows for block in blocks]
    floats, integers, codes = (
        [name for name, dtype in first.kinds if dtype in dtypes and name != "id"]
        for dtypes in (("f64",), ("i64", "time"), ("dict",))
    )
    parts = list(_alike_blocks(blocks))
    words = _words(parts, [*floats, *integers], "<u8")
    whole_numbers = words[len(floats) :].view("<i8")
    found = {name: Values(NUMBER, data, _NONE) for name, data in zip(floats, words.view("<f8"), strict=False)}
    for name, data in zip(integers, whole_numbers.astype(np.float64), strict=True):
        found[name] = Values(NUMBER, data, _NONE)
    for name, data in zip(codes, _words(parts, codes, "<u4").astype(np.int64), strict=True):
        found[name] = Values(CATEGORY, *_in_one_dictionary(blocks, name, data))
    whole, gaps = _whole(sum(rows)), {name for part in parts for name in part.layout.gaps}
    columns = {}
    for name, _ in first.kinds:
        if name in ("time", "id"):
            continue
        if name not in found:
            found[name] = _joined([_values(block.read(name), _whole(block.rows)) for block in blocks], rows)
        columns[name] = found[name]
        columns[name].valid = _valid(blocks, name) if name in gaps else whole
    time_us = whole_numbers[integers.index("time")]
    return Frame(first.type, _key(first), time_us, _all_ids(blocks, rows), columns)


class _Alike(NamedTuple):
    """Blocks of one layout that follow each other: their bodies, a row of 64-bit words each."""

    layout: Layout
    rows: int
    bodies: NDArray[np.uint64]

    def words(self, names: Sequence[str], dtype: str) -> NDArray[Any]:
        """What lies in columns of one width, columns x rows of all blocks."""
        bodies = self.bodies.view(dtype)
        starts = np.array([self.layout.places[name].data.start for name in names], np.intp) // bodies.itemsize
        found = bodies[:, starts[:, None] + np.arange(self.rows)]
        return found.transpose(1, 0, 2).reshape(len(names), len(bodies) * self.rows)


def _alike_blocks(blocks: Sequence[Block]) -> Iterator[_Alike]:
    for layout, found in groupby(blocks, lambda block: block.layout):
        if layout is not None:
            same = list(found)
            padding = bytes(-len(same[0].body) % 8)
            whole = padding.join([*(block.body for block in same), b""])
            yield _Alike(layout, same[0].rows, np.frombuffer(whole, np.uint64).reshape(len(same), -1))


def _words(parts: Sequence[_Alike], names: Sequence[str], dtype: str) -> NDArray[Any]:
    found = [part.words(names, dtype) for part in parts]
    return found[0] if len(found) == 1 else np.concatenate(found, axis=1)


def _all_ids(blocks: Sequence[Block], rows: Sequence[int]) -> Sequence[str]:
    columns = [block.read("id") for block in blocks]
    if columns[0].dtype != "str":
        return joined([_texts(column) for column in columns])
    ends = np.frombuffer(b"".join([column.offsets or b"" for column in columns]), "<u4")
    starts = list(accumulate([len(column.data) for column in columns], initial=0))
    inner = np.delete(ends, list(accumulate([count + 1 for count in rows[:-1]], initial=0)))
    ends = np.concatenate([[0], inner + np.repeat(starts[:-1], rows)]).astype(np.uint32)
    return Texts(b"".join([column.data for column in columns]), ends)


def _in_one_dictionary(blocks: Sequence[Block], name: str, data: NDArray[np.int64]) -> tuple[Any, ...]:
    """The codes of a column in the one dictionary of all blocks, and no gaps, and that dictionary."""
    names = [block.layout.places[name].values or [] for block in blocks if block.layout]
    if all(some is names[0] or some == names[0] for some in names):
        return data, _NONE, list(names[0])
    numbers: dict[str, int] = {}
    parts = np.split(data, np.cumsum([block.rows for block in blocks])[:-1])
    recoded = [_recoded(Values(CATEGORY, part, _NONE, some), numbers) for part, some in zip(parts, names, strict=True)]
    return np.concatenate(recoded), _NONE, list(numbers)


def _valid(blocks: Sequence[Block], name: str) -> NDArray[np.bool_]:
    """Where a column of all blocks has a value."""
    masks = [(block.read(name).valid, block.rows) for block in blocks]
    return np.concatenate([np.ones(rows, bool) if mask is None else np.frombuffer(mask, bool) for mask, rows in masks])


_NONE = np.ones(0, bool)


def _whole(rows: int) -> NDArray[np.bool_]:
    """The validity that columns without a gap share."""
    whole = np.ones(rows, bool)
    whole.flags.writeable = False
    return whole


def _values(column: Column, whole: NDArray[np.bool_]) -> Values:
    valid = whole if column.valid is None else np.frombuffer(column.valid, bool)
    wide = dimensions(column.dtype)
    if wide:
        return embedding(np.frombuffer(column.data, "<f4").reshape(-1, wide), valid)
    if column.dtype == "f64":
        return Values(NUMBER, np.frombuffer(column.data, "<f8"), valid)
    if column.dtype in ("i64", "time"):
        return Values(NUMBER, np.frombuffer(column.data, "<i8").astype(np.float64), valid)
    if column.dtype == "bool":
        return Values(CATEGORY, np.frombuffer(column.data, np.uint8).astype(np.int64), valid, ["false", "true"])
    if column.dtype == "dict":
        return Values(CATEGORY, np.frombuffer(column.data, "<u4").astype(np.int64), valid, list(column.values or ()))
    return category(_texts(column), valid)


def category(texts: Iterable[str | None], valid: NDArray[np.bool_] | None = None) -> Values:
    """A column of texts, None where missing."""
    items = list(texts)
    if _never_repeats(items):
        data, names = np.arange(len(items)), items
    else:
        codes: defaultdict[str | None, int] = defaultdict()
        codes.default_factory = codes.__len__  # a new text gets the next code
        data, names = np.fromiter(map(codes.__getitem__, items), np.int64, len(items)), list(codes)
    if valid is None:
        valid = data != names.index(None) if None in names else np.ones(len(items), bool)
    return Values(CATEGORY, data, valid, [text or "" for text in names] if None in names else names)  # type: ignore[arg-type]


def embedding(vectors: Vectors, valid: NDArray[np.bool_]) -> Values:
    """A column of embeddings, rows x dimensions."""
    rows, wide = vectors.shape
    return Values(embedding_kind(wide), np.zeros(rows, np.int64), valid, ["(vector)"], vectors)


def _never_repeats(items: list[str | None]) -> bool:
    """Whether each is there once, as ids are; the first hundred mostly tell that it is not so."""
    return len(set(items[:100])) == len(items[:100]) and len(set(items)) == len(items)


def number(items: Iterable[float | None]) -> Values:
    """A column of numbers, None where missing."""
    listed = list(items)
    data = np.array([0.0 if item is None else item for item in listed], np.float64)
    return Values(NUMBER, data, np.array([item is not None for item in listed], bool))


def _texts(column: Column) -> Sequence[str]:
    if column.dtype == "dict":
        names = column.values or []
        return [names[code] for code in np.frombuffer(column.data, "<u4").tolist()]
    return Texts(bytes(column.data), np.frombuffer(column.offsets or b"", "<u4"))


def concat(frames: Sequence[Frame]) -> Frame:
    """The rows of several frames of one type and model. A column that some of them lack is missing there; one that is
    of one kind here and of another there becomes a category."""
    if len(frames) == 1:
        return frames[0]
    first, rows = frames[0], sum(part.rows for part in frames)
    names = dict.fromkeys(name for part in frames for name in part.columns)
    parts = {name: [part.columns.get(name) for part in frames] for name in names}
    columns = _joined_numbers({name: some for name, some in parts.items() if _are_numbers(some)}, rows)
    counts = [part.rows for part in frames]
    columns |= {name: _joined(parts[name], counts) for name in names if name not in columns}
    times = np.concatenate([part.time_us for part in frames])
    ids = joined([part.ids for part in frames])
    return Frame(first.type, first.key, times, ids, {name: columns[name] for name in names})


def _are_numbers(parts: list[Values | None]) -> bool:
    return all(part is not None and part.kind == NUMBER for part in parts)


def _joined_numbers(columns: Mapping[str, list[Values | None]], rows: int) -> dict[str, Values]:
    """Columns of numbers that are in each part, in one go: of small parts most of the cost is that of the calls."""
    if not columns:
        return {}
    parts = [part for some in columns.values() for part in some if part is not None]
    shape = len(columns), rows
    data = np.concatenate([part.data for part in parts]).astype(np.float64, copy=False).reshape(shape)
    valid = np.concatenate([part.valid for part in parts]).reshape(shape)
    whole, full = _whole(rows), np.asarray(valid.all(axis=1)).tolist()
    return {name: Values(NUMBER, data[at], whole if full[at] else valid[at]) for at, name in enumerate(columns)}


def alike(frames: Iterable[Frame]) -> Iterator[Frame]:
    """The same rows in the same order in as few frames as can be: those that follow each other and have the same
    columns of the same kinds become one, so that each value stays of the kind that it came as."""
    for _, same in groupby(frames, lambda part: {name: values.kind for name, values in part.columns.items()}):
        yield concat(list(same))


def _joined(parts: Sequence[Values | None], rows: Sequence[int]) -> Values:
    kinds = {part.kind for part in parts if part is not None}
    if len(kinds) == 1 and any(part is not None and part.vectors is not None for part in parts):
        return joined_vectors(parts, rows)
    kind = NUMBER if kinds == {NUMBER} else CATEGORY
    whole = [
        _nothing(kind, count) if part is None else part if part.kind == kind else category(part.texts())
        for part, count in zip(parts, rows, strict=True)
    ]
    valid = np.concatenate([part.valid for part in whole])
    if kind == NUMBER or all(part.names == whole[0].names for part in whole):
        return Values(kind, np.concatenate([part.data for part in whole]), valid, whole[0].names)
    codes: dict[str, int] = {}
    data = [_recoded(part, codes) for part in whole]
    return Values(CATEGORY, np.concatenate(data), valid, list(codes))


def joined_vectors(parts: Sequence[Values | None], rows: Sequence[int]) -> Values:
    """A column of embeddings of one length; a part of so many rows that is None is missing."""
    wide = next(part.vectors.shape[1] for part in parts if part is not None and part.vectors is not None)
    vectors = [
        np.zeros((count, wide), np.float32) if part is None or part.vectors is None else part.vectors
        for part, count in zip(parts, rows, strict=True)
    ]
    valid = [np.zeros(count, bool) if part is None else part.valid for part, count in zip(parts, rows, strict=True)]
    return embedding(np.concatenate(vectors), np.concatenate(valid))


def _nothing(kind: str, rows: int) -> Values:
    valid = np.zeros(rows, bool)
    return Values(kind, np.zeros(rows), valid) if kind == NUMBER else Values(kind, np.zeros(rows, np.int64), valid)


def _recoded(values: Values, codes: dict[str, int]) -> NDArray[np.int64]:
    """The column's codes as codes into the names that are common to several; new names are added."""
    numbers = [codes.setdefault(name, len(codes)) for name in values.names]
    return np.array(numbers or [0], np.int64)[values.data]
