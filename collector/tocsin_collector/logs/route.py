"""`POST /v1/logs` takes log records and answers when the store has them; `GET /v1/logs` searches them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.body import Disconnected, Limits, read_body
from tocsin_collector.logs.contract import Found, Logs, StoreError, Taken
from tocsin_collector.logs.otlp import route as otlp
from tocsin_collector.logs.query import QueryError
from tocsin_collector.logs.record import Record, RecordError, record
from tocsin_schema.logrecord import LEVELS

MAX_ROWS = 100_000
_TOLD = 100
_CONTENT_TYPES = (
    "",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json",
    "application/x-protobuf",
    "text/plain",
)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": '{"@timestamp":"2013-12-05T10:00:00Z","message":"request took 31 ms","log.level":"info"}\n',
            },
            "application/json": {"schema": {"type": "object", "description": "OTLP in JSON, with resourceLogs"}},
            "application/x-protobuf": {
                "schema": {
                    "type": "string",
                    "format": "binary",
                    "description": "OTLP's ExportLogsServiceRequest; needs tocsin[otlp]",
                }
            },
        },
    }
}

Rejected = list[dict[str, object]]


def logs_router(
    store: Logs,
    *,
    max_body_bytes: int = 16_777_216,
    max_decompressed_bytes: int = 33_554_432,
    clock: Callable[[], float] = time.time,
) -> APIRouter:
    """The two routes over a store."""
    router = APIRouter(tags=["logs"])
    limits = Limits(max_body_bytes, max_decompressed_bytes)

    @router.post(
        "/v1/logs",
        response_model=None,
        openapi_extra=_BODY,
        summary="Store log records (ndjson of flat ECS fields, or OTLP)",
    )
    async def post_logs(request: Request) -> Response:
        """`{"accepted", "duplicate", "rejected"}`, once the store has every accepted record. 400 when every row
        is refused, 503 while the store does not answer: nothing is lost when the sender tries again. OTLP's requests
        (protobuf, or JSON with `resourceLogs`) get OTLP's answers."""
        content_type = request.headers.get("content-type", "")
        protobuf = otlp.is_protobuf(content_type)
        try:
            _check_type(content_type)
            body = await read_body(request.receive, dict(request.headers.raw), limits)
            if protobuf or content_type.startswith("application/json"):
                told = await otlp.answer(store, body, int(clock() * 1e6), protobuf=protobuf)
                if told is not None:
                    return told
            rows = _rows(body)
        except Refusal as error:
            if protobuf:
                return otlp.failed(error.status, str(error), protobuf=True)
            return _error(error.status, error.code, str(error))
        except Disconnected:
            return _error(400, "disconnected", "the body did not arrive")  # nobody is left to read it
        records, rejected, refused = await run_in_threadpool(parse, rows, int(clock() * 1e6))
        store.counts["rejected"] += refused
        try:
            taken = await asyncio.wrap_future(store.add(records)) if records else Taken(0, 0)
        except StoreError as error:
            return _error(503, "store", str(error), {"Retry-After": "5"})
        answer = {
            "accepted": taken.accepted,
            "duplicate": taken.duplicate,
            "rejected": rejected,
            "rejected_count": refused,
        }
        return JSONResponse(answer, 200 if records else 400)

    @router.get("/v1/logs", summary="Search log records, newest first")
    def get_logs(
        q: Annotated[str, Query(description='words, "phrases", prefix*; all must be there', max_length=1_000)] = "",
        since: Annotated[str, Query(description="RFC 3339, or a span back from now: 90s, 15m, 2h, 7d")] = "",
        until: Annotated[str, Query(description="like since")] = "",
        level: Annotated[str, Query(description="this level and worse: " + ", ".join(LEVELS))] = "",
        host: Annotated[str, Query(max_length=256)] = "",
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        before: Annotated[int | None, Query(description="`next` of the page before", ge=0, lt=1 << 63)] = None,
    ) -> JSONResponse:
        """Records with their fields, the number found (counted to 10,000), and where the next page begins."""
        try:
            bounds = moment(since, clock()), moment(until, clock())
            found = store.search(q, *bounds, level=level, host=host, limit=limit, before=before)
        except QueryError as error:
            return _error(400, "query", str(error))
        except ValueError as error:
            return _error(400, "parameter", str(error))
        except StoreError as error:
            return _error(503, "store", str(error), {"Retry-After": "5"})
        return JSONResponse(_answer(found))

    return router


def parse(rows: Sequence[bytes], received_us: int) -> tuple[list[Record], Rejected, int]:
    """The records of the rows, the first hundred rows that are none with code and reason, and how many are none."""
    records: list[Record] = []
    rejected: Rejected = []
    for row, line in enumerate(rows):
        try:
            records.append(record(line, received_us))
        except RecordError as error:
            if len(rejected) < _TOLD:
                rejected.append({"row": row, "code": error.code, "reason": str(error)})
    return records, rejected, len(rows) - len(records)


def moment(text: str, now: float) -> float | None:
    """Seconds since the Unix epoch of an RFC 3339 time or of a span back from now; None for an empty text.

    Raises ValueError.
    """
    text = text.strip()
    if not text:
        return None
    spans = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
    if text[-1] in spans and text[:-1].isascii() and text[:-1].isdecimal() and len(text) < 12:
        return max(0.0, now - int(text[:-1]) * spans[text[-1]])
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"time {text!r:.60}: 2013-12-05T10:00:00Z or a span like 15m, 2h, 7d expected") from None


def _check_type(content_type: str) -> None:
    if content_type.split(";", maxsplit=1)[0].strip().lower() not in _CONTENT_TYPES:
        raise Refusal(415, "content_type", f"Content-Type {content_type!r:.80}: application/x-ndjson or OTLP expected")


def _rows(body: bytes) -> list[bytes]:
    if body.count(b"\n") > MAX_ROWS:
        raise Refusal(413, "too_many", f"more than {MAX_ROWS} rows in one request")
    rows = [line for line in body.split(b"\n") if line and not line.isspace()]
    if not rows:
        raise Refusal(400, "empty", "the body is empty: one JSON object a line expected")
    return rows


def _answer(found: Found) -> dict[str, object]:
    records = [
        {
            "@timestamp": rfc3339(row.time_s),
            **({"event.id": row.id} if row.id else {}),
            "log.level": row.level,
            "host.name": row.host,
            "service.name": row.service,
            "message": row.message,
            **{name: value for name, value in row.fields.items() if name != "log.level"},
        }
        for row in found.rows
    ]
    return {"total": found.total, "total_capped": found.capped, "next": found.next, "records": records}


def rfc3339(time_s: float) -> str:
    """A time in UTC to the millisecond."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _error(status: int, code: str, reason: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "reason": reason}}, status, headers)
