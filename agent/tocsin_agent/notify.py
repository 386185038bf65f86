"""Telling systemd how the agent is: sd_notify(3), one datagram each, over the socket that it names."""

import _socket
from time import monotonic_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable

READY, RELOADING, STOPPING, WATCHDOG = "READY=1", "RELOADING=1", "STOPPING=1", "WATCHDOG=1"


class Notifier:
    """Who started us, if it wants to know. Without systemd each call does nothing."""

    def __init__(
        self, environ: "dict[str, str] | os._Environ[str]", pid: int, clock_ns: "Callable[[], int]" = monotonic_ns
    ) -> None:
        path = environ.get("NOTIFY_SOCKET", "")
        self._address = b"\0" + path[1:].encode() if path.startswith("@") else path.encode()
        self._clock_ns = clock_ns
        self._every_ns = 0
        usec = environ.get("WATCHDOG_USEC", "")
        if path and usec.isdigit() and environ.get("WATCHDOG_PID", str(pid)) == str(pid):
            self._every_ns = int(usec) * 1000 // 2  # half the time, as sd_watchdog_enabled(3) has it
        self._next_ns = 0

    def ready(self) -> None:
        """The agent serves; after a reload, with what is configured now."""
        self._send(READY)

    def reloading(self) -> None:
        """The configuration is read again."""
        self._send(f"{RELOADING}\nMONOTONIC_USEC={self._clock_ns() // 1000}")

    def stopping(self) -> None:
        """The agent ends."""
        self._send(STOPPING)

    def feed(self) -> float:
        """Tell the watchdog that we live, when it is time; gives the seconds until then. For the loop that serves."""
        if not self._every_ns:
            return 60.0
        now = self._clock_ns()
        if now >= self._next_ns:
            self._send(WATCHDOG)
            self._next_ns = now + self._every_ns
        return (self._next_ns - now) / 1e9

    def _send(self, state: str) -> None:
        if not self._address:
            return
        try:
            sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
            try:
                sock.setblocking(False)
                sock.sendto(state.encode(), self._address)
            finally:
                sock.close()
        except OSError:
            pass  # whoever wanted to know has gone; that must not end the agent
