"""Messages to people, by Apprise, from a thread of their own: a target that hangs holds up its own messages only as
long as its timeout. A target's URL holds secrets: it is never logged, shown or stored; a short hash stands for it."""

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tocsin_collector.alarms.store import AlarmStore, Waiting

GIVE_UP_AFTER = 14
"""Attempts; with the back-off below that is about an hour and a half."""
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 1.0, 600.0
_KINDS = {"resolved": "success", "info": "info", "warning": "warning", "critical": "failure"}


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the targets file. ``shown`` is what may be seen of it: its scheme and its line."""

    key: str
    shown: str
    url: str


class Targets:
    """The targets file, read again when it changes; one that cannot be read keeps the last list and tells why."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._targets: list[Target] = []
        self._lock = threading.Lock()
        self.fault = ""

    def read(self) -> list[Target]:
        """The targets, each URL once."""
        if not self._file:
            return []
        with self._lock:
            self._follow()
            return self._targets

    def _follow(self) -> None:
        try:
            status = os.stat(self._file)
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            if stamp != self._stamp:
                with open(self._file, encoding="utf-8") as file:
                    self._targets = _targets(file.read().splitlines())
                self._stamp = stamp
            self.fault = ""
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "no UTF-8"
            self.fault = f"alerting.targets_file {self._file}: cannot be read: {said}"


def _targets(lines: list[str]) -> list[Target]:
    found: dict[str, Target] = {}
    for number, line in enumerate(lines, 1):
        url = line.strip()
        if url and not url.startswith("#"):
            key = hashlib.sha256(url.encode()).hexdigest()[:12]
            scheme = url.split("://", 1)[0] if "://" in url else "?"
            shown = f"{scheme if scheme.isalnum() else '?'}://… (line {number})"
            found.setdefault(key, Target(key, shown, url))
    return list(found.values())


class Delivery:
    """The thread that delivers what waits in the store. ``wake`` after new messages; ``stop`` ends it."""

    def __init__(self, store: AlarmStore, targets: Targets, clock: Callable[[], float]) -> None:
        self._store = store
        self._targets = targets
        self._clock = clock
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self.counts = dict.fromkeys(("delivered", "retried", "failed"), 0)

    def start(self) -> None:
        """Begin; what an earlier process left waiting is delivered first."""
        self._thread.start()

    def stop(self) -> None:
        """End after the attempt that is under way."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Look at the store now."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                self._deliver_due()
                due = self._store.next_due_s()
            except Exception as error:  # a full disk, a broken target: told, counted, tried again
                logging.getLogger(__name__).warning("delivery_failed error=%s", type(error).__name__)
                due = self._clock() + _LONGEST_BACKOFF_S
            wait = 60.0 if due is None else min(60.0, max(0.05, due - self._clock()))
            self._wake.wait(wait)

    def _deliver_due(self) -> None:
        known = {target.key: target for target in self._targets.read()}
        while not self._stopping and (due := self._store.due(self._clock())):
            for waiting in due:
                if self._stopping:
                    return
                self._attempt(waiting, known.get(waiting.target))

    def _attempt(self, waiting: Waiting, target: Target | None) -> None:
        if target is None:
            self._store.give_up(waiting, "the target was removed from the targets file")
            self.counts["failed"] += 1
            return
        error = send(target.url, waiting.kind, waiting.title, waiting.body)
        if not error:
            self._store.delivered(waiting)
            self.counts["delivered"] += 1
        elif waiting.attempts + 1 >= GIVE_UP_AFTER:
            self._store.give_up(waiting, error)
            self.counts["failed"] += 1
        else:
            backoff = min(_FIRST_BACKOFF_S * 2**waiting.attempts, _LONGEST_BACKOFF_S)
            self._store.retry(waiting, self._clock() + backoff, error)
            self.counts["retried"] += 1


def send(url: str, kind: str, title: str, body: str) -> str:
    """Deliver one message by one Apprise URL; what went wrong, without the URL, or empty."""
    import apprise  # 1 s of CPU and 39 MiB with its plugins, that a collector without targets does not pay

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its warnings may quote the URL
    try:
        sender = apprise.Apprise()
        if not sender.add(url):
            return "not an Apprise URL, or a kind that this Apprise does not know"
        done = sender.notify(body=body, title=title, notify_type=_KINDS.get(kind, "info"), body_format="text")
    except Exception as error:  # a plugin's fault is this target's; its text may quote the URL
        return f"Apprise failed with {type(error).__name__}"
    return "" if done else "the target refused the message or did not answer"
