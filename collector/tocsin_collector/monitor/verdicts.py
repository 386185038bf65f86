"""The verdicts of one model version's newest windows, and what a window's own verdict needs of those before it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tocsin_collector.monitor.segments import Told
from tocsin_collector.monitor.verdict_state import Shares, verdicts_of, verdicts_state
from tocsin_collector.quality.estimate import Past
from tocsin_collector.verdict import QualityVerdict, WindowVerdict

PAST_MOST = 64
"""Windows whose labels say which estimator is nearest: what was so long ago may not be so now."""


class Verdicts:
    """By the window's number, the newest ``keep``."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._known: dict[int, WindowVerdict] = {}

    def __iter__(self) -> Iterator[int]:
        return iter(self._known)

    def __getitem__(self, index: int) -> WindowVerdict:
        return self._known[index]

    def put(self, index: int, verdict: WindowVerdict) -> None:
        """What is said of a window now."""
        self._known[index] = verdict
        while len(self._known) > self._keep:
            del self._known[min(self._known)]

    def of(self, index: int) -> WindowVerdict | None:
        """What was said of a window."""
        return self._known.get(index)

    def ordered(self) -> tuple[WindowVerdict, ...]:
        """All of them in order of time."""
        return tuple(self._known[index] for index in sorted(self._known))

    def latest(self) -> WindowVerdict | None:
        """The newest window's."""
        return self._known[max(self._known)] if self._known else None

    def latest_quality(self) -> QualityVerdict | None:
        """The quality of the newest window whose labels have come; None before there is one."""
        found = (self._known[index].quality for index in sorted(self._known, reverse=True))
        return next((quality for quality in found if quality is not None and quality.mature), None)

    def segments_before(self, index: int) -> Told:
        """The segments of the newest window before."""
        earlier = max((known for known in self._known if known < index), default=None)
        return {} if earlier is None else self._known[earlier].segments

    def labelled_before(self, index: int) -> list[Past]:
        """What the estimators said of windows before whose labels have come, the newest, and what those say."""
        earlier = [self._known[at] for at in sorted(self._known) if at < index]
        return [
            Past(verdict.estimate.answers, verdict.quality.scores)
            for verdict in earlier[-PAST_MOST:]
            if verdict.estimate is not None and verdict.quality is not None and verdict.quality.mature
        ]

    def state(self) -> dict[str, Any]:
        """All of them; ``load`` takes it. A verdict never changes: they are made plain when they are written."""
        return {"indexes": list(self._known), "verdicts": partial(verdicts_state, list(self._known.values()))}

    def load(self, state: dict[str, Any], shares: Shares) -> None:
        """Take over what another one knew; ``shares`` has the cells of each feature."""
        self._known = dict(zip(state["indexes"], verdicts_of(state["verdicts"], shares), strict=True))
