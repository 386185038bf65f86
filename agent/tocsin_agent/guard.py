"""What watches over the thread that serves: an alarm that only goes off when a scrape takes long.

The alarm is SIGALRM, which every thread blocks; the main thread waits for it, and for nothing else that could hang.
Setting it costs half a microsecond, twice a scrape.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal  # signal itself makes enums of its constants: 5 ms, 0.8 MiB

AFTER_S = 1.0


class Deposed(BaseException):
    """This thread hung in a source, and another one serves now: it has to end, touching nothing. Nobody catches it."""


class Guard:
    """An alarm each second from ``arm`` to ``disarm``."""

    def arm(self) -> None:
        """Something begins that may hang."""
        _signal.setitimer(_signal.ITIMER_REAL, AFTER_S, AFTER_S)

    def disarm(self) -> None:
        """It has ended."""
        _signal.setitimer(_signal.ITIMER_REAL, 0)
