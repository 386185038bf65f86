"""Child processes that end with their parent, whatever ends it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Self

_PR_SET_PDEATHSIG = 1  # prctl(2)


class ChildFailed(Exception):  # noqa: N818 - it reads so where it is caught
    """A child ended by itself; the message has its name, its exit code and its last words."""


class Children:
    """Named children, each with a log file in ``folder``; ends all of them on leaving the ``with`` block, by
    SIGKILL those that have not gone ``grace_s`` after a SIGTERM."""

    def __init__(self, folder: str, grace_s: float = 5.0) -> None:
        self._folder = folder
        self._grace_s = grace_s
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        os.makedirs(folder, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(
        self, name: str, module: str, *arguments: str, environ: Mapping[str, str | None] = {}, show: bool = False
    ) -> None:
        """Run ``python -m module`` under a name, with our environment but for ``environ``, where None takes a variable
        away. With ``show`` its standard output is ours."""
        log = self.log(name)
        given: dict[str, str | None] = {**os.environ, **environ}
        with open(log, "ab") as errors:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=None if show else errors,
                stderr=errors,
                env={variable: value for variable, value in given.items() if value is not None},
                preexec_fn=_end_with_parent,  # noqa: PLW1509  no thread runs in this process
                process_group=0,  # a Ctrl-C reaches the parent only, which ends the children in order
            )

    def log(self, name: str) -> str:
        """The file that takes a child's messages."""
        return os.path.join(self._folder, f"{name}.log")

    def check(self, *may_end: str) -> list[str]:
        """The names of the children that ended well and may; raises ChildFailed for any other that ended."""
        ended = []
        for name, child in self._running.items():
            code = child.poll()
            if code is None:
                continue
            if code != 0 or name not in may_end:
                raise ChildFailed(
                    f"{name} ended with code {code}; its last words ({self.log(name)}):\n{self._last_words(name)}"
                )
            ended.append(name)
        return ended

    def wait(self, name: str, limit_s: float) -> int:
        """The exit code of a child that ends by itself."""
        try:
            return self._running[name].wait(limit_s)
        except subprocess.TimeoutExpired:
            raise ChildFailed(f"{name} has not ended within {limit_s:g} s; see {self.log(name)}") from None

    def running(self) -> list[str]:
        """The names of the children that have not ended, in the order of their start."""
        return [name for name, child in self._running.items() if child.poll() is None]

    def stop(self) -> None:
        """End all, the newest first."""
        alive = [self._running[name] for name in reversed(self.running())]
        for child in alive:
            child.send_signal(signal.SIGTERM)
        limit = time.monotonic() + self._grace_s
        for child in alive:
            try:
                child.wait(max(0.0, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _last_words(self, name: str) -> str:
        with open(self.log(name), encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-12:])


_LIBC = ctypes.CDLL(None)


def _end_with_parent() -> None:
    """Ask the kernel for a SIGTERM when the parent dies, even by SIGKILL."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
