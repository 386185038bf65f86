"""One scrape: every source and task once, what each cost, and what becomes of those that are not done in time.

The thread that serves reads the sources itself: handing a scrape to another thread would cost a third of what it costs
at all. Should a source hang, a guard's alarm goes off, and another thread takes over from there: it reads the sources
that are left and serves on (``Server.take_over``), so that one stuck device costs one thread and its own series. The
thread that hung delivers what it still gets, and ends.
"""

from _thread import allocate_lock
from time import perf_counter_ns

from tocsin_agent.exposition import template
from tocsin_agent.guard import Deposed
from tocsin_agent.log import event
from tocsin_schema.metrics.agent import COLLECTOR_DURATION, COLLECTOR_SUCCESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from tocsin_agent.body import Body
    from tocsin_agent.guard import Guard
    from tocsin_agent.protobuf import Encoder

    Read: TypeAlias = Callable[[], bytes]


MOST_CHOICES = 16
"""Of sets of readers that are remembered; who asks for more pays for building them."""
FOREVER_NS = 1 << 62
HANGS = "not done in time; its series are left out until it comes back"
NO_TIME = "the scrape's time was over before its turn"


_late = allocate_lock()
"""Held while a thread that was deposed delivers, and while a round looks whether it should wait for one."""


class Reader:
    """A name for the label ``collector`` and what gives its families."""

    __slots__ = ("began", "busy", "error", "late", "name", "read", "waiting")

    def __init__(self, name: str, read: "Read") -> None:
        self.name = name
        self.read = read
        self.error = ""
        self.busy = False
        """Whether a thread is inside ``read``."""
        self.began = 0
        self.late = False
        """Whether a scrape has given up waiting for that thread: then no other one begins to."""
        self.waiting: list[Round] = []
        """The scrapes that take what the thread inside brings."""


class Choice:
    """Some readers, and what belongs to a scrape of just these."""

    def __init__(self, readers: list[Reader], *, timed: bool) -> None:
        self.readers = readers
        self.timed = timed
        labels = [{"collector": reader.name} for reader in readers]
        self.template = template(COLLECTOR_DURATION, labels, b"e-9") if timed else b""
        self.template += template(COLLECTOR_SUCCESS, labels)
        self.encoder: Encoder | None = None
        """Of the protobuf format, once somebody has asked for it."""
        self.bodies: dict[bool, Body] = {}
        """Of the text formats, by whether it is OpenMetrics."""


class Round:
    """One scrape on its way: by reader what it gave, why it failed, how long it took."""

    __slots__ = ("choice", "deadline_ns", "errors", "parts", "times", "todo")

    def __init__(self, choice: Choice, deadline_ns: int) -> None:
        count = len(choice.readers)
        self.choice = choice
        self.deadline_ns = deadline_ns
        self.todo = list(range(count - 1, -1, -1))
        self.parts = [b""] * count
        self.errors: list[str | None] = [None] * count
        """None while a reader is not done, "" when it is."""
        self.times = [0] * count

    @property
    def complete(self) -> bool:
        """Whether every reader has told."""
        return None not in self.errors

    def take(self, place: int, part: bytes, error: str, took_ns: int) -> None:
        """What a reader has told. The error comes last: with it the reader counts as done."""
        self.parts[place], self.times[place] = part, took_ns
        self.errors[place] = error

    def place(self, reader: Reader) -> int:
        """Where a reader stands in this round."""
        return self.choice.readers.index(reader)


