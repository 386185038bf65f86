"""``tocsin-agent run``: sources, tasks and the server, from the start to the end.

The main thread serves. Another one only waits for signals, so that none is missed, whatever hangs: SIGTERM and SIGINT
end the agent, SIGHUP has it read its configuration again, SIGALRM tells that a scrape takes long.
"""

import os
import sys
from _thread import allocate_lock, start_new_thread
from time import monotonic, time

from tocsin_agent.about import About
from tocsin_agent.guard import Guard
from tocsin_agent.httpd import address
from tocsin_agent.httpd.server import Server, listener
from tocsin_agent.log import event
from tocsin_agent.pages import Pages
from tocsin_agent.parts import Parts, close_sources
from tocsin_agent.scrape import Scrape
from tocsin_agent.settings import SUMMARY, settings
from tocsin_schema.config import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    import signal as _signal

    from tocsin_agent.httpd.server import Work
    from tocsin_agent.notify import Notifier
    from tocsin_agent.protection import Protection
    from tocsin_agent.source import Values

else:
    import _signal  # signal itself makes enums of its constants: 5 ms, 0.8 MiB

OK, FAILED, DENIED = 0, 1, 77
END = (_signal.SIGTERM, _signal.SIGINT)
SIGNALS = (*END, _signal.SIGHUP, _signal.SIGALRM)
ONE_WISH_S = 0.5
"""Two signals to end that come so close are one: timeout(1) and others send theirs to the process and to its group."""


def once(values: "Values") -> int:
    """Print one scrape of the sources."""
    parts = Parts()
    parts.open_sources(values)
    scrape = Scrape([(name, source.read) for name, source in parts.sources.items()], timed=_timed(values))
    sys.stdout.flush()
    data = b"".join(scrape.texts())
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        return FAILED
    finally:
        parts.close()
    return OK


def run(values: "Values", file: str | None = None, **words: str) -> int:
    """Serve until SIGTERM or SIGINT. FAILED when the address cannot be had, DENIED when it may not.

    Raises ConfigError for a bad ``web.yml``.

    ``file`` and ``words`` are those of the command line, as ``settings`` takes them: SIGHUP reads the configuration
    again from there.
    """
    protection = protected(values)
    _signal.pthread_sigmask(_signal.SIG_BLOCK, SIGNALS)  # before the first thread: all of them take it over
    try:
        server = Server(*address.parse(str(values["listen"])))
    except OSError as error:
        print(f"cannot listen on {values['listen']}: {error.strerror}\n{_try_this(error)}", file=sys.stderr)
        return DENIED if isinstance(error, PermissionError) else FAILED
    server.protection = protection
    agent = Agent(server, _notifier(), values, (file, words))
    agent.start()
    agent.serve()
    agent.close()
    return OK


def _timed(values: "Values") -> bool:
    """Whether each source's duration is told: not to who pays by the series."""
    return values["profile"] != SUMMARY


def _notifier() -> "Notifier | None":
    """Who started us, if it wants to know how we are."""
    if "NOTIFY_SOCKET" not in os.environ:
        return None
    from tocsin_agent.notify import Notifier

    return Notifier(os.environ, os.getpid())


def protected(values: "Values") -> "Protection | None":
    """What the configured ``web.yml`` asks for, None without one. Raises ConfigError."""
    path = str(values["web_config_file"])
    if not path:
        return None
    from tocsin_agent.protection import Protection

    return Protection(path, monotonic)


