"""Who may ask for what is an operator's."""

import pytest

from tocsin_agent.httpd.local import refusal


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback_may(peer):
    assert refusal(peer, {"host": "localhost", "user-agent": "curl/8"}) == ""


@pytest.mark.parametrize("peer", ["10.0.0.1", "1270.0.0.1", "::2", "fe80::1", "::ffff:10.0.0.1", ""])
def test_others_may_not(peer):
    assert "loopback" in refusal(peer, {})


@pytest.mark.parametrize("header", ["origin", "sec-fetch-site", "referer"])
def test_a_browsers_page_may_not(header):
    assert header in refusal("127.0.0.1", {header: "http://127.0.0.1:10300"})


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-real-ip", "via"])
def test_a_proxy_may_not(header):
    assert header in refusal("::1", {header: "10.0.0.1"})
