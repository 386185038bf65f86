"""Bearer keys ``tsn_<id>_<secret>``: made here, shown once, kept as the SHA-256 of their secret.

A secret is 192 random bits, so that a plain hash is as good as a slow one: there is nothing to guess. The file is one
JSON document below the data folder, replaced whole. A collector looks at it with each request (a stat costs 2 us): a
key that is revoked is refused at once. Where there is a file, even of no key, nobody comes in without one; a running
collector whose file is gone or broken goes on with the keys that it knows.
"""

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tocsin_collector.audit import AuditError
from tocsin_collector.audit.folder import adopt
from tocsin_collector.audit.terminal import record
from tocsin_collector.doors.caller import SCOPES, Caller
from tocsin_schema.block import MAX_NAME
from tocsin_schema.web.protection import stamp

PREFIX = "tsn_"
MAX_KEYS = 10_000
_SHOWN = re.compile(rf"({PREFIX[:-1]}(?:_|%5f)[0-9a-f]+(?:_|%5f))[0-9a-f]+", re.IGNORECASE)
_NO_KEY = hashlib.sha256(os.urandom(32)).hexdigest()


class KeysError(Exception):
    """The keys cannot be read or changed; the message says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key as it is kept; ``project`` None is every project, ``made`` is RFC 3339."""

    id: str
    sha256: str
    scopes: tuple[str, ...]
    project: str | None
    note: str
    made: str

    def caller(self) -> Caller:
        """Who shows it."""
        return Caller(f"key {self.id}", frozenset(self.scopes), self.project)


def path_of(data_dir: str) -> str:
    """The file of a collector's keys."""
    return os.path.join(data_dir, "keys.json")


def load(path: str) -> dict[str, Key]:
    """The keys of a file by id. Raises KeysError, or FileNotFoundError where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            keys = [_key(entry) for entry in json.load(file)["keys"]]
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeysError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeysError(f"{path}: no file of keys: restore it, or make it anew with `tocsin keys make`") from None
    return {key.id: key for key in keys}


def _key(entry: dict[str, Any]) -> Key:
    key = Key(**entry)
    key = replace(key, scopes=tuple(key.scopes))
    texts = (key.id, key.sha256, key.note, key.made, *key.scopes, key.project or "")
    if not all(isinstance(text, str) for text in texts) or len(bytes.fromhex(key.sha256)) != 32:
        raise ValueError
    return key


def make(path: str, scopes: Sequence[str], project: str | None, note: str, now_s: float) -> tuple[Key, str]:
    """A new key, durably, and its text, which nothing here can tell again. Raises KeysError."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise KeysError(f"scopes: one or more of {', '.join(SCOPES)} expected")
    if project is not None and not 0 < len(project) <= MAX_NAME:
        raise KeysError(f"project: 1 to {MAX_NAME} characters expected")
    secret = secrets.token_hex(24)
    made = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with _changing(path) as keys:
        if len(keys) >= MAX_KEYS:
            raise KeysError(f"{path}: there are {MAX_KEYS} keys already: revoke some")
        id = next(found for found in iter(lambda: secrets.token_hex(4), "") if found not in keys)
        keys[id] = Key(id, _hash(secret), tuple(sorted(set(scopes))), project, note, made)
        whose = "all projects" if project is None else f"project {project}"
        _record(path, f"make key {id} for {whose}: {' '.join(keys[id].scopes)}", now_s)
    return keys[id], f"{PREFIX}{id}_{secret}"


def revoke(path: str, id: str, now_s: float) -> Key:
    """Take a key out, durably. Raises KeysError."""
    with _changing(path) as keys:
        if id not in keys:
            raise KeysError(f"{id!r:.80}: no such key; `tocsin keys list` tells which there are")
        _record(path, f"revoke key {id}", now_s)
        return keys.pop(id)


def _record(path: str, what: str, now_s: float) -> None:
    """Before it is done: a change that cannot be put on record is not made."""
    try:
        record(os.path.dirname(path), what, "done", now_s)
    except (AuditError, OSError) as error:
        raise KeysError(f"nothing is changed, since the audit log cannot say so: {error}") from None


@contextlib.contextmanager
def _changing(path: str) -> Iterator[dict[str, Key]]:
    """The keys, written back when the block is left without an exception; one change after the other."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise KeysError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        keys = _load_or_none(path)
        yield keys
        _write(path, keys, folder)
    except OSError as error:
        raise KeysError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        os.close(folder)


def _load_or_none(path: str) -> dict[str, Key]:
    try:
        return load(path)
    except FileNotFoundError:
        return {}


def _write(path: str, keys: dict[str, Key], folder: int) -> None:
    text = json.dumps({"keys": [asdict(key) for key in keys.values()]}, indent=1) + "\n"
    unfinished = path + ".new"
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
        adopt(file.fileno(), folder)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    os.fsync(folder)


class Keyring:
    """The keys of a running collector. ``tell`` is its log. Raises KeysError for a file that is no file of keys."""

    def __init__(self, path: str, tell: Callable[[str], None]) -> None:
        self._path = path
        self._tell = tell
        self._seen = stamp(path)
        self._keys: dict[str, Key] | None = None
        with contextlib.suppress(FileNotFoundError):
            self._keys = load(path)

    @property
    def asked(self) -> bool:
        """Whether a key is needed at all."""
        self._refresh()
        return self._keys is not None

    def caller(self, token: str) -> Caller | None:
        """Who shows a key, None when it is none of ours; in a time that does not tell how nearly right it is."""
        self._refresh()
        id, _, secret = token.removeprefix(PREFIX).partition("_")
        key = (self._keys or {}).get(id) if token.startswith(PREFIX) else None
        same = hmac.compare_digest(_hash(secret), key.sha256 if key else _NO_KEY)
        return key.caller() if key and same else None

    def _refresh(self) -> None:
        now = stamp(self._path)
        if now == self._seen:
            return
        self._seen = now
        try:
            self._keys = load(self._path)
        except (KeysError, FileNotFoundError) as error:
            self._tell(f"keys_refused reason={error}")
            return
        self._tell(f"keys_taken keys={len(self._keys)}")


def masked(text: str) -> str:
    """A text without the secrets of keys that somebody has put into it, as into an address."""
    return _SHOWN.sub(r"\1...", text)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
