"""The columns that two tables have in common."""

from tocsin_collector.tables.rows import times_among
from tocsin_collector.tables.table import Table, TableError

MOST_FEATURES = 250
"""A month of hours of so many takes 4 GiB."""


def shared_features(reference: Table, current: Table, other: set[str], notes: list[str]) -> list[str]:
    """The columns of both tables but for ``other``. What only one of them has is told, and left out.

    Raises TableError when there is none.
    """
    there = set(current.columns)
    for table, against in ((reference, there), (current, set(reference.columns))):
        lone = [name for name in table.columns if name not in against and name not in other]
        if lone:
            notes.append(f"left out, only {table.name} has: {_listed(lone)}")
    shared = [name for name in reference.columns if name in there and name not in other]
    times = times_among(reference, shared)
    if times:
        notes.append(f"left out, a time is no feature: {_listed(times)}")
        shared = [name for name in shared if name not in times]
    if not shared:
        raise TableError(f"{reference.name} and {current.name} share no column that could be a feature")
    if len(shared) > MOST_FEATURES:
        notes.append(f"{len(shared)} features: the first {MOST_FEATURES} are judged")
    return shared[:MOST_FEATURES]


def _listed(names: list[str]) -> str:
    return ", ".join(f"{name!r:.80}" for name in names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
