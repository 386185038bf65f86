"""Features that must not be stored: left out, or told by a pseudonym, before anything of them reaches the disk.

A pseudonym is 64 bits of BLAKE2b under a key of the data folder: the same text has the same one for as long as the key
stays, so that drift in it is still seen, and nobody without the key can try texts out. It is told from other texts by
its form and never changed again: rows that are sent a second time, or become a reference, keep theirs. Of a number it
would say nothing to a window and much to who guesses, so a number to be hashed is left out.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np

from tocsin_collector import wholefile
from tocsin_collector.frame import Frame, Values
from tocsin_collector.verdict import CATEGORY
from tocsin_schema.block import Block, Column, column

KEY_BYTES = 32
_PSEUDONYM = re.compile("p-[0-9a-f]{16}")
_BOOLEANS = ["false", "true"]
T = TypeVar("T")


class Redaction:
    """What is done to the features of every model: some are dropped, some hashed under ``key``."""

    def __init__(self, dropped: Iterable[str] = (), hashed: Iterable[str] = (), key: bytes = b"") -> None:
        self._dropped = {f"feature.{name}" for name in dropped}
        self._hashed = {f"feature.{name}" for name in hashed} - self._dropped
        self._names = self._dropped | self._hashed
        self._state = hashlib.blake2b(digest_size=8, key=key)

    def block(self, block: Block) -> Block:
        """A block as it may be stored; the same one when nothing of it is concerned."""
        columns = self._changed(block.columns, self._column) if self._names else None
        if columns is None:
            return block
        return Block(
            block.type,
            project=block.project,
            model=block.model,
            version=block.version,
            rows=block.rows,
            producer=block.producer,
            sequence=block.sequence,
            columns=columns,
        )

    def frame(self, frame: Frame) -> Frame:
        """The same for rows that came as a table, a reference's."""
        columns = self._changed(frame.columns, self._values)
        return frame if columns is None else Frame(frame.type, frame.key, frame.time_us, frame.ids, columns)

    def _changed(self, columns: dict[str, T], pseudonyms: Callable[[T], T | None]) -> dict[str, T] | None:
        if not self._names & columns.keys():
            return None
        found = {name: pseudonyms(item) if name in self._hashed else item for name, item in columns.items()}
        return {name: item for name, item in found.items() if item is not None and name not in self._dropped}

    def _column(self, item: Column) -> Column | None:
        if item.dtype == "dict":
            return Column(item.name, "dict", item.data, valid=item.valid, values=self._pseudonyms(item.values or []))
        if item.dtype == "bool":
            codes = np.frombuffer(item.data, np.uint8).astype("<u4").tobytes()
            return Column(item.name, "dict", codes, valid=item.valid, values=self._pseudonyms(_BOOLEANS))
        if item.dtype != "str":
            return None
        texts: list[object] = [None if text is None else self._pseudonyms([str(text)])[0] for text in item.to_list()]
        return column(item.name, texts, "dict")

    def _values(self, values: Values) -> Values | None:
        if values.kind != CATEGORY:
            return None
        return Values(CATEGORY, values.data, values.valid, self._pseudonyms(values.names))

    def _pseudonyms(self, texts: list[str]) -> list[str]:
        return [text if _PSEUDONYM.fullmatch(text) else self._pseudonym(text) for text in texts]

    def _pseudonym(self, text: str) -> str:
        state = self._state.copy()
        state.update(text.encode())
        return f"p-{state.hexdigest()}"


def key_of(folder: Path) -> bytes:
    """The key of a data folder's pseudonyms; drawn at the first call."""
    path = folder / "pseudonyms.key"
    if not path.exists():
        wholefile.replace(str(path), os.urandom(KEY_BYTES), ".part", 0o600)
    return path.read_bytes()