class Agent:
    """A running agent. ``serve`` is for the main thread; what signals ask for is done where they are waited for."""

    def __init__(
        self,
        server: Server,
        notifier: "Notifier | None",
        values: "Values",
        words: tuple[str | None, dict[str, str]],
    ) -> None:
        self._server = server
        self._values = values
        self._words = words
        self._parts = Parts()
        self._guard = Guard()
        self._about = About()
        self._read_well = True
        self._read_at = time()
        self._forever = allocate_lock()
        self._forever.acquire()
        self._notifier = notifier
        if notifier:
            server.watch = notifier.feed

    def start(self) -> None:
        """Open the sources and start the tasks."""
        self._parts.open_sources(self._values)
        self._parts.start_tasks(self._values)
        self._scrape = self._new_scrape(self._values, None)
        handlers = self._parts.handlers()
        self._pages = Pages(self._scrape, handlers)
        self._server.answer_with(self._pages, handlers)
        self._server.sample_with(self._parts.samplers())

    def serve(self) -> None:
        """Serve until a signal ends it."""
        start_new_thread(self._heed, ())
        event("tocsin_agent_listening", address=self._url())
        if self._notifier:
            self._notifier.ready()
        if not self._server.serve():
            self._forever.acquire()  # another thread serves in the place of this one, and ends the process

    def close(self) -> None:
        """End the tasks and close the sources."""
        close_sources(self._parts.sources, self._scrape.hung())
        self._parts.sources = {}
        self._parts.close()
        event("tocsin_agent_stopped")

    def _served_elsewhere(self) -> None:
        """In the thread that took over, when it has served to the end: the main thread may hang for ever."""
        self.close()
        os._exit(OK)

    def _heed(self) -> None:
        """In a thread: do what signals ask for; to end, asked for again, does that at once."""
        asked_at = 0.0
        while True:
            number = _signal.sigwait(SIGNALS)
            if number == _signal.SIGALRM:
                self._server.take_over(self._served_elsewhere)
            elif number in END and asked_at:
                if monotonic() - asked_at > ONE_WISH_S:
                    os._exit(128 + number)
            elif number in END:
                asked_at = monotonic()
                self._pages.stopping = True
                if self._notifier:
                    self._notifier.stopping()
                self._server.stop()
            elif not asked_at:
                self._reload()

    def _new_scrape(self, values: "Values", before: Scrape | None) -> Scrape:
        readers = [(name, source.read) for name, source in self._parts.sources.items()]
        readers += [(f"task_{name}", task.read) for name, task in self._parts.tasks.items()]
        scrape = Scrape([*readers, ("agent", self._told)], self._guard, before, timed=_timed(values))
        scrape.ring = self._server.ring
        return scrape

    def _told(self) -> bytes:
        return self._about.text(self._server, self._read_well, self._read_at)

    def _url(self) -> str:
        plain = address.url(self._server.host, self._server.port)
        protection = self._server.protection
        return plain.replace("http:", "https:", 1) if protection and protection.encrypted else plain

    # --- another configuration ----------------------------------------------------------------------------------------

    def _reload(self) -> None:
        """Read the configuration again and live by it; one with a fault changes nothing, and is told."""
        if self._notifier:
            self._notifier.reloading()
        try:
            file, words = self._words
            values = settings(file, **words)
            protection = self._protection(values)
            self._live_by(values, protection, self._moved(values))
        except ConfigError as error:
            self._read_well = False
            for fault in error.faults:
                event("reload_refused", fault=fault)
        except Exception as error:  # signals must be heeded still
            self._read_well = False
            event("reload_failed", error=f"{type(error).__name__}: {error}")
        if self._notifier:
            self._notifier.ready()

    def _protection(self, values: "Values") -> "Protection | None":
        old = self._server.protection
        new = protected(values)
        if old is not None:
            weaker = old.weakened_by(new)
            if weaker:
                raise ConfigError([f"web_config_file: {weaker}"])
        return new

    def _moved(self, values: "Values") -> "_socket.socket | None":
        """A socket at another address when that has changed."""
        if values["listen"] == self._values["listen"]:
            return None
        try:
            return listener(*address.parse(str(values["listen"])))
        except OSError as error:
            raise ConfigError([f"listen: cannot listen on {values['listen']}: {error.strerror}"]) from None

    def _live_by(self, values: "Values", protection: "Protection | None", sock: "_socket.socket | None") -> None:
        changed = sorted(key for key in values if values[key] != self._values[key])
        unwanted = self._parts.open_sources(values)
        self._parts.start_tasks(values)
        scrape, handlers = self._new_scrape(values, self._scrape), self._parts.handlers()
        pages = Pages(scrape, handlers)

        def swap() -> None:
            if sock is not None:
                self._server.move(sock)
            self._server.protection = protection
            self._server.answer_with(pages, handlers)
            self._server.sample_with(self._parts.samplers())

        self._in_loop(swap)
        hung = self._scrape.hung()
        self._values, self._pages, self._scrape = values, pages, scrape
        self._read_well, self._read_at = True, time()
        close_sources(unwanted, hung)
        event("reloaded", changed=",".join(changed) or "nothing", address=self._url())

    def _in_loop(self, work: "Work") -> None:
        """Have the thread that serves do something, and wait until it has; should it hang, another one does."""
        done = allocate_lock()
        done.acquire()

        def once() -> None:
            work()
            done.release()

        self._server.call(once)
        while not done.acquire(timeout=1.0):
            self._server.take_over(self._served_elsewhere)


def _try_this(error: OSError) -> str:
    import errno

    if error.errno == errno.EADDRINUSE:
        return "try: --listen 127.0.0.1:0 for a free port, or `ss -ltnp` to see who has this one"
    if error.errno == errno.EACCES:
        return "try: a port above 1023"
    return "try: --listen 127.0.0.1:10300"
