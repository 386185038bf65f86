"""Times of events: RFC 3339 text to microseconds since the Unix epoch, and the years that an event may have."""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FORM = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(?:[Zz]|([+-]\d\d:\d\d))", re.ASCII)

EARLIEST_US = 0
LATEST_US = (datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


def parse(text: str) -> int:
    """Microseconds since the epoch; digits past the sixth are dropped. Raises ValueError."""
    if len(text) != 20 or text[4::3] != "--T::Z":
        return _parse(text)
    try:
        return int(datetime.fromisoformat(text).timestamp()) * 1_000_000
    except ValueError:
        return _parse(text)


def _parse(text: str) -> int:
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("RFC 3339 is needed, as in 2026-11-23T10:00:00Z")
    day, clock, fraction, offset = found.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}{offset or '+00:00'}")
    return (moment - _EPOCH) // _MICROSECOND + int((fraction or "0").ljust(6, "0"))


def text(time_us: int) -> str:
    """A time within the years 1970 to 2200 in RFC 3339."""
    return (_EPOCH + timedelta(microseconds=time_us)).isoformat().replace("+00:00", "Z")
