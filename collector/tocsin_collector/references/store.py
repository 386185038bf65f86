"""The folder of references: for each model version a note, and for each of its references the profiles of its hours.

The newest few that held have their rows too, so that they can hold again.
"""

import gzip
import hashlib
import json
import logging
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from tocsin_collector.monitor.reference_file import ReferenceRows, parse, render
from tocsin_collector.references.profiles import Hours, hours_of
from tocsin_collector.verdict import ModelKey

KEPT = 8
"""References of one name that are kept, the newest."""
COMPARED = 4
"""Names whose newest reference every window is compared with, the newest: each costs what counting costs."""
HOLDS = ""
"""The name of the references that a model's windows are judged by; others are there to compare with."""
_log = logging.getLogger(__name__)
Note = dict[str, Any]


class ReferenceStore:
    """References by model version. A file is whole or absent: it is written beside and renamed; a note is written after
    the files that it names, so that a kill between them leaves the old ones."""

    def __init__(self, folder: str, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        os.makedirs(folder, exist_ok=True)

    def put(self, rows: ReferenceRows, source: str) -> tuple[ReferenceRows, dict[str, object]]:
        """Keep the reference that holds from now on, durably: as ``load`` will return it, and what is told of it.

        Raises ReferenceFileError, and keeps what there was, when its file could not be read again."""
        kinds = {name: values.kind for name, values in rows.frame.columns.items()}
        if rows.labels is not None:
            kinds["label"] = rows.labels.kind
        raw = render(rows)
        held = parse(raw, rows.frame.key, kinds)  # what a restart finds holds from now on, not something like it
        data = gzip.compress(raw, 1, mtime=0)
        digest = hashlib.sha256(data).hexdigest()[:16]
        self._write(f"{self._stem(rows.frame.key)}-{digest}.csv.gz", data)
        return held, self._enter(held, HOLDS, source, {"kinds": kinds, "data": digest})

    def keep(self, rows: ReferenceRows, name: str, source: str) -> dict[str, object]:
        """Keep a reference to compare with, durably: its profiles, not its rows."""
        return self._enter(rows, name, source, {})

    def load(self) -> Iterator[tuple[ReferenceRows, dict[str, object]]]:
        """Every reference that holds, with what the page tells of it. One that cannot be read is logged and left out: a
        collector without it takes events, one that does not start takes none."""
        for name in sorted(os.listdir(self._folder)):
            if name.endswith(".json"):
                try:
                    note = self._read_json(name)
                    if "data" in note:
                        yield self._rows(ModelKey(*note["key"]), note), note["about"]
                except (OSError, ValueError, KeyError, TypeError) as error:
                    _log.error("reference_unreadable file=%s reason=%s", os.path.join(self._folder, name), error)

    def get(self, key: ModelKey) -> ReferenceRows | None:
        """The reference of one model version that holds."""
        return next((rows for rows, _ in self.load() if rows.frame.key == key), None)

    def remove(self, key: ModelKey, name: str) -> bool:
        """Drop the references of a name, durably; False where there are none."""
        note = self._note(key)
        left = [entry for entry in note["kept"] if entry["name"] != name]
        if len(left) == len(note["kept"]):
            return False
        note["kept"] = left
        self._write_note(key, note)
        return True

    def compared(self, key: ModelKey) -> dict[str, Hours]:
        """What every window of a model version is compared with beside the reference that holds, by name."""
        names = _compared(self._note(key))
        found = {name: self.hours(key, name) for name in names}
        return {name: hours for name, hours in found.items() if hours is not None}

    def models(self) -> list[ModelKey]:
        """The model versions that have any reference."""
        found = []
        for name in sorted(os.listdir(self._folder)):
            if name.endswith(".json"):
                with suppress(OSError, ValueError, KeyError, TypeError):  # ``load`` says so
                    found.append(ModelKey(*self._read_json(name)["key"]))
        return found

    def listed(self, key: ModelKey) -> list[dict[str, object]]:
        """What is kept of a model version, by name, the newest first."""
        note = self._note(key)
        kept = sorted(note["kept"], key=lambda entry: (entry["name"], -entry["revision"]))
        newest = {entry["name"]: entry["revision"] for entry in reversed(kept)}
        compared = {(name, newest[name]) for name in _compared(note)}
        return [
            {
                "name": one["name"],
                "revision": one["revision"],
                **one["about"],
                "compared": (one["name"], one["revision"]) in compared,
                "holds": one is kept[0] and one["name"] == HOLDS,  # the name that holds sorts first
            }
            for one in kept
        ]

    def revision(self, key: ModelKey, revision: int) -> ReferenceRows | None:
        """The rows of a reference that held once."""
        entry = next(
            (one for one in self._note(key)["kept"] if (one["name"], one["revision"]) == (HOLDS, revision)), None
        )
        return self._rows(key, entry) if entry else None

    def hours(self, key: ModelKey, name: str) -> Hours | None:
        """The profiles of the newest reference of a name, None where there is none. Of the one that holds they are made
        from its rows where they cannot be read, as after an upgrade that counts otherwise."""
        named = [entry for entry in self._note(key)["kept"] if entry["name"] == name]
        if named:
            path = self._path(f"{self._stem(key)}-{max(named, key=_revision)['profiles']}.profiles")
            try:
                with open(path, "rb") as file:
                    return Hours.from_bytes(file.read())
            except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
                _log.error("reference_unreadable file=%s reason=%s", path, error)
        held = self.get(key) if name == HOLDS else None
        return hours_of(held.frame) if held else None

    def _enter(self, rows: ReferenceRows, name: str, source: str, held: Note) -> dict[str, object]:
        """Write the profiles, then the note that names them; drop what no note names any more."""
        key, times = rows.frame.key, rows.frame.time_us
        about: dict[str, object] = {
            "source": source,
            "rows": rows.frame.rows,
            "start_s": int(times.min()) / 1e6,
            "end_s": int(times.max()) / 1e6,
        }
        raw = hours_of(rows.frame).to_bytes()
        profiles = hashlib.sha256(raw).hexdigest()[:16]
        self._write(f"{self._stem(key)}-{profiles}.profiles", raw)
        note = self._note(key) | ({**held, "about": about} if held else {})
        same = sorted((entry for entry in note["kept"] if entry["name"] == name), key=_revision)
        entry = {"name": name, "revision": same[-1]["revision"] + 1 if same else 1, "profiles": profiles, **held}
        entry["about"] = {**about, "taken_s": self._clock()}
        others = [one for one in note["kept"] if one["name"] != name]
        note["kept"] = [*others, *same[-(KEPT - 1) :], entry]
        self._write_note(key, note)
        return about

    def _write_note(self, key: ModelKey, note: Note) -> None:
        self._write(f"{self._stem(key)}.json", json.dumps(note, indent=1).encode())
        self._drop_unnamed(key, note)

    def _note(self, key: ModelKey) -> Note:
        try:
            note = self._read_json(f"{self._stem(key)}.json")
        except FileNotFoundError:
            note = {"key": list(key)}
        return {"kept": [], **note}

    def _read_json(self, name: str) -> Note:
        with open(self._path(name), encoding="utf-8") as file:
            note: Note = json.load(file)
        return note

    def _rows(self, key: ModelKey, held: Note) -> ReferenceRows:
        with open(self._path(f"{self._stem(key)}-{held['data']}.csv.gz"), "rb") as data:
            return parse(data.read(), key, held["kinds"])

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _stem(self, key: ModelKey) -> str:
        return hashlib.sha256("\0".join(key).encode()).hexdigest()[:16]

    def _write(self, name: str, data: bytes) -> None:
        path = self._path(name)
        with open(path + ".new", "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".new", path)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _drop_unnamed(self, key: ModelKey, note: Note) -> None:
        stem = self._stem(key)
        named = {f"{stem}.json"} | {f"{stem}-{one['profiles']}.profiles" for one in note["kept"]}
        named |= {f"{stem}-{one['data']}.csv.gz" for one in (note, *note["kept"]) if "data" in one}
        for name in os.listdir(self._folder):
            if name.startswith(stem) and name not in named:
                os.remove(self._path(name))


def _compared(note: Note) -> list[str]:
    """The names whose references are compared with, the one that was taken last at the end."""
    names = dict.fromkeys(entry["name"] for entry in reversed(note["kept"]) if entry["name"] != HOLDS)
    return list(names)[:COMPARED][::-1]


def _revision(entry: Note) -> int:
    return int(entry["revision"])
