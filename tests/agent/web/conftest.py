"""Certificates for all tests of ``web.yml``, and files that name them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agent.certificates import Authority
from tests.agent.web.protected import Protected

# Of cost 4, so that a test does not wait: wonderland and bücher.
ALICE = "$2y$04$abcdefghijklmnopqrstuujZkTwHUiJ9XdZPwKfcfDo7dMp5DjlTu"
BOB = "$2y$04$abcdefghijklmnopqrstuu6.LBj2VvQC.H7RrT5XIXxhrNc/ua1SC"


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """server, client and stranger (of another authority); server2 is another certificate for the same host."""
    authority = Authority(str(tmp_path_factory.mktemp("pki")))
    for name in ("server", "server2"):
        authority.sign(name)
    authority.sign("rsa", kind="rsa")
    authority.sign("client", "DNS:scraper.example,IP:10.0.0.1,IP:2001:db8::1,email:a@example.org,URI:spiffe://x/y")
    other = Authority(str(tmp_path_factory.mktemp("strangers")))
    other.sign("stranger", "DNS:scraper.example")
    authority.stranger = other.path("stranger.pem"), other.path("stranger.key")  # type: ignore[attr-defined]
    return authority


@pytest.fixture
def web_yml(tmp_path: Path, pki: Authority) -> Callable[[str], str]:
    """Write a web.yml beside links to the certificates' files; gives its path."""
    for name in (
        "ca.pem",
        "server.pem",
        "server.key",
        "server2.pem",
        "server2.key",
        "rsa.pem",
        "rsa.key",
        "client.pem",
    ):
        (tmp_path / name).symlink_to(pki.path(name))

    def write(text: str) -> str:
        (tmp_path / "web.yml").write_text(text)
        return str(tmp_path / "web.yml")

    return write


@pytest.fixture
def protected(web_yml, pki) -> Iterator[Callable[[str], Protected]]:
    """Start a server behind a text of web.yml."""
    made: list[Protected] = []

    def make(text: str) -> Protected:
        made.append(Protected(web_yml(text), pki))
        return made[-1]

    yield make
    for one in made:
        one.server.stop()
        one.thread.join(10)
        assert not one.thread.is_alive()
