"""What the agent tells of itself: its version, what its server has done, how its configuration was read."""

import sys

from tocsin_agent import __version__
from tocsin_agent.exposition import family, number, template
from tocsin_schema.metrics.agent import AGENT_INFO, HTTP_CONNECTIONS, HTTP_CUT, HTTP_REQUESTS
from tocsin_schema.metrics.agent_serving import HANDSHAKES_FAILED, RELOAD_SUCCESSFUL, RELOAD_TIME, TAKEOVERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.httpd.server import Server

SINGLE = (HTTP_CONNECTIONS, HTTP_CUT, HANDSHAKES_FAILED, TAKEOVERS, RELOAD_SUCCESSFUL, RELOAD_TIME)


class About:
    """A template that is made anew when the server gives a status for the first time."""

    def __init__(self) -> None:
        version = {"version": __version__, "python": ".".join(map(str, sys.version_info[:3]))}
        self._always = family(AGENT_INFO, [(version, 1)]).replace(b"%", b"%%")
        self._always += b"".join([template(metric, [{}]) for metric in SINGLE])
        self._codes: list[int] = []
        self._template = self._always

    def text(self, server: "Server", read_well: bool, read_at: float) -> bytes:
        """The families as they are now."""
        codes = sorted(server.requests)
        if codes != self._codes:
            self._codes = codes
            self._template = self._always + template(HTTP_REQUESTS, [{"code": str(code)} for code in codes])
        counts = (len(server.connections), server.cut, server.refused, server.taken_over, read_well)
        values = [b"%d" % count for count in counts]
        return self._template % (*values, number(read_at), *[b"%d" % server.requests[code] for code in codes])
