"""One line of ndjson into one log record. Every way to be wrong has a code and a reason; none touches its
neighbours."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime

from tocsin_collector.ingest.jsonsize import too_many_values
from tocsin_schema.logrecord import LEVELS, MAX_ID, MAX_MESSAGE

MAX_FIELDS = 256
MAX_DEPTH = 32
MAX_FIELDS_BYTES = 65_536
ORDER = "tocsin.order"
"""The field of a stored document that says its place among all."""
LATEST_S = 7_258_118_400  # the year 2200; SQLite's row ids order records until 2248

_LEVEL_NAMES = {name: level for level, name in enumerate(LEVELS)} | {
    "trace": 0, "notice": 1, "warn": 2, "err": 3,
    "fatal": 4, "crit": 4, "alert": 4, "emerg": 4, "emergency": 4, "panic": 4,
}  # fmt: skip
_OWN = (
    "@timestamp", "message", "event.id", "log.level", "host.name", "service.name",
    "data_stream.type", "data_stream.dataset", "data_stream.namespace", ORDER,
)  # fmt: skip
"""What does not stay among the fields: it has its place in a record, or says where a record goes."""
# Control bytes would reach terminals and pages: they are kept as their pictures (ESC as U+241B); C1 has none.
_VISIBLE = {code: 0x2400 + code for code in range(32) if code not in (9, 10)} | {0x7F: 0x2421}
_VISIBLE |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
_VISIBLE |= dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)


class RecordError(ValueError):
    """A row that is no log record. ``code`` is stable, the message says what would be right."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Record:
    """A log record as the store keeps it. ``level`` is an index of LEVELS; ``fields`` are the others, flat, as JSON.

    ``dataset`` and ``namespace`` are as the sender named them, empty where it did not.
    """

    id: str | None
    time_us: int
    level: int | None
    host: str
    service: str
    message: str
    fields: str
    dataset: str = ""
    namespace: str = ""


def record(line: bytes, received_us: int) -> Record:
    """The record of one line. Raises RecordError.

    Nested objects become dotted names. A record without ``@timestamp`` gets the time of its receipt, one without
    ``event.id`` cannot be told from a second copy of itself and is always kept.
    """
    return record_of(_object(line), received_us)


def record_of(tree: dict[str, object], received_us: int) -> Record:
    """The record of decoded fields, nested or dotted. Raises RecordError."""
    fields = _flat(tree)
    message = fields.get("message")
    if not isinstance(message, str):
        raise RecordError("message", "the field message is missing or no text")
    rest = {name: value for name, value in fields.items() if name not in _OWN}
    if len(message) > MAX_MESSAGE:
        rest["tocsin.message_length"] = len(message)
        message = message[:MAX_MESSAGE]
    level = _text(fields.get("log.level")).lower()
    if level and level not in _LEVEL_NAMES:
        rest["log.level"] = level
    return Record(
        id=_id(fields.get("event.id")),
        time_us=_time_us(fields.get("@timestamp"), received_us),
        level=_LEVEL_NAMES.get(level),
        host=_text(fields.get("host.name"))[:256],
        service=_text(fields.get("service.name"))[:256],
        message=message.translate(_VISIBLE),
        fields=_rest(rest),
        dataset=_text(fields.get("event.dataset"))[:256],
        namespace=_text(fields.get("data_stream.namespace"))[:256],
    )


def visible(text: str) -> str:
    """The text with control characters as pictures and what is no character replaced."""
    return text.translate(_VISIBLE)


def _object(line: bytes) -> dict[str, object]:
    if too_many_values(line):
        raise RecordError("fields", f"more than {MAX_FIELDS} fields")
    try:
        found = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise RecordError("utf8", f"byte {error.start} of the line is no UTF-8") from None
    except RecursionError:
        raise RecordError("depth", f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise RecordError("json", f"no JSON: {error!s:.120}") from None
    if not isinstance(found, dict):
        raise RecordError("object", "one JSON object a line expected")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _flat(tree: dict[str, object]) -> dict[str, object]:
    """Dotted names; a name that stands twice, nested and dotted, keeps the first."""
    found: dict[str, object] = {}
    waiting: list[tuple[str, object, int]] = [("", tree, 0)]
    while waiting:
        name, value, depth = waiting.pop()
        if isinstance(value, dict) and value:
            if depth >= MAX_DEPTH:
                raise RecordError("depth", f"nested deeper than {MAX_DEPTH} levels")
            prefix = name + "." if depth else ""
            waiting.extend((prefix + str(key), inner, depth + 1) for key, inner in reversed(value.items()))
        else:
            found.setdefault(name, value)
        if len(found) + len(waiting) > MAX_FIELDS:
            raise RecordError("fields", f"more than {MAX_FIELDS} fields")
    return found


def _id(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        raise RecordError("id", f"event.id: text of 1 to {MAX_ID} characters expected")
    return value.translate(_VISIBLE)


def _text(value: object) -> str:
    return value.translate(_VISIBLE) if isinstance(value, str) else ""


def _time_us(value: object, received_us: int) -> int:
    if value is None:
        return received_us
    try:
        seconds = _seconds(value)
    except (ValueError, OverflowError):
        raise RecordError("timestamp", f"@timestamp {value!r:.60}: a time like 2013-12-05T10:00:00Z expected") from None
    if not 0 <= seconds < LATEST_S:
        raise RecordError("timestamp", f"@timestamp {value!r:.60}: from 1970 to 2199 expected")
    return round(seconds * 1e6)


def _seconds(value: object) -> float:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if type(value) in (int, float) and math.isfinite(value):  # type: ignore[arg-type]
        return float(value) / 1000 if value > 1e11 else float(value)  # type: ignore[arg-type,operator]  # ECS: ms
    raise ValueError("no time")


def _rest(fields: dict[str, object]) -> str:
    try:
        text = json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
    except (RecursionError, ValueError):
        raise RecordError("depth", f"nested deeper than {MAX_DEPTH} levels") from None
    if len(text) > MAX_FIELDS_BYTES:
        raise RecordError("fields", f"fields of {len(text)} bytes, at most {MAX_FIELDS_BYTES} beside the message")
    return text
