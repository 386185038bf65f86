"""The kernel's clock discipline, from adjtimex(2). A call costs about 1 us.

Python has no such call, and ctypes costs 3 ms and 250 KiB at its import: `_ctypes` alone, the part of it that is
written in C, costs a fifth of that.
"""

from itertools import compress

from tocsin_agent.exposition import template
from tocsin_schema.metrics.timex import ESTERROR, MAXERROR, METRICS, OFFSET, SYNC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_agent.source import Values

SIZE = 256
"""Bytes; struct timex has 208."""
ERROR = 5
NANO = 0x2000
PPM = 1e6 * 65_536
"""Frequencies are parts per million with 16 binary places."""


def parse(data: bytes, state: int) -> tuple[float, ...]:
    """The values in the order of METRICS, of struct timex and of what the call gave."""
    longs = memoryview(data).cast("l")
    ints = memoryview(data).cast("i")
    step = longs.itemsize // ints.itemsize
    status, shift, tai = (ints[index * step] for index in (5, 14, 20))
    unit = 1e9 if status & NANO else 1e6
    offset, frequency, maxerror, esterror = longs[1:5]
    pps_frequency, jitter = longs[12:14]
    stability, *counts = longs[15:20]
    return (
        *(float(state != ERROR), offset / unit, 1 + frequency / PPM, maxerror / 1e6, esterror / 1e6, status, longs[6]),
        *(longs[11] / 1e6, pps_frequency / PPM, jitter / unit, shift, stability / PPM, *counts, tai),
    )


def adjtimex() -> "Callable[[], tuple[bytes, int]]":
    """What calls adjtimex(2) to read, and gives struct timex and the state of the clock."""
    import _ctypes

    class Byte(_ctypes._SimpleCData):  # type: ignore[type-arg]
        _type_ = "B"

    class Timex(_ctypes.Array):  # type: ignore[type-arg]
        _type_ = Byte
        _length_ = SIZE

    library = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]  # None is the C library that is here already
    call, address = _ctypes.call_function, _ctypes.dlsym(library, "adjtimex")

    def read() -> tuple[bytes, int]:
        timex = Timex()
        state = call(address, (timex,))
        return bytes(timex), state

    return read


class TimeX:
    """``node_timex_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        kept = {SYNC, OFFSET, MAXERROR, ESTERROR} if values["profile"] == "summary" else set(METRICS)
        self._kept = [metric in kept for metric in METRICS]
        self._call = adjtimex()
        self._template = b"".join(template(metric, [{}]) for metric in compress(METRICS, self._kept)).replace(
            b" %b\n", b" %a\n"
        )

    def read(self) -> bytes:
        """One call."""
        data, state = self._call()
        if state < 0:
            raise PermissionError("adjtimex(2) is not allowed here")
        return self._template % tuple(compress(parse(data, state), self._kept))

    def close(self) -> None:
        """Nothing is kept open."""


SOURCE = TimeX
