"""The folder of reports that were made by themselves: for each model version a note of what there is, and the files."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tocsin_collector import wholefile
from tocsin_collector.verdict import ModelKey

NOTE = "reports.json"
MADE, EMPTY, FAILED = "made", "empty", "failed"
FORMS = ("html", "json")
_UNFINISHED = ".new"


@dataclass(frozen=True, slots=True)
class Entry:
    """One report of one plan: what became of it, and why where there is none. Times are seconds since the epoch."""

    name: str
    every: str
    by: str
    reference: str
    start_s: float
    end_s: float
    made_s: float
    outcome: str
    reason: str = ""


class KeptReports:
    """Notes are written after the files that they name, and before those are deleted that they no longer name: after a
    kill a file may be left over, which the next report of that model deletes; none that is named is lacking."""

    def __init__(self, folder: str, most: int, most_s: float) -> None:
        self._folder = Path(folder)
        self._most = most
        self._most_s = most_s

    def listed(self, key: ModelKey) -> list[Entry]:
        """What there is of a model version, the newest span first. A note that cannot be read is none."""
        try:
            told = json.loads((self._of(key) / NOTE).read_text(encoding="utf-8"))
            return [Entry(**one) for one in told["reports"]]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def last_end_s(self, key: ModelKey, every: str, by: str, reference: str) -> float | None:
        """Up to where a plan has been followed, None where it never was."""
        ends = [one.end_s for one in self.listed(key) if (one.every, one.by, one.reference) == (every, by, reference)]
        return max(ends, default=None)

    def file(self, key: ModelKey, name: str, form: str) -> Path | None:
        """The file of a report that was made."""
        made = any(one.name == name and one.outcome == MADE for one in self.listed(key))
        return self._of(key) / f"{name}.{form}" if made and form in FORMS else None

    def put(self, key: ModelKey, entry: Entry, files: dict[str, bytes]) -> None:
        """Keep a report, by its form, or why there is none; what is too old or too much goes. Raises OSError."""
        folder = self._of(key)
        folder.mkdir(parents=True, exist_ok=True)
        for form, content in files.items():
            wholefile.replace(str(folder / f"{entry.name}.{form}"), content, _UNFINISHED, 0o600)
        others = [one for one in self.listed(key) if one.name != entry.name]
        found = sorted([entry, *others], key=lambda one: (-one.end_s, one.name))
        of_plan: dict[tuple[str, str, str], int] = {}
        kept = []
        for one in found:
            plan = (one.every, one.by, one.reference)
            of_plan[plan] = of_plan.get(plan, 0) + 1
            is_newest = of_plan[plan] == 1  # says up to where the plan was followed
            if is_newest or (of_plan[plan] <= self._most and entry.made_s - one.made_s <= self._most_s):
                kept.append(one)
        note = {"key": list(key), "reports": [asdict(one) for one in kept]}
        wholefile.replace(str(folder / NOTE), json.dumps(note).encode(), _UNFINISHED, 0o600)
        named = {NOTE, *(f"{one.name}.{form}" for one in kept if one.outcome == MADE for form in FORMS)}
        for name in os.listdir(folder):
            if name not in named:
                (folder / name).unlink()

    def _of(self, key: ModelKey) -> Path:
        plain = "".join(one if one.isascii() and one.isalnum() else "_" for one in "-".join(key)[:80])
        return self._folder / f"{plain}-{hashlib.sha256(chr(0).join(key).encode()).hexdigest()[:12]}"
