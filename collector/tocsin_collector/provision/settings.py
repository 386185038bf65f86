"""The part of the configuration that provisioning reads, validated before anything is asked or written."""

import os
import ssl
from typing import Any
from urllib.parse import urlsplit

from tocsin_collector.provision.client import Login
from tocsin_collector.provision.sources import basic
from tocsin_schema.config import ConfigError, secret

Values = dict[str, Any]

_SERVERS = ("prometheus", "alertmanager", "grafana", "elasticsearch")
NOTHING = (
    "nothing to provision: neither grafana.url nor prometheus.rules_dir is set. Name them in the collector's "
    "configuration (tocsin provision apply --config collector.toml, or TOCSIN_GRAFANA_URL and "
    "TOCSIN_PROMETHEUS_RULES_DIR), or write files with `tocsin provision export`"
)


def check(values: Values, *, targets: bool = True) -> None:
    """Raise ConfigError with every fault. Without ``targets`` the configuration may name nothing to write to."""
    addresses = ("grafana.url", "grafana.public_url", "prometheus.url", "alertmanager.url")
    faults = [fault for key in addresses for fault in _address(key, values)]
    faults += [fault for url in values["elasticsearch.urls"] for fault in _url("elasticsearch.urls", url)]
    for server in _SERVERS:
        faults += _authority(server, values) + _login_faults(server, values)
    if targets:
        if not values["grafana.url"] and not values["prometheus.rules_dir"]:
            faults.append(NOTHING)
        faults += _credentials(values) + _folder(values)
        if values["alerting.judge"] == "grafana" and not (values["grafana.url"] and values["prometheus.url"]):
            faults.append(
                "alerting.judge = grafana: grafana.url and prometheus.url are needed: its rules ask that Prometheus"
            )
    if faults:
        raise ConfigError(faults)


def grafana(values: Values) -> Login:
    """How Grafana is asked. Raises ConfigError for a secret that cannot be read or is empty."""
    return _login("Grafana", values)


def prometheus(values: Values) -> Login:
    """How Prometheus is asked; as ``grafana``."""
    return _login("Prometheus", values)


def _login(product: str, values: Values) -> Login:
    server = product.lower()
    headers: dict[str, str] = {}
    keys, secrets = "", tuple[str, ...]()
    if path := values[f"{server}.token_file"]:
        keys = f"{server}.token_file"
        token = _secret(keys, path)
        if not token.isascii():
            raise ConfigError([f"{keys} = {path}: a token has no other characters than those of ASCII"])
        headers, secrets = {"Authorization": f"Bearer {token}"}, (token,)
    elif user := values[f"{server}.username"]:
        password = _secret(f"{server}.password_file", values[f"{server}.password_file"])
        value = basic(user, password)
        keys = f"{server}.username and {server}.password_file"
        headers, secrets = {"Authorization": value}, (password, value.removeprefix("Basic "))
    url, ca_file = str(values[f"{server}.url"]).rstrip("/"), str(values[f"{server}.ca_file"])
    return Login(product, url, server, keys, headers, secrets, ca_file)


def _secret(key: str, path: str) -> str:
    try:
        found = secret(path)
    except UnicodeDecodeError:
        raise ConfigError([f"{key} = {path}: no text"]) from None
    if not found:
        raise ConfigError([f"{key} = {path}: the file is empty"])
    if not found.isprintable():
        raise ConfigError([f"{key} = {path}: one line of printable characters expected"])
    return found


def _address(key: str, values: Values) -> list[str]:
    return _url(key, values[key]) if values[key] else []


def _url(key: str, text: str) -> list[str]:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return [f"{key}: http://host:port expected"]
    if parts.username is not None or parts.password is not None:
        # The address itself is not repeated: it holds a secret.
        return [f"{key}: a user or password does not belong into an address; there are keys for them"]
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not text.isprintable():
        return [f"{key} = {text!r:.200}: http://host:port expected"]
    if parts.query or parts.fragment:
        return [f"{key} = {text!r:.200}: the address without ? and # expected"]
    return []


def _authority(server: str, values: Values) -> list[str]:
    path = values[f"{server}.ca_file"]
    if not path:
        return []
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        return [f"{server}.ca_file = {path}: no certificate in PEM form is in it"]
    except OSError as error:
        return [f"{server}.ca_file = {path}: cannot be read: {error.strerror}"]
    return []


def _login_faults(server: str, values: Values) -> list[str]:
    key = "api_key_file" if server == "elasticsearch" else "token_file"
    user, password = values[f"{server}.username"], values[f"{server}.password_file"]
    if values[f"{server}.{key}"] and user:
        return [f"{server}.{key} and {server}.username are both set: one of them is enough"]
    if bool(user) != bool(password):
        one, other = ("username", "password_file") if user else ("password_file", "username")
        return [f"{server}.{one} needs {server}.{other}"]
    return []


def _credentials(values: Values) -> list[str]:
    if not values["grafana.url"] or values["grafana.token_file"] or values["grafana.username"]:
        return []
    return ["grafana.token_file, or grafana.username with grafana.password_file, is needed to write to grafana.url"]


def _folder(values: Values) -> list[str]:
    folder = values["prometheus.rules_dir"]
    if not folder:
        return []
    if not os.path.isdir(folder):
        return [f"prometheus.rules_dir = {folder}: no such folder; make it, and name it in Prometheus' rule_files"]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [f"prometheus.rules_dir = {folder}: cannot be written by this user"]
    return []
