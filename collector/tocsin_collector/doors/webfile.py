"""The collector's ``web.yml``: the same file, refusals and renewal as the agent's (``tocsin_schema.web``)."""

import logging
import ssl
import time
from typing import Any, Self

from tocsin_schema.web.protection import Protection

_log = logging.getLogger(__name__)


def protection(path: str) -> Protection | None:
    """What the file asks for, None without a path. Raises ConfigError with all faults."""
    return Protection(path, time.monotonic, _tell) if path else None


class Renewed(ssl.SSLContext):
    """A context whose connections each get the newest certificate and authority; the server is given it once."""

    _protection: Protection

    def __new__(cls, protection: Protection) -> Self:
        """One over a protection that has TLS, and keeps it: a changed file cannot take it away."""
        made = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        made._protection = protection
        return made

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        """The TLS of one connection."""
        self._protection.refresh()
        assert self._protection.context is not None  # noqa: S101 - see __new__
        return self._protection.context.wrap_bio(*given, **named)


def _tell(event: str, **fields: object) -> None:
    _log.warning("%s %s", event, " ".join(f"{name}={value}" for name, value in fields.items()))
