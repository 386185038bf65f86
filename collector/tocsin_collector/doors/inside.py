"""How what runs beside a collector on its machine reaches it: by the doors that everybody else has."""

import os
import ssl
import urllib.error
import urllib.request
from http.client import HTTPResponse
from typing import NamedTuple

from tocsin_schema.config import ConfigError
from tocsin_schema.web import webconfig

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}  # noqa: S104 - read, never listened on


class Inside(NamedTuple):
    """The collector's address and, under TLS, whom to believe and what to show; "" for none of it."""

    url: str
    web_config_file: str = ""
    ca_file: str = ""
    cert_file: str = ""
    has_users: bool = False
    """Whether nobody comes in without a password or a key."""

    def open(self, path: str, timeout_s: float, **request: object) -> HTTPResponse:
        """The answer to a request. Raises OSError; ssl.SSLError where either side does not believe the other."""
        context = None
        if self.url.startswith("https:"):
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                context.load_cert_chain(self.cert_file)
        asked = urllib.request.Request(self.url + path, **request)  # type: ignore[arg-type]  # noqa: S310
        try:
            found: HTTPResponse = urllib.request.urlopen(asked, timeout=timeout_s, context=context)  # noqa: S310
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLError):
                raise error.reason from None
            raise
        return found


def inside(listen: str, web_config_file: str) -> Inside:
    """The way to a collector that listens there and takes this ``web.yml``. Raises ConfigError.

    ``TOCSIN_CA_FILE`` names the authority; without it the certificate of the ``web.yml`` has to be its own, as one
    from a first try is. ``TOCSIN_CERT_FILE`` is shown where client certificates are asked for.
    """
    host, _, port = listen.rpartition(":")
    reached = f"{_EVERY_ADDRESS.get(host, host)}:{port}"
    if not web_config_file:
        return Inside(f"http://{reached}")
    path = os.path.abspath(web_config_file)
    config = webconfig.load(path)
    if not config["tls"]:
        return Inside(f"http://{reached}", path, has_users=bool(config["users"]))
    ca_file, cert_file = (os.environ.get(name, "") for name in ("TOCSIN_CA_FILE", "TOCSIN_CERT_FILE"))
    ca_file = ca_file or config["tls"].get("cert_file") or ""
    if not ca_file:
        raise ConfigError([f"{path}: tls_server_config.cert: name the authority of this certificate in TOCSIN_CA_FILE"])
    return Inside(
        f"https://{reached}",
        path,
        os.path.abspath(ca_file),
        os.path.abspath(cert_file) if cert_file else "",
        bool(config["users"]),
    )
