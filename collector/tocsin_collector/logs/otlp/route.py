"""OTLP's requests to ``POST /v1/logs``: which they are, and what they are told."""

import asyncio
import hashlib
from collections.abc import Iterable

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.logs.contract import Logs, StoreError
from tocsin_collector.logs.otlp import fromjson, fromproto, reply
from tocsin_collector.logs.otlp.entry import Entry, stored
from tocsin_collector.logs.record import Record, RecordError

MAX_RECORDS = 100_000


def is_protobuf(content_type: str) -> bool:
    """Whether a request is OTLP's by its content type alone; in JSON its body has to be looked at."""
    return content_type.partition(";")[0].strip().lower() == fromproto.MEDIA_TYPE


async def answer(store: Logs, body: bytes, received_us: int, *, protobuf: bool) -> Response | None:
    """Store the records of a request and answer as OTLP says. None for a JSON body that is not OTLP's.

    Raises Refusal for a request that is none.
    """
    read = await run_in_threadpool(_read, body, received_us, protobuf)
    if read is None:
        return None
    records, faults = read
    store.counts["rejected"] += len(faults)
    try:
        if records:
            await asyncio.wrap_future(store.add(records))
    except StoreError as error:
        return failed(503, str(error), protobuf=protobuf)
    told = reply.success(len(faults), str(faults[0]) if faults else "", protobuf=protobuf)
    return _response(200, told, protobuf=protobuf)


def failed(status: int, reason: str, *, protobuf: bool) -> Response:
    """The answer to a request of which nothing was taken."""
    response = _response(status, reply.failure(reason, protobuf=protobuf), protobuf=protobuf)
    if status in (429, 503):
        response.headers["Retry-After"] = "5"
    return response


def _read(body: bytes, received_us: int, protobuf: bool) -> tuple[list[Record], list[RecordError]] | None:
    if protobuf:
        return _records(fromproto.entries(fromproto.request(body)), body, received_us)
    document = fromjson.document(body)
    return None if document is None else _records(fromjson.entries(document), body, received_us)


def _records(
    entries: Iterable[Entry | RecordError], body: bytes, received_us: int
) -> tuple[list[Record], list[RecordError]]:
    """OTLP has no ids. A sender that has no answer sends the same bytes again: the digest and a place name a record."""
    digest = hashlib.sha256(body).hexdigest()[:40]
    records: list[Record] = []
    faults: list[RecordError] = []
    for place, entry in enumerate(entries):
        if place >= MAX_RECORDS:
            raise Refusal(413, "too_many", f"more than {MAX_RECORDS} log records in one request")
        try:
            if isinstance(entry, RecordError):
                raise entry
            records.append(stored(entry, f"{digest}-{place}", received_us))
        except RecordError as error:
            faults.append(error)
    return records, faults


def _response(status: int, body: bytes, *, protobuf: bool) -> Response:
    return Response(body, status, media_type=fromproto.MEDIA_TYPE if protobuf else "application/json")
