"""The folder of references: one gzipped CSV and one JSON note for each model version."""

import gzip
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

from tocsin_collector.monitor.reference_file import ReferenceRows, parse, render
from tocsin_collector.verdict import ModelKey

_log = logging.getLogger(__name__)


class ReferenceStore:
    """References by model version. A file is whole or absent: it is written beside and renamed."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        os.makedirs(folder, exist_ok=True)

    def put(self, rows: ReferenceRows, source: str) -> tuple[ReferenceRows, dict[str, object]]:
        """Keep a reference durably; returns it as ``load`` will, and what the page tells of it.

        Raises ReferenceFileError, and keeps what there was, when its file could not be read again."""
        key = rows.frame.key
        times = rows.frame.time_us
        about: dict[str, object] = {
            "source": source,
            "rows": rows.frame.rows,
            "start_s": int(times.min()) / 1e6,
            "end_s": int(times.max()) / 1e6,
        }
        kinds = {name: values.kind for name, values in rows.frame.columns.items()}
        if rows.labels is not None:
            kinds["label"] = rows.labels.kind
        # The note is written last and names the data's digest, so that a kill between the two leaves the old pair.
        raw = render(rows)
        held = parse(raw, key, kinds)  # what a restart finds holds from now on, not something like it
        data = gzip.compress(raw, 1, mtime=0)
        digest = hashlib.sha256(data).hexdigest()[:16]
        self._write(f"{self._stem(key)}-{digest}.csv.gz", data)
        note = {"key": list(key), "kinds": kinds, "about": about, "data": digest}
        self._write(f"{self._stem(key)}.json", json.dumps(note, indent=1).encode())
        self._drop_old(key, digest)
        return held, about

    def load(self) -> Iterator[tuple[ReferenceRows, dict[str, object]]]:
        """Every reference that is kept, with what the page tells of it. One that cannot be read is logged and left
        out: a collector without it takes events, one that does not start takes none."""
        for name in sorted(os.listdir(self._folder)):
            if name.endswith(".json"):
                try:
                    yield self._read(name)
                except (OSError, ValueError, KeyError, TypeError) as error:
                    _log.error("reference_unreadable file=%s reason=%s", os.path.join(self._folder, name), error)

    def get(self, key: ModelKey) -> ReferenceRows | None:
        """One model version's reference."""
        return next((rows for rows, _ in self.load() if rows.frame.key == key), None)

    def _read(self, name: str) -> tuple[ReferenceRows, dict[str, object]]:
        with open(os.path.join(self._folder, name), encoding="utf-8") as file:
            note: dict[str, Any] = json.load(file)
        stem = name.removesuffix(".json")
        with open(os.path.join(self._folder, f"{stem}-{note['data']}.csv.gz"), "rb") as data:
            return parse(data.read(), ModelKey(*note["key"]), note["kinds"]), note["about"]

    def _stem(self, key: ModelKey) -> str:
        return hashlib.sha256("\0".join(key).encode()).hexdigest()[:16]

    def _write(self, name: str, data: bytes) -> None:
        path = os.path.join(self._folder, name)
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

    def _drop_old(self, key: ModelKey, digest: str) -> None:
        stem = self._stem(key)
        for name in os.listdir(self._folder):
            if name.startswith(stem) and name.endswith(".csv.gz") and name != f"{stem}-{digest}.csv.gz":
                os.remove(os.path.join(self._folder, name))
