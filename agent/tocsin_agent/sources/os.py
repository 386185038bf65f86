"""The operating system's name and version, from /etc/os-release (os-release(5)), read when the file has changed."""

import os

from tocsin_agent.exposition import family
from tocsin_agent.kernelfile import text
from tocsin_schema.metrics.os import INFO, LABELS, METRICS, SUPPORT_END, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

PLACES = ("/etc/os-release", "/usr/lib/os-release")
ESCAPED = '"$\\`'


def parse(release: str) -> dict[str, str]:
    """The fields of os-release; what is no assignment is left out."""
    found = {}
    for line in release.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name and not name.startswith("#"):
            found[name.strip()] = unquote(value.strip())
    return found


def unquote(value: str) -> str:
    """A value as a shell would take it: one word, perhaps in quotes."""
    quote = value[:1]
    if quote not in ("'", '"') or len(value) < 2 or not value.endswith(quote):
        return value
    value = value[1:-1]
    if quote == '"':
        for character in ESCAPED:
            value = value.replace("\\" + character, character)
    return value


def major_minor(version: str) -> float:
    """The beginning of a version that is a number, 0 without one: ``20.04.2`` is 20.04."""
    major, _, rest = version.partition(".")
    minor = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    if not major.isdecimal():
        major, minor = major[: len(major) - len(major.lstrip("0123456789"))], ""
    return float(f"{major or 0}.{minor or 0}")


def seconds(date: str) -> int | None:
    """A day, ``2030-05-31``, as seconds since 1970; None for anything else."""
    parts = date.split("-")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return None
    year, month, day = map(int, parts)
    if not (1970 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    # timegm without calendar: the days of the civil calendar, counted from March.
    year -= month <= 2
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return 86_400 * (year * 365 + year // 4 - year // 100 + year // 400 + of_year - 719_468)


def render(fields: dict[str, str]) -> bytes:
    """The families of one os-release."""
    labels = {label: fields.get(label.upper(), "") for label in LABELS}
    version = major_minor(labels["version_id"])
    end = seconds(fields.get("SUPPORT_END", ""))
    known = {label: labels[label] for label in VERSION.labels}
    return (
        family(INFO, [(labels, 1)])
        + family(VERSION, [(known, version)] if version > 0 else [])
        + family(SUPPORT_END, [] if end is None else [({}, end)])
    )


class Os:
    """``node_os_*``; b"" on a host without the file."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._root = str(values["rootfs"]).rstrip("/")
        self._key: tuple[str, int, int] | None = None
        self._text = b""

    def read(self) -> bytes:
        """One look at the file's age."""
        key = self._newest()
        if key != self._key:
            self._text = render(parse(text(key[0]))) if key else b""
            self._key = key
        return self._text

    def _newest(self) -> tuple[str, int, int] | None:
        for place in PLACES:
            try:
                found = os.stat(self._root + place)
            except OSError:
                continue
            return self._root + place, found.st_mtime_ns, found.st_ino
        return None

    def close(self) -> None:
        """Nothing is kept open."""


SOURCE = Os
