"""The server's side of ASGI, by hand."""

from typing import Any


def http_scope(path: str = "/predict", headers: list[tuple[bytes, bytes]] | None = None) -> dict[str, Any]:
    """A request as a server would hand it to the application."""
    return {"type": "http", "method": "POST", "path": path, "headers": headers or [], "query_string": b""}


class Wire:
    """Both ends that an application sees: ``sent`` has its messages; ``receive`` gives body, then disconnect."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.sent: list[Any] = []
        self.fails = fails
        self.incoming: list[dict[str, Any]] = [
            {"type": "http.request", "body": b"{}", "more_body": False},
            {"type": "http.disconnect"},
        ]

    async def receive(self) -> dict[str, Any]:
        return self.incoming.pop(0)

    async def send(self, message: Any) -> None:
        if self.fails:
            raise self.fails
        self.sent.append(message)
