"""What stands between a server's pages and a client when a ``web.yml`` is configured: TLS, passwords, headers.

The files are looked at with each connection and request, as exporter-toolkit does (a stat costs 2 us): a new
certificate, user or header holds from then on. A file that is wrong changes nothing and is told once. Protection can be
changed in this way, but not taken away: a file cut to nothing must not open the door.
"""

import os

from tocsin_schema.config import ConfigError
from tocsin_schema.web import webconfig
from tocsin_schema.web.password import checker
from tocsin_schema.web.users import Users

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext
    from typing import TypeAlias

    from tocsin_schema.web.webconfig import Config, Reader

    Stamps: TypeAlias = dict[str, tuple[int, int, int] | None]


class Protection:
    """What one file asks for; ``tell(event, **fields)`` is the server's log. Raises ConfigError with all faults."""

    def __init__(
        self,
        path: str,
        clock: "Callable[[], float]",
        tell: "Callable[..., None]",
        read: "Reader" = webconfig.read,
    ) -> None:
        self.path = path
        self.headers: dict[str, str] = {}
        self.users: Users | None = None
        self.context: SSLContext | None = None
        self.allowed: frozenset[str] = frozenset()
        """The names of which a client's certificate must have one, if any."""
        self._limit = Limit(0.0, 0, clock)
        self._clock = clock
        self._tell = tell
        self._read = read
        self._config: Config = {}
        self._seen = self._stamps()
        self._take(webconfig.load(self.path, self._read))
        self._seen = self._stamps() | self._seen

    @property
    def encrypted(self) -> bool:
        """Whether clients speak TLS."""
        return self.context is not None

    def weakened_by(self, other: "Protection | None") -> str:
        """What another one would take away, "" when it is nothing."""
        return weakens(self._config, other._config if other else {"tls": None, "users": {}})

    def allows(self) -> bool:
        """Whether one more request is within ``rate_limit``."""
        return self._limit.allows()

    def refresh(self) -> None:
        """Take up what has changed in the files since they were looked at."""
        stamps = self._stamps()
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            config = webconfig.load(self.path, self._read)
            self._refuse_weaker(config)
            self._take(config)
        except ConfigError as error:
            for fault in error.faults:
                self._tell("web_config_refused", fault=fault)
            return
        now = self._stamps()
        self._seen = now | {
            path: stamp for path, stamp in stamps.items() if path in now
        }  # what changed meanwhile counts
        self._tell("web_config_taken", file=self.path)

    def _refuse_weaker(self, config: "Config") -> None:
        weaker = weakens(self._config, config)
        if weaker:
            raise ConfigError([f"{self.path}: {weaker}"])

    def _take(self, config: "Config") -> None:
        context: SSLContext | None = None
        if config["tls"]:
            from tocsin_schema.web.context import ContextError
            from tocsin_schema.web.context import context as made

            try:
                context = made(config["tls"])
            except ContextError as error:  # well a moment ago, in the child
                raise ConfigError([f"{self.path}: tls_server_config.{error}"]) from None
        if config["users"] != self._config.get("users"):
            check = checker() if config["users"] else None
            self.users = Users(config["users"], check) if check else None
        if config["rate_limit"] != self._config.get("rate_limit"):
            interval_s, burst = config["rate_limit"]
            self._limit = Limit(interval_s, burst, self._clock)
        self.context = context
        self.allowed = frozenset((config["tls"] or {}).get("client_allowed_sans") or ())
        self.headers = config["headers"]
        self._config = config

    def _stamps(self) -> "Stamps":
        tls = self._config.get("tls") or {}
        return {path: stamp(path) for path in (self.path, *(tls.get(key) for key in webconfig.FILES)) if path}


def weakens(old: "Config", new: "Config") -> str:
    """What a new configuration would take away, "" when it is nothing."""
    if old["tls"] and not new["tls"]:
        return "it would end TLS: only a restart does that"
    if old["users"] and not new["users"]:
        return "it would let everybody in without a password: only a restart does that"
    return ""


def stamp(path: str) -> tuple[int, int, int] | None:
    """What tells one content of a file from the next: time, inode, size; None where there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


class Limit:
    """A bucket of tokens: one comes back each ``interval_s``, at most ``burst`` of them are there. 0 s: no limit."""

    def __init__(self, interval_s: float, burst: int, clock: "Callable[[], float]") -> None:
        self._interval_s = interval_s
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()

    def allows(self) -> bool:
        """Take a token. False when there is none."""
        if not self._interval_s:
            return True
        now = self._clock()
        self._tokens = min(self._tokens + (now - self._at) / self._interval_s, float(self._burst))
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
