"""Counters that become rates: over the time that has really passed, and never over a gap."""


class Counters:
    """Some counters of one device."""

    __slots__ = ("_at", "_counts", "_gap_s", "_units")

    def __init__(self, units: list[float], gap_s: float) -> None:
        """``units``: of a count of each. Looks further apart than ``gap_s`` did not see what was between them."""
        self._units = units
        self._gap_s = gap_s
        self._at = 0.0
        self._counts: list[int] = []

    def rates(self, at: float, counts: list[int]) -> list[float] | None:
        """What each gained a second since the last look, in its unit.

        None at the first look, behind a gap (stopped, suspended, not sampled), and when one fell: it began anew, and
        how much it had gained is unknown.
        """
        passed_s, before = at - self._at, self._counts
        self._at, self._counts = at, counts
        if len(before) != len(counts) or not 0 < passed_s <= self._gap_s:
            return None
        rates = [(now - last) * unit / passed_s for now, last, unit in zip(counts, before, self._units, strict=True)]
        return rates if min(rates) >= 0 else None
