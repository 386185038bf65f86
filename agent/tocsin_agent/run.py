"""``tocsin-agent run``: sources, tasks and the server, from the start to the end."""

import os
import sys

from tocsin_agent import __version__, listing
from tocsin_agent.exposition import family
from tocsin_agent.httpd import address
from tocsin_agent.httpd.server import Server
from tocsin_agent.log import event
from tocsin_agent.pages import Pages
from tocsin_agent.scrape import Scrape
from tocsin_agent.settings import SOURCES, TASKS, chosen
from tocsin_schema.metrics.agent import AGENT_INFO, HTTP_CONNECTIONS, HTTP_CUT, HTTP_REQUESTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal

    from tocsin_agent.source import Source, Values
    from tocsin_agent.task import Task

else:
    import _signal  # signal itself makes enums of its constants: 5 ms, 0.8 MiB

OK, FAILED = 0, 1
METRICS = (AGENT_INFO, HTTP_REQUESTS, HTTP_CONNECTIONS, HTTP_CUT)


def once(values: "Values") -> int:
    """Print one scrape of the sources."""
    sources = open_sources(values)
    scrape = Scrape([(name, source.read) for name, source in sources.items()])
    sys.stdout.flush()
    data = b"".join(scrape.texts())
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        return FAILED
    finally:
        close_sources(sources)
    return OK


def run(values: "Values") -> int:
    """Serve until SIGTERM or SIGINT. FAILED when the address cannot be had."""
    host, port = address.parse(str(values["listen"]))
    try:
        server = Server(host, port)
    except OSError as error:
        print(f"cannot listen on {values['listen']}: {error.strerror}\n{_try_this(error)}", file=sys.stderr)
        return FAILED
    _stop_on_signals(server)
    sources = open_sources(values)
    tasks = start_tasks(values)
    handlers = {path: handler for task in tasks.values() for path, handler in task.routes().items()}
    pages = Pages(_scrape(server, sources, tasks).texts, handlers)
    event("tocsin_agent_listening", address=address.url(server.host, server.port))
    try:
        server.serve(pages, handlers)
    finally:
        _signal.set_wakeup_fd(-1)
        for task in tasks.values():
            task.stop()
        close_sources(sources)
    event("tocsin_agent_stopped")
    return OK


def open_sources(values: "Values") -> "dict[str, Source]":
    """The sources that the configuration asks for, by name."""
    return {name: listing.module(SOURCES, name).SOURCE(values) for name in chosen(values)}


def close_sources(sources: "dict[str, Source]") -> None:
    """Close every one."""
    for source in sources.values():
        source.close()


def start_tasks(values: "Values") -> "dict[str, Task]":
    """The tasks that the configuration asks for, running, by name."""
    started = {name: listing.module(TASKS, name).start(values) for name in listing.names(TASKS)}
    return {name: task for name, task in started.items() if task is not None}


def _scrape(server: Server, sources: "dict[str, Source]", tasks: "dict[str, Task]") -> Scrape:
    readers = [(name, source.read) for name, source in sources.items()]
    readers += [(f"task_{name}", task.read) for name, task in tasks.items()]
    return Scrape([*readers, ("agent", lambda: about(server))])


def about(server: Server) -> bytes:
    """The agent's version and what its server has done."""
    version = {"version": __version__, "python": ".".join(map(str, sys.version_info[:3]))}
    codes = [({"code": str(code)}, count) for code, count in sorted(server.requests.items())]
    return (
        family(AGENT_INFO, [(version, 1)])
        + family(HTTP_REQUESTS, codes)
        + family(HTTP_CONNECTIONS, [({}, len(server.connections))])
        + family(HTTP_CUT, [({}, server.cut)])
    )


def _stop_on_signals(server: Server) -> None:
    """SIGTERM and SIGINT end the server; a second one ends the process at once."""
    seen: list[int] = []

    def handle(number: int, _frame: object) -> None:
        if seen:
            os._exit(128 + number)
        seen.append(number)
        server.stop()

    # A signal between the last look and the poll would interrupt nothing: the interpreter itself must wake the loop.
    _signal.set_wakeup_fd(server.waker)
    for number in (_signal.SIGTERM, _signal.SIGINT):
        _signal.signal(number, handle)


def _try_this(error: OSError) -> str:
    import errno

    if error.errno == errno.EADDRINUSE:
        return "try: --listen 127.0.0.1:0 for a free port, or `ss -ltnp` to see who has this one"
    if error.errno == errno.EACCES:
        return "try: a port above 1023"
    return "try: --listen 127.0.0.1:10300"
