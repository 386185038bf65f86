"""The collector's own traces, kept where its logs are: a span is a log record that carries its trace id.

What is traced is rare and may be slow: judging a window, taking a reference, recovery. A request's own trace id travels
in its events (``trace_id``) and is searched in the same place.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from tocsin_collector.logs import LogStore, StoreError
from tocsin_collector.logs.record import record

DATASET = "tocsin.trace"


class Tracing:
    """Spans into a log store; ``close`` writes what is left."""

    def __init__(self, store: LogStore) -> None:
        self._provider = TracerProvider(resource=Resource({"service.name": "tocsin-collector"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_ToLogs(store), schedule_delay_millis=1_000))
        self._tracer = self._provider.get_tracer("tocsin_collector")

    @contextmanager
    def span(self, name: str, **attributes: str | int) -> Iterator[None]:
        """Time what happens inside; an exception is told in the span and goes on."""
        with self._tracer.start_as_current_span(name, attributes=attributes):
            yield

    def close(self) -> None:
        """Write the spans that wait, before the store is closed."""
        self._provider.shutdown()


class _ToLogs(SpanExporter):
    def __init__(self, store: LogStore) -> None:
        self._store = store

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        now_us = int(time.time() * 1e6)
        try:
            self._store.add([record(_line(span), now_us) for span in spans]).result(timeout=10)
        except (StoreError, TimeoutError):
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS


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
