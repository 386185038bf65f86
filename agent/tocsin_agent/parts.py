"""The sources and tasks of a running agent, and what becomes of them when the configuration changes."""

from tocsin_agent import listing
from tocsin_agent.log import event
from tocsin_agent.settings import SOURCES, TASKS, chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.source import Sampling, Source, Values
    from tocsin_agent.task import Handler, Task


class Noted(dict[str, object]):
    """A configuration that knows which of its keys were read, so that a change of others touches nobody."""

    def __init__(self, values: "Values") -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> object:
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: object = None, /) -> object:
        """As of any dictionary; what was looked for counts as read."""
        self.read.add(key)
        return super().get(key, default)

    def fits(self, values: "Values") -> bool:
        """Whether everything that was read is the same in another configuration."""
        return all(super(Noted, self).get(key) == values[key] for key in self.read)


class Parts:
    """Sources and tasks by name, each with the configuration that it has read."""

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}
        self.tasks: dict[str, Task] = {}
        self._read: dict[object, Noted] = {}
        """By source, and by the name of each task, one that is not running too."""

    def open_sources(self, values: "Values") -> "dict[str, Source]":
        """Have the sources that the configuration asks for; gives those that are not wanted any more."""
        wanted: dict[str, Source] = {}
        for name in chosen(values):
            known = self.sources.get(name)
            wanted[name] = known if known and self._read[known].fits(values) else self._opened(name, values)
        unwanted = {name: source for name, source in self.sources.items() if wanted.get(name) is not source}
        for source in unwanted.values():
            del self._read[source]
        self.sources = wanted
        return unwanted

    def _opened(self, name: str, values: "Values") -> "Source":
        noted = Noted(values)
        source: Source = listing.module(SOURCES, name).SOURCE(noted)
        self._read[source] = noted
        return source

    def start_tasks(self, values: "Values") -> None:
        """Have the tasks that the configuration asks for, running; one that has to change is ended before."""
        for name in listing.names(TASKS):
            if name in self._read and self._read[name].fits(values):
                continue
            known = self.tasks.pop(name, None)
            if known:
                known.stop()
            self._read[name] = noted = Noted(values)
            task = listing.module(TASKS, name).start(noted)
            if task is not None:
                self.tasks[name] = task

    def handlers(self) -> "dict[str, Handler]":
        """What answers the tasks' paths, and those of sources that have any."""
        routes = [task.routes() for task in self.tasks.values()]
        routes += [source.routes() for source in self.sources.values() if hasattr(source, "routes")]
        return {path: handler for route in routes for path, handler in route.items()}

    def samplers(self) -> "list[Sampling]":
        """The sources that look between scrapes too."""
        found: list[Any] = [source for source in self.sources.values() if hasattr(source, "sample")]
        return found

    def close(self) -> None:
        """End everything."""
        for task in self.tasks.values():
            task.stop()
        close_sources(self.sources)


def close_sources(sources: "dict[str, Source]", hung: "frozenset[str]" = frozenset()) -> None:
    """Close every one, but for those that a thread hangs in: that thread has their files."""
    for name, source in sources.items():
        if name in hung:
            event("source_left_open", source=name, reason="a thread hangs in it")
        else:
            source.close()
