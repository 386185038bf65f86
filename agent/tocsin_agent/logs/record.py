"""A line as a log record: one flat ECS document, one JSON object ended by a newline (``tocsin_schema.logrecord``).

A line that is a JSON object keeps its fields, nested or dotted; message, time, level and trace id are taken over under
their ECS names. Anything else is a plain line.
"""

import json
import time
from json.encoder import encode_basestring
from math import isfinite

from tocsin_agent.logs.level import NAMES, guess
from tocsin_agent.logs.timestamp import leading, plausible, rfc3339
from tocsin_schema.logrecord import line_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.logs.lines import Line

MESSAGE = ("message", "msg")
TIME = ("@timestamp", "timestamp", "time", "ts")
LEVEL = ("log.level", "level", "severity")
TRACE = ("trace.id", "trace_id")
OURS = (
    "@timestamp", "message", "log.level", "trace.id", "event.id", "event.dataset", "data_stream.namespace", "host.name",
    "log.file.path", "log.offset", "log.flags",
)  # fmt: skip
"""What a line cannot say of itself, or has said: a name stands once in a record."""

MAX_FIELDS, MAX_DEPTH = 200, 16
"""Beyond this a JSON object is shipped as a plain line; a collector would refuse it."""


class Records:
    """Renders the records of one host: what never changes is escaped once."""

    def __init__(self, *, host: str, dataset: str, namespace: str, service: str) -> None:
        fixed = {"event.dataset": dataset, "data_stream.namespace": namespace, "host.name": host}
        self._fixed = b",".join(b'"%b":%b' % (name.encode(), text(value)) for name, value in fixed.items())
        self._service = service

    def render(self, line: "Line", key: str, path: bytes) -> bytes:
        """One record. ``path`` is the file's, as ``text`` gives it."""
        own = b'"event.id":"%b",%b,"log.file.path":%b,"log.offset":%d' % (
            line_id(key, line.offset, line.data).encode(), self._fixed, path, line.offset,
        )  # fmt: skip
        if line.cut:
            own += b',"log.flags":"truncated"'
        fields = _object(line.data) if line.data[:1] == b"{" else None
        return self._plain(line.data, own) if fields is None else self._structured(line.data, fields, own)

    def _plain(self, data: bytes, own: bytes) -> bytes:
        level = guess(data)
        if level:
            own += b',"log.level":"%b"' % level
        if self._service:
            own += b',"service.name":%b' % text(self._service)
        when = leading(data) or rfc3339(time.time())
        return b'{"@timestamp":"%b","message":%b,%b}\n' % (when, _message(data), own)

    def _structured(self, data: bytes, fields: dict[str, object], own: bytes) -> bytes:
        stamp = _take(fields, TIME)
        when = _time(stamp)
        message = _take(fields, MESSAGE)
        level = _take(fields, LEVEL)
        name = NAMES.get(level.lower().encode("utf-8", "replace")) if isinstance(level, str) else None
        if name:
            own += b',"log.level":"%b"' % name
        trace = _take(fields, TRACE)
        if isinstance(trace, str) and len(trace) == 32:
            own += b',"trace.id":%b' % json.dumps(trace).encode()
        for field in OURS:
            _drop(fields, field)
        # What was not understood is kept as it came.
        if level is not None and not name:
            fields["level"] = level
        if stamp is not None and not when:
            fields["timestamp"] = stamp
        if self._service and not _has(fields, "service.name"):
            own += b',"service.name":%b' % text(self._service)
        fields = {name: value for name, value in fields.items() if value != {}}
        shown = json.dumps(message).encode() if isinstance(message, str) else _message(data)
        rest = b"," + json.dumps(fields, separators=(",", ":")).encode()[1:-1] if fields else b""
        return b'{"@timestamp":"%b","message":%b,%b%b}\n' % (when or rfc3339(time.time()), shown, own, rest)


def text(value: str) -> bytes:
    """A JSON string; what UTF-8 cannot say (a file name's stray bytes) becomes ``?``."""
    return encode_basestring(value.encode("utf-8", "replace").decode()).encode()


def _message(data: bytes) -> bytes:
    return encode_basestring(data.decode("utf-8", "replace")).encode()


def _object(data: bytes) -> dict[str, object] | None:
    """The JSON object of a line, None when it is none, is none that JSON can say again, or is too deep or wide."""
    try:
        found = json.loads(data.decode("utf-8", "replace"), parse_constant=_refuse)
        return found if isinstance(found, dict) and _size(found, 0) <= MAX_FIELDS else None
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _size(tree: object, depth: int) -> int:
    """How many values an object holds. Raises ValueError when it is too deep, or a number is infinite."""
    if depth > MAX_DEPTH:
        raise ValueError("too deep")
    if isinstance(tree, dict):
        return sum(_size(inner, depth + 1) for inner in tree.values())
    if isinstance(tree, list):
        for inner in tree:
            _size(inner, depth + 1)
    elif isinstance(tree, float) and not isfinite(tree):  # 1e999, which JSON cannot say again
        raise ValueError("infinite")
    return 1


def _take(fields: dict[str, object], names: tuple[str, ...]) -> object:
    """The first value that stands under one of the names, dotted or nested, and is not null; it is taken out."""
    for name in names:
        holder, last = _holder(fields, name)
        if holder is not None and holder[last] is not None:
            return holder.pop(last)
    return None


def _drop(fields: dict[str, object], name: str) -> None:
    holder, last = _holder(fields, name)
    while holder is not None:
        del holder[last]
        holder, last = _holder(fields, name)


def _has(fields: dict[str, object], name: str) -> bool:
    return _holder(fields, name)[0] is not None


def _holder(fields: dict[str, object], name: str) -> tuple[dict[str, object] | None, str]:
    if name in fields:
        return fields, name
    head, _, rest = name.partition(".")
    inner = fields.get(head)
    return _holder(inner, rest) if rest and isinstance(inner, dict) else (None, name)


def _time(value: object) -> bytes | None:
    if isinstance(value, str):
        return leading(value.encode("utf-8", "replace"))
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e13:
        seconds = value / 1000 if value > 1e11 else value  # milliseconds, as pino writes them
        return rfc3339(seconds) if plausible(seconds) else None
    return None
