"""Blocks for the tests of the way in."""

from collections.abc import Sequence

from tocsin_collector.ingest.drafts import Draft
from tocsin_schema.block import Block, Column, column

NOW_S = 1_795_000_000.0  # 2026-11-18
PRODUCER = "0123456789abcdef0123456789abcdef"


def predictions(
    ids: list[str],
    *,
    sequence: int = 1,
    producer: str = PRODUCER,
    age: float = 41.0,
    model: str = "credit",
    at: float = 0.0,
) -> Block:
    """A block of predictions that differ in their ids only; ``at`` is in seconds after the tests' now."""
    n = len(ids)
    columns = [
        column("time", [int((NOW_S + at) * 1e6)] * n, "time"),
        column("id", ids, "str"),
        column("feature.age", [age] * n),
        column("prediction", ["yes"] * n, "dict"),
    ]
    return block("prediction", columns, sequence=sequence, producer=producer, model=model)


def labels(rows: list[tuple[str, object, float]], *, sequence: int = 1, producer: str = PRODUCER) -> Block:
    """A block of labels: id, label, seconds after the tests' now."""
    columns = [
        column("time", [int((NOW_S + at) * 1e6) for _, _, at in rows], "time"),
        column("id", [name for name, _, _ in rows], "str"),
        column("label", [label for _, label, _ in rows]),
    ]
    return block("label", columns, sequence=sequence, producer=producer)


def block(
    kind: str, columns: list[Column], *, sequence: int = 1, producer: str = PRODUCER, model: str = "credit"
) -> Block:
    """A block of any columns."""
    return Block(
        kind,
        project="shop",
        model=model,
        version="3",
        rows=len(columns[0].data) // 8,
        producer=producer,
        sequence=sequence,
        columns={item.name: item for item in columns},
    )


def made(drafts: Sequence[Block | Draft]) -> list[Block]:
    """Blocks of what a body was parsed to."""
    return [draft if isinstance(draft, Block) else draft.block() for draft in drafts]
