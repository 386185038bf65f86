"""A record as the lines of a bulk request, in three forms: as it is, repaired, and as a dead letter.

1. as it is: our fields, then the sender's own beside them, spliced in as the JSON text that they are;
2. repaired, when the mapping refuses the first: our fields, and the sender's own as texts below `labels`;
3. a dead letter, when even that is refused: the record as one text, with the reason and where it should have gone.

All three have the record's id, so that what is sent again is found to be there.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as text

from tocsin_collector.logs.elasticsearch.stream import Stream
from tocsin_collector.logs.record import ORDER, Record, visible
from tocsin_schema.logrecord import LEVELS

_LONGEST_NAME = 256
_KNOWN: dict[str, type] = {
    "event.dataset": str, "event.duration": int, "log.level": str, "log.file.path": str, "log.offset": int,
    "log.flags": str, "trace.id": str, "span.id": str,
}  # fmt: skip
"""Fields that keep their own names when a document is repaired, as long as they have the type of the mapping."""


def as_it_is(record: Record, id_: str, stream: Stream, order: int) -> str:
    """The two lines of a record as it came."""
    return f"{_action(id_, stream)}{{{_own(record, stream, order)}{_after(record.fields[1:-1])}}}\n"


def repaired(record: Record, id_: str, stream: Stream, order: int) -> str:
    """The two lines with everything that is not ours as texts below `labels`."""
    fields = json.loads(record.fields)
    kept = {name: fields.pop(name) for name, kind in _KNOWN.items() if type(fields.get(name)) is kind}
    labels: dict[str, str] = {}
    for name, value in fields.items():
        labels[_label(name, labels)] = value if isinstance(value, str) else json.dumps(value)
    rest = json.dumps({**kept, "labels": {name: visible(value) for name, value in labels.items()}})
    return f"{_action(id_, stream)}{{{_own(record, stream, order)}{_after(rest[1:-1])}}}\n"


def dead_letter(record: Record, id_: str, stream: Stream, dead: Stream, order: int, reason: str, now_us: int) -> str:
    """The two lines of what ``stream`` refused, for the data stream of dead letters."""
    letter = {
        "@timestamp": timestamp(now_us),
        "message": f"dead letter: {stream.name} refused a record: {visible(reason)}",
        "log.level": "error",
        "event.dataset": dead.dataset,
        "event.original": f"{{{_own(record, stream, order)}{_after(record.fields[1:-1])}}}",
        "error.message": visible(reason),
        "tocsin.stream": stream.name,
        ORDER: order,
        **_data_stream(dead),
        **({"host.name": record.host} if record.host else {}),
        **({"service.name": record.service} if record.service else {}),
    }
    return f"{_action(id_, dead)}{json.dumps(letter)}\n"


def timestamp(time_us: int) -> str:
    """A time in UTC to the microsecond, RFC 3339."""
    seconds, rest = divmod(time_us, 1_000_000)
    return f"{_second(seconds)}.{rest:06d}Z"


# The records of a batch share their seconds, their hosts and their streams: what is the same is made once.


@lru_cache(4_096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(1_024)
def _action_of(stream: Stream) -> str:
    # A data stream takes `create` only; the id makes it refuse what it has.
    return f'{{"create":{{"_index":"{stream.name}","_id":'


def _action(id_: str, stream: Stream) -> str:
    return f"{_action_of(stream)}{text(id_)}}}}}\n"


def _own(record: Record, stream: Stream, order: int) -> str:
    """The members that we write, in a record's every form."""
    told = _who(stream, record.level, record.host, record.service)
    return f'"@timestamp":"{timestamp(record.time_us)}","message":{text(record.message)},"{ORDER}":{order}{told}'


@lru_cache(4_096)
def _who(stream: Stream, level: int | None, host: str, service: str) -> str:
    named = {"log.level": LEVELS[level] if level is not None else "", "host.name": host, "service.name": service}
    members = {name: value for name, value in named.items() if value} | _data_stream(stream)
    return "".join(f",{text(name)}:{text(value)}" for name, value in members.items())


def _data_stream(stream: Stream) -> dict[str, str]:
    return {
        "data_stream.type": "logs",
        "data_stream.dataset": stream.dataset,
        "data_stream.namespace": stream.namespace,
    }


def _after(members: str) -> str:
    return "," + members if members else ""


def _label(name: str, taken: dict[str, str]) -> str:
    """A label's key: ECS has no dots in it, Lucene no endless ones."""
    key = visible(name).replace(".", "_")[:_LONGEST_NAME].strip() or "_"
    while key in taken:
        key += "_"
    return key
