"""A collector behind a ``web.yml`` and keys, and the certificates for it."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agent.certificates import Authority
from tests.collector.doors.visitor import Collector, running


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """server and server2 for this host, client under scraper.example, and another authority's stranger."""
    authority = Authority(str(tmp_path_factory.mktemp("doors-pki")))
    for name in ("server", "server2"):
        authority.sign(name)
    authority.sign("client", "DNS:scraper.example")
    other = Authority(str(tmp_path_factory.mktemp("doors-strangers")))
    other.sign("stranger", "DNS:scraper.example")
    authority.stranger = other.path("stranger.pem"), other.path("stranger.key")  # type: ignore[attr-defined]
    return authority


@pytest.fixture
def web_yml(tmp_path: Path, pki: Authority) -> Callable[[str], str]:
    """Write a web.yml beside the certificates' files; gives its path."""
    for name in ("ca.pem", "server.pem", "server.key"):
        (tmp_path / name).write_bytes(Path(pki.path(name)).read_bytes())

    def write(text: str) -> str:
        (tmp_path / "web.yml").write_text(text)
        return str(tmp_path / "web.yml")

    return write


@pytest.fixture
def collector(tmp_path: Path, pki: Authority) -> Iterator[Callable[..., Collector]]:
    """Start a collector with these settings, ``web_config_file`` or another."""
    with contextlib.ExitStack() as stack:
        yield lambda **values: stack.enter_context(running(str(tmp_path / "data"), pki, **values))
