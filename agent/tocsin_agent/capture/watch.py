"""The decorator for plain functions: duration and outcome, and on request a row of features and prediction."""

from functools import wraps
from time import perf_counter_ns

from tocsin_agent.capture.asgi import GONE, current
from tocsin_agent.capture.series import CANCELLED, MAX_ROUTE_TEXT, OK, SERVER_ERROR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from tocsin_agent.capture.series import Series
    from tocsin_agent.capture.worker import Worker

    F = TypeVar("F", bound=Callable[..., Any])
    Note = Callable[[tuple[Any, ...], dict[str, Any], Any, float], None]

_COROUTINE, _GENERATORS = (
    0x80,
    0x20 | 0x200,
)  # code flags, as in inspect: CO_COROUTINE; CO_GENERATOR, CO_ASYNC_GENERATOR


def watched(function: "F", series: "Series", worker: "Worker", note: "Note | None") -> "F":
    """The function, observed. ``note(args, kwargs, result, latency_s)`` is called after each success."""
    flags = _flags(function)
    if flags & _GENERATORS:
        raise TypeError(f"watch: {function!r} is a generator; watch a function that returns its result")
    route = getattr(function, "__qualname__", type(function).__qualname__)[:MAX_ROUTE_TEXT]

    def ended(start_ns: int, outcome: int, args: "tuple[Any, ...]", kwargs: "dict[str, Any]", result: "Any") -> None:
        try:
            duration_ns = perf_counter_ns() - start_ns
            if not worker.running:
                worker.start()
            if current.get() is None:  # inside a request it is the request that counts
                worker.observe(series, route, outcome, duration_ns, -1)
            if note is not None and outcome == OK:
                note(args, kwargs, result, duration_ns / 1e9)
        except Exception as error:
            worker.fault(error)

    def failed(start_ns: int, error: BaseException) -> None:
        ended(start_ns, CANCELLED if type(error).__name__ in GONE else SERVER_ERROR, (), {}, None)

    @wraps(function)
    def plain(*args: "Any", **kwargs: "Any") -> "Any":
        start_ns = perf_counter_ns()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            failed(start_ns, error)
            raise
        ended(start_ns, OK, args, kwargs, result)
        return result

    @wraps(function)
    async def coroutine(*args: "Any", **kwargs: "Any") -> "Any":
        start_ns = perf_counter_ns()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            failed(start_ns, error)
            raise
        ended(start_ns, OK, args, kwargs, result)
        return result

    return coroutine if flags & _COROUTINE else plain  # type: ignore[return-value]


def _flags(function: "Callable[..., Any]") -> int:
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return int(getattr(code, "co_flags", 0))
