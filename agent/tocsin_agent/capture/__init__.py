"""Capture inside the serving process: requests, predictions, labels and outcomes; nothing fails or blocks a request.

::

    from tocsin_agent.capture import Capture

    capture = Capture(model="flights", version="1", project="demo")
    app = capture.asgi(app)

Metrics leave by one memory-mapped file a worker in ``TOCSIN_RUNTIME_DIR``, events by a background thread to
``TOCSIN_ENDPOINT``; without both, every call returns at once. ``docs/how-to/capture.md`` tells more.
"""

import os
from time import time as now_s

from tocsin_agent.capture.asgi import current, middleware
from tocsin_agent.capture.events import Events
from tocsin_agent.capture.ids import make as make_id
from tocsin_agent.capture.rows import MAX_ROWS
from tocsin_agent.capture.series import Series
from tocsin_agent.capture.singles import COLUMNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from typing import Any, TypeVar

    from tocsin_agent.capture.asgi import App
    from tocsin_agent.capture.rows import Waiting
    from tocsin_agent.capture.worker import Worker

    F = TypeVar("F", bound=Callable[..., Any])
    Time = float | datetime | None

__all__ = ["Capture"]

MAX_NAME = 256


class Capture:
    """One version of one model in this process.

    ``endpoint`` is the agent's or the collector's address (default: ``TOCSIN_ENDPOINT``), ``runtime_dir`` the folder of
    the metrics files (default: ``TOCSIN_RUNTIME_DIR``). Raises ValueError for a name that is no text of at most 256
    characters; after that no method raises or waits, except ``flush`` and ``close``, for at most their timeout.
    ``receipt_keys_file`` holds the project's key for receipts (default: ``TOCSIN_RECEIPT_KEYS_FILE``).
    """

    def __init__(
        self,
        model: str,
        version: str = "",
        project: str = "default",
        *,
        endpoint: str | None = None,
        runtime_dir: str | None = None,
        receipt_keys_file: str | None = None,
    ) -> None:
        for what, name in (("model", model), ("version", version), ("project", project)):
            _check(what, name)
        endpoint = _address(os.environ.get("TOCSIN_ENDPOINT", "") if endpoint is None else endpoint)
        runtime_dir = os.environ.get("TOCSIN_RUNTIME_DIR", "") if runtime_dir is None else runtime_dir
        self._series = Series(project, model, version)
        self._events = Events(project, model, version)
        self._predictions = self._events.waiting["prediction"]
        self._names = (project, model, version)
        self._keys_file = receipt_keys_file or os.environ.get("TOCSIN_RECEIPT_KEYS_FILE", "")
        self._key = b""
        self._worker: Worker | None = None
        if endpoint or runtime_dir:
            from tocsin_agent.capture.worker import join

            self._worker = join(endpoint, runtime_dir, self._series, self._events)
        self._sender = self._worker if endpoint else None

    def asgi(self, app: "App") -> "App":
        """``app`` with its requests observed: duration, time to the first byte, status, route."""
        return app if self._worker is None else middleware(app, self._series, self._worker)

    def watch(
        self,
        features: "Callable[..., Mapping[str, object]] | None" = None,
        prediction: "Callable[[Any], object] | None" = None,
    ) -> "Callable[[F], F]":
        """A decorator for a function, sync or async: its duration and outcome are observed.

        ``features(*args, **kwargs)`` with the function's own arguments gives a row's features, ``prediction(result)``
        its prediction (the result itself without it). With either of them each success makes a row.
        """

        def note(args: "tuple[Any, ...]", kwargs: "dict[str, Any]", result: "Any", latency_s: float) -> None:
            self.prediction(
                features=features(*args, **kwargs) if features else None,
                prediction=prediction(result) if prediction else result,
                latency_s=latency_s,
            )

        def decorate(function: "F") -> "F":
            if self._worker is None:
                return function
            from tocsin_agent.capture.watch import watched

            return watched(function, self._series, self._worker, note if features or prediction else None)

        return decorate

    def prediction(
        self,
        id: object = None,
        features: "Mapping[str, object] | None" = None,
        prediction: object = None,
        scores: "Mapping[str, float] | None" = None,
        segment: "Mapping[str, object] | None" = None,
        latency_s: float | None = None,
        time: "Time" = None,
        trace_id: str | None = None,
    ) -> str:
        """One prediction. Gives the event's id, which labels and outcomes name; made when None.

        Inside a request ``latency_s`` and ``trace_id`` come from it. ``time`` is epoch seconds or a datetime (without a
        zone: UTC), now when None. The mappings are copied, their values are not: an array that is an embedding must not
        be written to before it has been sent. A list or array of 2 to 4,096 numbers is one.
        """
        known = ""
        try:
            known = make_id() if id is None else str(id)
            worker = self._sender
            if worker is None:
                return known
            exchange = current.get()
            if exchange is not None:
                if trace_id is None:
                    trace_id = exchange.trace_id()
                if latency_s is not None:
                    exchange = None
            waiting = self._predictions
            values = waiting.values
            if len(values) >= waiting.look_at and not self._has_room(worker, waiting):
                return known
            values += (
                known,
                now_s() if time is None else time,
                prediction,
                latency_s,
                trace_id,
                None if features is None else dict(features),
                None if scores is None else dict(scores),
                None if segment is None else dict(segment),
                exchange,
            )
            if not worker.running:
                worker.start()
        except Exception as error:
            parts = {"features": features, "scores": scores, "segment": segment}
            odd = [name for name, part in parts.items() if part is not None and not hasattr(part, "keys")]
            self._failed(ValueError(f"prediction: {odd[0]} is no mapping of names to values") if odd else error)
        return known

    def predictions(
        self,
        ids: "Sequence[object] | None" = None,
        features: "Mapping[str, Sequence[object]] | None" = None,
        prediction: "Sequence[object] | None" = None,
        scores: "Mapping[str, Sequence[float]] | None" = None,
        segment: "Mapping[str, Sequence[object] | str] | None" = None,
        latency_s: "Sequence[float] | float | None" = None,
        time: "Sequence[Time] | Time" = None,
        trace_id: str | None = None,
    ) -> list[str]:
        """Many predictions as columns of one length (lists, arrays); one value stands for all rows. An array of rows x
        dimensions is a column of embeddings. All is copied. Gives the ids."""
        try:
            from tocsin_agent.capture.batch import batch, names

            worker = self._sender
            if worker is None:
                return names(ids, prediction, features)
            exchange = current.get()
            given = {"id": ids, "time": time, "prediction": prediction, "latency_s": latency_s, "trace_id": trace_id}
            if trace_id is None and exchange is not None:
                given["trace_id"] = exchange.trace_id()
            found = batch(given, features, scores, segment, exchange if latency_s is None else None)
            waiting = self._events.waiting["prediction"]
            if found.rows and self._has_room(worker, waiting, found.rows):
                waiting.add(found)
                if not worker.running:
                    worker.start()
            return list(found.columns["id"])
        except Exception as error:
            self._failed(error)
            return []

    def receipt(
        self,
        id: object,
        prediction: object = None,
        scores: "Mapping[str, float] | None" = None,
        segment: "Mapping[str, object] | None" = None,
        time: "Time" = None,
    ) -> str:
        """A signed receipt of a prediction, with the values that the prediction was told with, its ``time`` above all.

        Whoever sends the label later sends it along, and the collector needs no row of the prediction for it. Empty,
        and counted as an error, when there is no key.
        """
        try:
            from tocsin_agent.capture.receipts import key_of, receipt

            if not self._key:
                self._key = key_of(self._keys_file, self._names[0])
            return receipt(self._names, id, prediction, scores, segment, now_s() if time is None else time).mint(
                self._key
            )
        except Exception as error:
            if self._worker is not None:
                self._worker.fault(error)
            return ""

    def label(self, id: object, label: object, time: "Time" = None, receipt: str | None = None) -> None:
        """The truth about a prediction, when it comes. A later label of the same id is a correction."""
        self._event("label", id, time, label, receipt or None)

    def outcome(self, id: object, name: str, value: float, time: "Time" = None) -> None:
        """A business number that belongs to a prediction: revenue, minutes of delay, 1 for a conversion."""
        self._event("outcome", id, time, name, value)

    def trace_id(self) -> str | None:
        """The W3C trace id of the request that is being served, None outside of one."""
        exchange = current.get()
        return None if exchange is None else exchange.trace_id()

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until the endpoint has everything. False when the time is over before."""
        return self._worker is None or self._worker.flush(timeout_s)

    def close(self, timeout_s: float = 2.0) -> bool:
        """Flush, and let go of threads and file when this is the last capture; later calls do nothing."""
        worker, self._worker, self._sender = self._worker, None, None
        if worker is None:
            return True
        from tocsin_agent.capture.worker import leave

        return leave(worker, timeout_s)

    def _event(self, type: str, id: object, time: "Time", what: object, more: object) -> None:
        try:
            worker, waiting = self._sender, self._events.waiting[type]
            if worker is None:
                return
            given = zip(COLUMNS[type], (id, 0, what, more), strict=True)
            lacking = [name for name, value in given if value is None and name != "receipt"]
            if lacking:
                self._failed(ValueError(f"{type}: {' and '.join(lacking)} must not be None"))
            elif self._has_room(worker, waiting):
                waiting.values.extend((str(id), now_s() if time is None else time, what, more))
                if not worker.running:
                    worker.start()
        except Exception as error:
            self._failed(error)

    def _has_room(self, worker: "Worker", waiting: "Waiting", more: int = 1) -> bool:
        """Whether so many rows may be added. A block's worth of them has the background thread take them at once."""
        if waiting.is_due(more):
            worker.hasten()
        before = waiting.rows
        # An empty queue takes a batch of any size: it has to go through somehow.
        if before and before + more > MAX_ROWS:
            worker.counts.add("rows_dropped", "full", more)
            worker.tell("capture_rows_dropped", reason="full", waiting=before)
            return False
        return True

    def _failed(self, error: Exception) -> None:
        if self._worker is not None:
            self._worker.counts.add("rows_dropped", "invalid")
            self._worker.fault(error)


def _check(what: str, name: object) -> None:
    if not isinstance(name, str) or len(name) > MAX_NAME or (what == "model" and not name):
        raise ValueError(f"Capture({what}={name!r:.80}): text of at most {MAX_NAME} characters is needed")
    if not name.isprintable():
        raise ValueError(f"Capture({what}={name!r:.80}): printable characters are needed")


def _address(endpoint: str) -> str:
    """The endpoint, or nothing when it is none: a wrong variable must not keep a model server from starting."""
    scheme, _, host = endpoint.partition("://")
    if endpoint and (scheme not in ("http", "https") or not host):
        from tocsin_agent.capture.worker import write

        write("capture_disabled", endpoint=endpoint, reason="an address such as http://127.0.0.1:10300 is needed")
        return ""
    return endpoint.rstrip("/")
