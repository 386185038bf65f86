"""The agent's own pages: /metrics, /-/healthy, /-/ready and a start page that links to them."""

from time import perf_counter_ns

from tocsin_agent import __version__
from tocsin_agent.body import Body, Whole
from tocsin_agent.httpd.compress import zstd
from tocsin_agent.httpd.response import PLAIN, RETRY
from tocsin_agent.log import event
from tocsin_schema.negotiation import GZIP, MEDIA_TYPES, OPENMETRICS, PROTOBUF, TEXT, codings, exposition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from tocsin_agent.httpd.request import Request
    from tocsin_agent.scrape import Round, Scrape
    from tocsin_agent.task import Answer

METRICS, HEALTHY, READY, START = "/metrics", "/-/healthy", "/-/ready", "/"
GZIP_FROM_BYTES = 1024
MOST_SCRAPES = 8
"""How many may wait for a source that hangs; each other one is over before the next begins."""
TIMEOUT_S = 10.0
"""Of a scraper that does not tell its own: Prometheus' default."""
LONGEST_S, SHORTEST_S = 60.0, 0.1
SCRAPERS_TIMEOUT = "x-prometheus-scrape-timeout-seconds"


class Pages:
    """Answers GET and HEAD for the agent's own paths, and tells those who ask for another one what there is."""

    def __init__(self, scrape: "Scrape", others: "Iterable[str]") -> None:
        self.scrape = scrape
        self.stopping = False
        self._paths = [METRICS, HEALTHY, READY, START, *sorted(others)]
        self._waiting: list[WaitingScrape] = []
        self._current: WaitingScrape | None = None

    def __call__(self, request: "Request") -> "Answer | WaitingScrape":
        """The answer to one request, or a scrape that waits for a source."""
        if request.path not in self._paths:
            return 404, dict(PLAIN), f"no {request.path:.80} here; there is {', '.join(self._paths)}\n".encode()
        if request.method not in ("GET", "HEAD"):
            return 405, PLAIN | {"Allow": "GET, HEAD"}, b"GET or HEAD expected\n"
        if request.path == METRICS:
            return self._metrics(request)
        if request.path == HEALTHY:
            return 200, dict(PLAIN), b"ok\n"
        if request.path == READY:
            return (503, dict(RETRY), b"stopping\n") if self.stopping else (200, dict(PLAIN), b"ready\n")
        return 200, {"Content-Type": "text/html; charset=utf-8"}, self._start().encode()

    def depose(self) -> bool:
        """Take the scrape from the thread that hangs in a source; then ``resume`` it. False when there is none."""
        return self.scrape.depose()

    def resume(self) -> "Answer | WaitingScrape":
        """Go on with the scrape that was taken from another thread."""
        scrape = self._current
        if scrape is None:
            raise RuntimeError("no scrape is under way")
        return self._go_on(scrape)

    def _metrics(self, request: "Request") -> "Answer | WaitingScrape":
        try:
            wanted = chosen(request.query, self.scrape.names)
            within_s = time_left(request.headers.get(SCRAPERS_TIMEOUT, ""))
        except ValueError as error:
            return 400, dict(PLAIN), f"{error}\n".encode()
        self._waiting = [scrape for scrape in self._waiting if not scrape.answered]
        if len(self._waiting) >= MOST_SCRAPES:
            return 503, dict(RETRY), f"{MOST_SCRAPES} scrapes wait already; try again in a second\n".encode()
        round = self.scrape.begin(wanted, within_s)
        self._current = WaitingScrape(self.scrape, round, request.headers)
        return self._go_on(self._current)

    def _go_on(self, waiting: "WaitingScrape") -> "Answer | WaitingScrape":
        waiting.scrape.proceed(waiting.round)
        if waiting.due:
            return waiting.answer()
        self._waiting.append(waiting)
        return waiting

    def _start(self) -> str:
        links = "\n".join(f'<li><a href="{path}">{path}</a></li>' for path in (METRICS, HEALTHY, READY))
        return (
            "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>tocsin-agent</title>\n"
            f"<h1>tocsin-agent {__version__}</h1>\n<ul>\n{links}\n</ul>\n"
        )


