"""Where agents are: from the configuration, and from a file with one agent a line, read again when it changes."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


class AddressError(ValueError):
    """A text names no agent; the message says what would."""


@dataclass(frozen=True, slots=True)
class Address:
    """One agent: ``text`` as people wrote it, and what to connect to."""

    text: str
    host: str
    port: int
    path: str
    tls: bool


def address(text: str) -> Address:
    """The address in ``http://host:port``, ``host:port`` or a full URL. Raises AddressError."""
    try:
        parts = urlsplit(text if "://" in text else "http://" + text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"{text!r:.200} is no address of an agent ({error}): http://host:port expected") from None
    if parts.scheme not in ("http", "https") or not host or not text.isprintable() or " " in text:
        raise AddressError(f"{text!r:.200} is no address of an agent: http://host:port expected")
    tls = parts.scheme == "https"
    path = (parts.path if parts.path not in ("", "/") else "/metrics") + (f"?{parts.query}" if parts.query else "")
    return Address(text, host, port or (443 if tls else 80), path, tls)


class AddressList:
    """The agents of the configuration and of a file. ``read`` looks at the file again when it has changed.

    A file that cannot be read leaves the last list standing and its fault in ``fault``; lines that are no addresses are
    in ``refused`` with their reason.
    """

    def __init__(self, configured: Sequence[str], file: str = "") -> None:
        self._configured = list(configured)
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._lines: list[str] = []
        self.fault = ""
        self.refused: dict[str, str] = {}

    def read(self) -> list[Address]:
        """Every agent once, those of the configuration first."""
        if self._file:
            self._read_file()
        found: dict[str, Address] = {}
        self.refused = {}
        for text in self._configured + self._lines:
            try:
                found.setdefault(text, address(text))
            except AddressError as error:
                self.refused[text] = str(error)
        return list(found.values())

    def _read_file(self) -> None:
        try:
            status = os.stat(self._file)
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            if stamp != self._stamp:
                with open(self._file, encoding="utf-8", errors="replace") as file:
                    lines = [line.split("#", 1)[0].strip() for line in file]
                self._lines, self._stamp = [line for line in lines if line], stamp
            self.fault = ""
        except OSError as error:
            self.fault = f"agents_file {self._file}: cannot be read: {error.strerror}"
