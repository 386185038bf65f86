"""The collector's own traces, kept where its logs are: a span is a log record that carries its trace id.

What is traced is rare and may be slow: judging a window, taking a reference, recovery. A request's own trace id travels
in its events (``trace_id``) and is searched in the same place.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from tocsin_collector.export.exposition import Sample
from tocsin_collector.logs import Logs, StoreError
from tocsin_collector.logs.record import record

DATASET = "tocsin.trace"
MOST_WAITING = 1_000
_BATCH_S = 1.0
_STORE_S = 5.0
_CLOSE_S = 2.0


class Tracing:
    """Spans into a log store; ``close`` writes what is left."""

    def __init__(self, store: Logs) -> None:
        self._provider = TracerProvider(resource=Resource({"service.name": "tocsin-collector"}), shutdown_on_exit=False)
        self._spans = _ToLogs(store)
        self._provider.add_span_processor(self._spans)
        self._tracer = self._provider.get_tracer("tocsin_collector")

    @contextmanager
    def span(self, name: str, **attributes: str | int) -> Iterator[None]:
        """Time what happens inside; an exception is told in the span and goes on."""
        with self._tracer.start_as_current_span(name, attributes=attributes):
            yield

    def samples(self) -> Iterator[Sample]:
        """The metrics of the spans' way."""
        yield Sample("tocsin_trace_spans_dropped_total", {}, self._spans.dropped)

    def close(self) -> None:
        """Write the spans that wait, before the store is closed."""
        self._provider.shutdown()


class _ToLogs(SpanProcessor):
    """Spans that ended, a bounded number of them, until the store has them; its thread tries again while it is away.

    A span's record has the span's id, so that what is sent twice is one.
    """

    def __init__(self, store: Logs) -> None:
        self.dropped = 0
        self._store = store
        self._waiting: deque[ReadableSpan] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def on_end(self, span: ReadableSpan) -> None:
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(span)
        else:
            self.dropped += 1

    def shutdown(self) -> None:
        self._closing.set()
        self._thread.join(_CLOSE_S + _STORE_S)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        del timeout_millis
        return not self._waiting

    def _run(self) -> None:
        while not self._closing.wait(_BATCH_S):
            self._send(_STORE_S)
        self._send(_CLOSE_S)
        self.dropped += len(self._waiting)
        self._waiting.clear()

    def _send(self, limit_s: float) -> None:
        spans = list(self._waiting)
        now_us = int(time.time() * 1e6)
        try:
            if spans:
                self._store.add([record(_line(span), now_us) for span in spans]).result(limit_s)
        except (StoreError, TimeoutError):
            return  # they stay for the next turn
        for _ in spans:
            self._waiting.popleft()


def _line(span: ReadableSpan) -> bytes:
    context, start, end = span.get_span_context(), span.start_time or 0, span.end_time or 0
    failed = span.status.status_code is StatusCode.ERROR
    told = " ".join(f"{name}={value!s}" for name, value in (span.attributes or {}).items())
    fields = {
        "@timestamp": datetime.fromtimestamp(start / 1e9, UTC).isoformat(),
        "message": f"{span.name} {told} duration_ms={(end - start) / 1e6:.1f}",
        "event.dataset": DATASET,
        "event.duration": end - start,
        "service.name": "tocsin-collector",
        "log.level": "error" if failed else "info",
    }
    if context is not None:
        fields |= {"trace.id": format_trace_id(context.trace_id), "span.id": format_span_id(context.span_id)}
        fields["event.id"] = f"{context.trace_id:032x}{context.span_id:016x}"
    return json.dumps(fields).encode()
