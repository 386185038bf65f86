"""What the frame asks of a source of metrics.

A source is one file in ``sources/`` and is found by listing that folder; the file's name is its name in the
configuration and the value of the label ``collector``. The file reads top to bottom:

1. what it reads, the kernel document, what a read costs;
2. a pure parser of bytes;
3. the source: a class with the methods below;
4. the line that registers it: ``SOURCE = Pressure``.

Every file is imported at each start of the agent, so what costs (socket, json, re, ctypes, struct) is imported where it
is used, and only if it is: the constructor looks first whether there is anything to watch.

The constant ``DEFAULT = False`` keeps it off until `sources` names it; ``SUMMARY = False`` does so under the profile
`summary` (one host, few series), where the others tell less: ``values["profile"]`` says which it is.

A source may have a method ``routes()``, as a task may, for what an operator asks of it: paths below ``/-/``, which the
server answers on this host alone.

It may have a function ``check(values) -> list[str]``: what is wrong with its part of the configuration, a line a fault.

Adding a source is its file, its metrics' file in the catalogue, its test and its fixture; nothing else is edited.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, TypeAlias

    from tocsin_schema.metric import Metric

    Values: TypeAlias = dict[str, object]
    """The value of every key of the configuration by path, as ``tocsin_schema.config.load`` gives them."""

    class Source(Protocol):
        """One source, made by ``SOURCE(values)`` at the start, and again when a key that it has read changes.

        Made, read and closed by one thread at a time, not always the same one.

        The constructor may start threads of its own (a worker a GPU), and ``close`` ends them; it must not fail because
        something is absent: ``read`` tells that.
        """

        METRICS: tuple[Metric, ...]
        """The entries of the catalogue that it may emit."""

        def __init__(self, values: Values) -> None: ...

        def read(self) -> bytes:
            """Whole families in the text format 0.0.4, each family once, with HELP and TYPE, ended by a newline.

            b"" when there is nothing to tell (no GPU here). OSError or ValueError say that the read failed: its series
            are dropped and ``node_scrape_collector_success`` is 0. It runs inside a scrape: whatever can hang belongs
            into a thread, and this method formats the newest snapshot. (Should it hang all the same, it costs its
            series and a thread.) Histograms that are known in finer buckets come as an ``exposition.Text``.
            """

        def close(self) -> None:
            """Let go of files and threads, within a second."""

    class Sampling(Source, Protocol):
        """A source that looks between scrapes too: in the loop that serves, so what it does there must not wait.

        A source that has these methods is asked whenever the loop turns; one without them costs it nothing.
        """

        def alarms(self) -> tuple[int, ...]:
            """Descriptors on which POLLPRI wakes the loop; the same ones until ``close``."""

        def alarmed(self, fd: int) -> None:
            """One of them has."""

        def sample(self) -> float:
            """Look, if it is time; gives the seconds until it is again. It raises nothing."""
