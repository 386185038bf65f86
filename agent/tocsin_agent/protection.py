"""The agent's server behind a ``web.yml``: read in a short-lived child, since PyYAML's 6 MiB need not stay."""

from tocsin_agent.child import ChildError, in_child
from tocsin_agent.log import event
from tocsin_schema.web import protection, webconfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_agent.httpd.tls import Channel
    from tocsin_schema.web.webconfig import Config


class Protection(protection.Protection):
    """What one file asks for. Raises ConfigError with all faults."""

    def __init__(self, path: str, clock: "Callable[[], float]") -> None:
        super().__init__(path, clock, event, read)

    def channel(self) -> "Channel | None":
        """The TLS of a new connection, None for plain HTTP."""
        self.refresh()
        if self.context is None:
            return None
        from tocsin_agent.httpd.tls import Channel

        return Channel(self.context, self.allowed)


def read(path: str) -> "tuple[Config, list[str]]":
    """The content of a file and its faults."""
    try:
        config, faults = in_child(lambda: webconfig.read(path))
    except ChildError as error:
        return {}, [f"cannot be read: {error}"]
    return config, faults
