"""Who may ask for what is an operator's: somebody on this host, at a shell.

The agent's pages are often open to a network of scrapers, and a scraper's password must not be enough to blind it. So
paths of handlers below ``/-/`` are answered to loopback alone, and there neither to a proxy, which would lend its
address to everybody, nor to a browser, in which any page can send a POST to loopback without asking (browsers tell so
by Origin). Passwords and client certificates of ``web.yml`` are asked for besides.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

OPERATORS = "/-/"
OF_BROWSERS = ("origin", "sec-fetch-site", "referer")
OF_PROXIES = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def refusal(peer: str, headers: "Mapping[str, str]") -> str:
    """Why a client at an address may not ask, "" when it may."""
    if not (peer.startswith(("127.", "::ffff:127.")) or peer == "::1"):
        return "only from this host's loopback: ask there, as with `kubectl exec` or ssh"
    for names, who in ((OF_BROWSERS, "a browser"), (OF_PROXIES, "a proxy")):
        found = [name for name in names if name in headers]
        if found:
            return f"not through {who} (header {found[0]}): ask directly, as with curl"
    return ""
