"""One report of a span of a model's rows, in its two forms, whoever asks: a person now, or the schedule."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from tocsin_collector.monitor.rolling import DAYS, LAST_DAYS, LAST_WEEK
from tocsin_collector.references.profiles import Hours, hours_of
from tocsin_collector.references.routes import Past
from tocsin_collector.references.store import ReferenceStore
from tocsin_collector.reports.comparison import compare_profiles
from tocsin_collector.reports.evidently import render
from tocsin_collector.reports.page import page
from tocsin_collector.verdict import ModelKey

_DAY_US = 86_400 * 1_000_000
Micros = tuple[int, int]


class NoReferenceError(Exception):
    """There is nothing to compare with; the message says what to do."""


class Maker:
    """``past`` gathers journalled rows; ``python`` has Evidently, empty: this one. ``stopping`` ends a child that
    works. Both ways raise ReferenceFileError, TableError, ReportError and NoReferenceError."""

    def __init__(
        self, past: Past, store: ReferenceStore, python: str, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        self._past, self._store, self._python = past, store, python
        self.stopping = stopping

    def ours(self, key: ModelKey, span: Micros, reference: str) -> dict[str, bytes]:
        """In tocsin's words; ``reference`` is a name, or ``last-week``."""
        hours = self._hours(key, reference, span)
        found = compare_profiles(hours.layout, list(hours.profiles.values()), self._past(key, *span).frame)
        title = f"{key.project} / {key.model} {key.version}".strip()
        return {"html": page(found, title).encode(), "json": json.dumps(found.to_dict()).encode()}

    def evidentlys(self, key: ModelKey, span: Micros, reference: str = "") -> dict[str, bytes]:
        """In Evidently's, made in a child process."""
        known = self._store.get(key)
        if known is None or reference:
            raise _lacking(key, reference, "; Evidently's compares with the one that holds" if reference else "")
        with tempfile.TemporaryDirectory(prefix="tocsin-report-") as folder:
            made = render(
                known.frame,
                self._past(key, *span).frame,
                os.path.join(folder, "report.html"),
                self._python,
                stopping=self.stopping,
            )
            return {form: Path(made[form]).read_bytes() for form in ("html", "json")}

    def _hours(self, key: ModelKey, name: str, span: Micros) -> Hours:
        if name == LAST_WEEK:
            return hours_of(self._past(key, span[0] - 7 * _DAY_US, span[1] - 7 * _DAY_US).frame)
        if name == LAST_DAYS:
            return hours_of(self._past(key, span[0] - DAYS * _DAY_US, span[0]).frame)
        found = self._store.hours(key, name)
        if found is None:
            raise _lacking(key, name)
        return found


def _lacking(key: ModelKey, name: str, more: str = "") -> NoReferenceError:
    which = f"reference {name!r}" if name else "reference"
    told = f"{key.project}/{key.model} version {key.version!r} has no {which}: tocsin reference create"
    told += "" if key.version else "; --version names a version that has one"
    return NoReferenceError(told + more)
