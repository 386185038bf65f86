"""ADDRESS:PORT."""

import pytest

from tocsin_agent.httpd.address import parse, url


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("127.0.0.1:10300", "127.0.0.1", 10300),
        (":0", "0.0.0.0", 0),
        ("[::1]:80", "::1", 80),
        ("localhost:9", "localhost", 9),
    ],
)
def test_addresses(listen, host, port):
    assert parse(listen) == (host, port)


@pytest.mark.parametrize("listen", ["", "10300", "localhost", "::1:80", "a:70000", "a:-1", "a:٣", "a:", "http://a:80/"])
def test_anything_else_says_what_is_expected(listen):
    with pytest.raises(ValueError, match=r"expected, as in"):
        parse(listen)


def test_the_address_of_a_client():
    assert (url("::1", 80), url("127.0.0.1", 5)) == ("http://[::1]:80", "http://127.0.0.1:5")