class Scrape:
    """The readers, in the order in which their families appear; used by the thread that serves."""

    def __init__(
        self,
        readers: "Iterable[tuple[str, Read]]",
        guard: "Guard | None" = None,
        before: "Scrape | None" = None,
        *,
        timed: bool = True,
    ) -> None:
        """``before`` is the scrape whose place this one takes: what is known of a reader that stays goes on.

        ``timed`` tells how long each reader took.
        """
        old = before._all.readers if before else []
        known = {(reader.name, reader.read): reader for reader in old}
        self._all: Choice = Choice([known.get(reader) or Reader(*reader) for reader in readers], timed=timed)
        self._some: dict[frozenset[str], Choice] = {}
        self._guard = guard
        self._inside: list[Reader] = []
        """The reader that the serving thread is in. Who takes it out, in one step, has the scrape: that thread when it
        comes back, or the one that takes over from it."""
        self.ring: Callable[[], None] = _nobody
        """Called by a thread that was deposed when it has brought what a round waits for."""

    @property
    def names(self) -> list[str]:
        """What ``collect[]`` may ask for."""
        return [reader.name for reader in self._all.readers]

    def hung(self) -> frozenset[str]:
        """The names of those that a thread is in which was deposed."""
        return frozenset([reader.name for reader in self._all.readers if reader.busy])

    def texts(self) -> list[bytes]:
        """The exposition in the text format 0.0.4, a part a reader. One that fails loses its own series, no other."""
        round = self.begin()
        self.proceed(round)
        return self.end(round)

    def begin(self, wanted: frozenset[str] | None = None, within_s: float = 0.0) -> Round:
        """A scrape of all readers, or of those with the names ``wanted``, that shall end within some time (0: any)."""
        deadline_ns = perf_counter_ns() + int(within_s * 1e9) if within_s else FOREVER_NS
        return Round(self._choice(wanted), deadline_ns)

    def proceed(self, round: Round) -> None:
        """Ask the readers that are left. Raises Deposed when this thread was taken for hung meanwhile."""
        readers, todo = round.choice.readers, round.todo
        enter, leave = self._inside.append, self._inside.remove
        if self._guard:
            self._guard.arm()
        now = perf_counter_ns()
        while todo and now < round.deadline_ns:
            place = todo.pop()
            reader = readers[place]
            if reader.busy and self._joined(round, place):
                continue
            reader.began, reader.busy, began = now, True, now
            enter(reader)
            try:
                part, error = reader.read(), ""
            except Exception as fault:  # a fault in one source must not take the others' series
                part, error = b"", f"{type(fault).__name__}: {fault}"
            now = perf_counter_ns()
            try:
                leave(reader)  # its own mark: the thread that took over may be inside another reader
            except ValueError:
                self._deliver(reader, round, part, error)
                raise Deposed from None
            reader.busy = False
            round.parts[place], round.times[place], round.errors[place] = part, now - began, error  # as `take` does
        if self._guard:
            self._guard.disarm()

    def depose(self) -> bool:
        """Take the scrape from the thread that hangs in a source. False when it is in none, or has come back."""
        try:
            self._inside.pop()
        except IndexError:
            return False
        return True

    def _joined(self, round: Round, place: int) -> bool:
        """Have a round wait for what a deposed thread brings, or leave its reader out. False: it has just come back."""
        reader = round.choice.readers[place]
        with _late:
            if reader.busy and reader.late:
                round.take(place, b"", HANGS, perf_counter_ns() - reader.began)
            elif reader.busy:
                reader.waiting.append(round)
            return reader.busy

    def _deliver(self, reader: Reader, own: Round, part: bytes, error: str) -> None:
        """Give the rounds that still wait what a thread that was deposed brings."""
        with _late:
            took_ns = perf_counter_ns() - reader.began
            waiting, reader.waiting = [own, *reader.waiting], []
            reader.busy = reader.late = False
            for round in waiting:
                place = round.place(reader)
                if round.errors[place] is None:
                    round.take(place, part, error, took_ns)
        self.ring()

    def end(self, round: Round) -> list[bytes]:
        """The parts of a round, and the series about its readers; one that is not done is left out, and told."""
        if not round.complete:
            self._give_up(round)
        if round.errors != [reader.error for reader in round.choice.readers]:
            for reader, error in zip(round.choice.readers, round.errors, strict=True):
                _tell(reader, error or "")
        times = [b"%d" % took_ns for took_ns in round.times] if round.choice.timed else []
        about = round.choice.template % (*times, *[b"0" if error else b"1" for error in round.errors])
        return [*round.parts, about]

    def _give_up(self, round: Round) -> None:
        with _late:
            now = perf_counter_ns()
            for place, reader in enumerate(round.choice.readers):
                if place in round.todo:
                    round.take(place, b"", NO_TIME, 0)
                elif round.errors[place] is None:
                    reader.late = True
                    round.take(place, b"", HANGS, now - reader.began)
            round.todo.clear()

    def _choice(self, wanted: frozenset[str] | None) -> Choice:
        if wanted is None:
            return self._all
        if wanted not in self._some:
            if len(self._some) >= MOST_CHOICES:
                self._some.clear()
            readers = [reader for reader in self._all.readers if reader.name in wanted]
            self._some[wanted] = Choice(readers, timed=self._all.timed)
        return self._some[wanted]


def _tell(reader: Reader, error: str) -> None:
    """Log a source that begins to fail, fails in another way, or is well again: a line each, not one a scrape."""
    if error == reader.error:
        return
    reader.error = error
    if error:
        event("source_failed", source=reader.name, error=error)
    else:
        event("source_recovered", source=reader.name)


def _nobody() -> None:
    """Nobody waits for a round."""
