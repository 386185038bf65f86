"""The features of one model version as its stream shows them: names, kinds, since when, and what changed.

Nothing of it refuses an event. A name or a kind that was not there before is told with the first block that has it; a
feature has vanished when a window closes without a single value of it, though as many as ``EXPECTED`` were to be
expected from the window before (a feature that is rare anyway is not told to vanish).
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tocsin_collector.verdict import FeatureSchema, SchemaChange, dimensions_of
from tocsin_schema.block import MAX_COLUMNS

FEATURES_MOST = MAX_COLUMNS
CHANGES_KEPT = 100
EXPECTED = 20
NEW, VANISHED, RETURNED, KIND, VERSION = "new", "vanished", "returned", "kind", "version"
"""What can change."""


class Schema:
    """What is known of the features, in the order in which they came."""

    def __init__(self) -> None:
        self.features: dict[str, FeatureSchema] = {}
        self.changes: deque[SchemaChange] = deque(maxlen=CHANGES_KEPT)
        self.totals: Counter[str] = Counter()
        self._is_registered = False
        self._rows, self._present = 0, Counter[str]()  # of the newest window that closed

    def state(self) -> dict[str, Any]:
        """All that is known, as plain values; ``load`` takes it."""
        return {
            "features": [[known.name, list(known.kinds.items()), known.gone_s] for known in self.features.values()],
            "changes": list(self.changes),
            "totals": list(self.totals.items()),
            "registered": self._is_registered,
            "rows": self._rows,
            "present": list(self._present.items()),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what another one knew."""
        self.features = {name: FeatureSchema(name, dict(kinds), gone_s) for name, kinds, gone_s in state["features"]}
        self.changes.extend(SchemaChange(*change) for change in state["changes"])
        self.totals = Counter(dict(state["totals"]))
        self._is_registered = state["registered"]
        self._rows, self._present = state["rows"], Counter(dict(state["present"]))

    def follow(self, earlier: "Schema", version: str, time_s: float) -> None:
        """Begin where another version of the model stands: what is different from it is a change."""
        self._tell(SchemaChange(time_s, VERSION, "", f"follows version {version or '(none)'}"))
        self.features = {name: known for name, known in earlier.features.items() if known.gone_s is None}
        self._rows, self._present = earlier._rows, earlier._present
        self._is_registered = True

    def knows(self, kinds: Mapping[str, str], time_s: float) -> bool:
        """Whether ``see`` would change nothing, at this time or a later one."""
        return all(
            name in self.features and not _is_news(self.features[name], kind, time_s) for name, kind in kinds.items()
        )

    def see(self, kinds: Mapping[str, str], time_s: float) -> None:
        """Learn the kinds of the features that have values in a block, whose first row is of ``time_s``. The first
        block registers them; what is new after it is a change."""
        for name, kind in kinds.items():
            if name in self.features:
                self._see_again(self.features[name], kind, time_s)
            elif len(self.features) < FEATURES_MOST:
                self.features[name] = FeatureSchema(name, {kind: time_s})
                if self._is_registered:
                    self._tell(SchemaChange(time_s, NEW, name, f"{name} is new, {_one(kind)}"))
        self._is_registered = True

    def close(self, start_s: float, rows: int, present: Counter[str]) -> None:
        """A window closed for the first time: in so many of its rows each feature had a value."""
        for name, known in self.features.items():
            expected = self._present[name] / self._rows * rows if self._rows else 0.0
            if known.gone_s is None and not present[name] and expected >= EXPECTED:
                self.features[name] = replace(known, gone_s=start_s)
                self._tell(SchemaChange(start_s, VANISHED, name, f"{name} has no value in any of {rows} rows"))
        if rows:
            self._rows, self._present = rows, present.copy()

    def _see_again(self, known: FeatureSchema, kind: str, time_s: float) -> None:
        if not _is_news(known, kind, time_s):
            return
        if kind not in known.kinds:
            self._tell(
                SchemaChange(time_s, KIND, known.name, f"{known.name} was {_one(known.kind)} and came as {_one(kind)}")
            )
        if known.gone_s is not None and time_s >= known.gone_s:
            self._tell(SchemaChange(time_s, RETURNED, known.name, f"{known.name} has values again"))
            known = replace(known, gone_s=None)
        since_s = min(time_s, known.kinds.get(kind, time_s))
        self.features[known.name] = replace(known, kinds=known.kinds | {kind: since_s})

    def _tell(self, change: SchemaChange) -> None:
        self.changes.append(change)
        self.totals[change.what] += 1


def _is_news(known: FeatureSchema, kind: str, time_s: float) -> bool:
    return known.gone_s is not None or known.kinds.get(kind, time_s + 1) > time_s


def _one(kind: str) -> str:
    return f"{'an' if dimensions_of(kind) else 'a'} {kind}"
