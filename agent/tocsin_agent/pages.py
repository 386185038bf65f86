"""The agent's own pages: /metrics, /-/healthy and a start page that links to them."""

from tocsin_agent import __version__
from tocsin_agent.exposition import OPENMETRICS, TEXT, openmetrics
from tocsin_agent.httpd.response import PLAIN, accepts_gzip, gzip, wants_openmetrics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tocsin_agent.httpd.request import Request
    from tocsin_agent.task import Answer

METRICS, HEALTHY, START = "/metrics", "/-/healthy", "/"
GZIP_FROM_BYTES = 1024


class Pages:
    """Answers GET and HEAD for the agent's own paths, and tells those who ask for another one what there is."""

    def __init__(self, scrape: "Callable[[], list[bytes]]", others: "Iterable[str]") -> None:
        self._scrape = scrape
        self._paths = [METRICS, HEALTHY, START, *sorted(others)]

    def __call__(self, request: "Request") -> "Answer":
        """The answer to one request."""
        if request.path not in self._paths:
            return 404, dict(PLAIN), f"no {request.path:.80} here; there is {', '.join(self._paths)}\n".encode()
        if request.method not in ("GET", "HEAD"):
            return 405, PLAIN | {"Allow": "GET, HEAD"}, b"GET or HEAD expected\n"
        if request.path == METRICS:
            return self._metrics(request.headers)
        if request.path == HEALTHY:
            return 200, dict(PLAIN), b"ok\n"
        return 200, {"Content-Type": "text/html; charset=utf-8"}, self._start().encode()

    def _metrics(self, asked: dict[str, str]) -> "Answer":
        texts = self._scrape()
        as_openmetrics = wants_openmetrics(asked.get("accept", ""))
        body = openmetrics(texts) if as_openmetrics else b"".join(texts)
        headers = {"Content-Type": OPENMETRICS if as_openmetrics else TEXT, "Vary": "Accept, Accept-Encoding"}
        if len(body) >= GZIP_FROM_BYTES and accepts_gzip(asked.get("accept-encoding", "")):
            headers["Content-Encoding"] = "gzip"
            body = gzip(body)
        return 200, headers, body

    def _start(self) -> str:
        links = "\n".join(f'<li><a href="{path}">{path}</a></li>' for path in (METRICS, HEALTHY))
        return (
            "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>tocsin-agent</title>\n"
            f"<h1>tocsin-agent {__version__}</h1>\n<ul>\n{links}\n</ul>\n"
        )