class WaitingScrape:
    """A scrape, and how its answer shall be written."""

    def __init__(self, scrape: "Scrape", round: "Round", asked: dict[str, str]) -> None:
        self.scrape = scrape
        self.round = round
        self.answered = False
        self._asked = asked

    @property
    def due(self) -> bool:
        """Whether it can be answered, or has to be."""
        return self.round.complete or self.left_s <= 0

    @property
    def left_s(self) -> float:
        """How long it may wait still."""
        return (self.round.deadline_ns - perf_counter_ns()) / 1e9

    def answer(self) -> "Answer":
        """What is there by now."""
        self.answered = True
        content_type, found = self._written(self.scrape.end(self.round))
        headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        coding, body = compressed(self._asked.get("accept-encoding", ""), found)
        if coding:
            headers["Content-Encoding"] = coding
        return 200, headers, body

    def _written(self, texts: list[bytes]) -> "tuple[str, Body | Whole]":
        choice, kind = self.round.choice, exposition(self._asked.get("accept", ""))
        if kind == PROTOBUF:
            from tocsin_agent.protobuf import Encoder

            choice.encoder = choice.encoder or Encoder()
            try:
                return MEDIA_TYPES[kind], Whole(choice.encoder.encode(texts))
            except ValueError as error:  # a text with something odd is still one that a scraper may read
                event("protobuf_failed", error=error)
        openmetrics = kind == OPENMETRICS
        if not (openmetrics or codings(self._asked.get("accept-encoding", ""))):
            return MEDIA_TYPES[TEXT], Whole(b"".join(texts))
        body = choice.bodies.get(openmetrics)
        if body is None:
            body = choice.bodies[openmetrics] = Body(openmetrics=openmetrics)
        body.take(texts)
        return MEDIA_TYPES[OPENMETRICS if openmetrics else TEXT], body


def chosen(query: str, names: list[str]) -> frozenset[str] | None:
    """The readers that a scrape's query asks for by ``collect[]`` or leaves out by ``exclude[]``; None for all.

    Raises ValueError for a name that is none, and for both at once.
    """
    if not query:
        return None
    from tocsin_agent.httpd.query import pairs

    given = pairs(query)
    collect = [value for name, value in given if name == "collect[]"]
    exclude = [value for name, value in given if name == "exclude[]"]
    if collect and exclude:
        raise ValueError("either collect[] or exclude[] expected, not both")
    unknown = [name for name in collect + exclude if name not in names]
    if unknown:
        raise ValueError(f"no source {unknown[0]!r:.80}; there are: {', '.join(names)}")
    return frozenset(collect) or (frozenset(names).difference(exclude) if exclude else None)


def time_left(header: str) -> float:
    """The seconds that a scrape may take by the scraper's own timeout: less, for the way. Raises ValueError."""
    text = header.strip()
    if not text:
        return TIMEOUT_S - 0.5
    if not (text.isascii() and text.replace(".", "", 1).isdigit()):
        raise ValueError(f"seconds expected in X-Prometheus-Scrape-Timeout-Seconds, found {text!r:.80}")
    timeout_s = min(float(text), LONGEST_S)
    return max(timeout_s - min(0.5, timeout_s / 5), SHORTEST_S)


def compressed(accept_encoding: str, body: "Body | Whole") -> tuple[str, bytes]:
    """The coding that a client likes best of those that this host has, and the body in it; "" and the body as it is."""
    for coding in codings(accept_encoding) if len(body) >= GZIP_FROM_BYTES else ():
        if coding == GZIP:
            return coding, body.gzip()
        pack = zstd()
        if pack:
            return coding, pack(body.plain())
    return "", body.plain()
