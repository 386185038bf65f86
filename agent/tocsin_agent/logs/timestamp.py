"""The time that a line begins with, when it is ISO 8601.

``2026-11-23T10:00:00.123Z``, ``2026-11-23 10:00:00,123`` (Python's logging), ``[2026-11-23 10:00:00 +0100]``.
A time without a zone is the host's local time.
"""

import time
from functools import lru_cache

FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Years that a collector takes; another one is taken for garbage."""


def leading(line: bytes) -> bytes | None:
    """The time at the start of a line as RFC 3339 in UTC, None when there is none that could be true."""
    text = line[1:41] if line[:1] == b"[" else line[:40]
    if text[4:5] != b"-" or text[7:8] != b"-" or text[10:11] not in b"T " or text[13:14] != b":" or text[16:17] != b":":
        return None
    rest = text[19:]
    digits = b""
    if rest[:1] in (b".", b","):
        after = rest[1:].lstrip(b"0123456789")
        digits, rest = rest[1 : len(rest) - len(after)], after
    second = _second(text[:19], _zone(rest))
    if second is None:
        return None
    return b"%b.%bZ" % (second, digits[:6]) if digits else second + b"Z"


def rfc3339(seconds: float) -> bytes:
    """Unix time as RFC 3339 in UTC, to the millisecond."""
    return b"%b.%03dZ" % (_render(int(seconds)), int(seconds * 1000) % 1000)


def plausible(seconds: float) -> bool:
    """Whether a Unix time lies in the years that a collector takes (not for NaN)."""
    return 0 <= seconds < 7_258_118_400


def _zone(rest: bytes) -> bytes:
    """``Z``, ``+0100``, ``-0330``, or b"" for none."""
    rest = rest.removeprefix(b" ")
    if rest[:1] == b"Z":
        return b"Z"
    digits = rest[1:6].replace(b":", b"")[:4]
    return rest[:1] + digits if rest[:1] in (b"+", b"-") and len(digits) == 4 and digits.isdigit() else b""


@lru_cache(64)
def _second(text: bytes, zone: bytes) -> bytes | None:
    """The whole second in UTC, without its zone. Lines of one second share the work."""
    fields = (text[:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:19])
    if not all(field.isdigit() for field in fields):
        return None
    year, month, day, hour, minute, second = map(int, fields)
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        return None
    days = days_since_1970(year, month, day)
    if day < 1 or days >= days_since_1970(year + month // 12, month % 12 + 1, 1):
        return None
    seconds = days * 86_400 + hour * 3_600 + minute * 60 + second
    if zone in (b"", b"Z"):
        return _render(seconds if zone else _local(year, month, day, hour, minute, second))
    offset = int(zone[1:3]) * 3_600 + int(zone[3:5]) * 60
    seconds += offset if zone[:1] == b"-" else -offset
    return _render(seconds) if plausible(seconds) else None


def days_since_1970(year: int, month: int, day: int) -> int:
    """Days of the Gregorian calendar, counted from March so that the leap day comes last."""
    year, month = (year - 1, month + 12) if month < 3 else (year, month)
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day - 719_469


def _local(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    return int(time.mktime((year, month, day, hour, minute, second, 0, 0, -1)))


def _render(seconds: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode()
