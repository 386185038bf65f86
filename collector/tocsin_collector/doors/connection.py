"""One client's connection: uvicorn's, and what it does not look at.

uvicorn has a time for a connection between two requests and none for anything else: no first request has to come, a
head or a body may take for ever, a head may be of any size, and nobody counts connections before a request is whole.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tocsin_schema.web.names import named
from tocsin_schema.web.protection import Protection


class Connection(HttpToolsProtocol):
    """``protection`` is the ``web.yml``, None without one."""

    def __init__(self, protection: Protection | None, **given: Any) -> None:
        super().__init__(**given)
        self._protection = protection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let a client in whose certificate has one of the names that are asked for."""
        if self._protection and not named(transport.get_extra_info("peercert"), self._protection.allowed):
            transport.abort()
            return
        super().connection_made(transport)

    def shutdown(self) -> None:
        """The server ends: an idle connection goes at once, since the end of TLS would wait for its client."""
        if self.cycle is None or (self.cycle.response_complete and not self.transport.get_write_buffer_size()):
            self.transport.abort()
        else:
            super().shutdown()
