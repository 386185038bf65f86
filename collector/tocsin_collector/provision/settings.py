"""The part of the configuration that provisioning reads, validated before anything is asked or written."""

import os
import ssl
from typing import Any
from urllib.parse import urlsplit

from tocsin_collector.provision.client import Login
from tocsin_collector.provision.sources import basic
from tocsin_schema.config import ConfigError, secret

Values = dict[str, Any]

NOTHING = (
    "nothing to provision: neither grafana.url nor prometheus.rules_dir is set. Name them in the collector's "
    "configuration (tocsin provision apply --config collector.toml, or TOCSIN_GRAFANA_URL and "
    "TOCSIN_PROMETHEUS_RULES_DIR), or write files with `tocsin provision export`"
)


def check(values: Values, *, targets: bool = True) -> None:
    """Raise ConfigError with every fault. Without ``targets`` the configuration may name nothing to write to."""
    faults = [
        fault for key in ("grafana.url", "grafana.public_url", "prometheus.url") for fault in _address(key, values)
    ]
    faults += [fault for url in values["elasticsearch.urls"] for fault in _url("elasticsearch.urls", url)]
    faults += [fault for key in ("grafana", "prometheus", "elasticsearch") for fault in _authority(key, values)]
    faults += _exclusive(values)
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
    secrets: tuple[str, ...]
    if path := values["grafana.token_file"]:
        token = _secret("grafana.token_file", path)
        headers, keys, secrets = {"Authorization": f"Bearer {token}"}, "grafana.token_file", (token,)
    else:
        password = _secret("grafana.password_file", values["grafana.password_file"])
        value = basic(values["grafana.username"], password)
        headers, keys = {"Authorization": value}, "grafana.username and grafana.password_file"
        secrets = (password, value.removeprefix("Basic "))
    url = str(values["grafana.url"]).rstrip("/")
    return Login(
        "Grafana", url, "grafana.url", "grafana.ca_file", keys, headers, secrets, str(values["grafana.ca_file"])
    )


def prometheus(values: Values) -> Login:
    """How Prometheus is asked."""
    headers: dict[str, str] = {}
    keys, secrets = "", tuple[str, ...]()
    if path := values["prometheus.token_file"]:
        token = _secret("prometheus.token_file", path)
        headers, keys, secrets = {"Authorization": f"Bearer {token}"}, "prometheus.token_file", (token,)
    url, ca_file = str(values["prometheus.url"]).rstrip("/"), str(values["prometheus.ca_file"])
    return Login("Prometheus", url, "prometheus.url", "prometheus.ca_file", keys, headers, secrets, ca_file)


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


def _exclusive(values: Values) -> list[str]:
    pairs = (("grafana", "token_file"), ("elasticsearch", "api_key_file"))
    return [
        f"{server}.{key} and {server}.username are both set: one of them is enough"
        for server, key in pairs
        if values[f"{server}.{key}"] and values[f"{server}.username"]
    ]


def _credentials(values: Values) -> list[str]:
    if not values["grafana.url"] or values["grafana.token_file"]:
        return []
    if not values["grafana.username"]:
        return ["grafana.token_file, or grafana.username with grafana.password_file, is needed to write to grafana.url"]
    return [] if values["grafana.password_file"] else ["grafana.username needs grafana.password_file"]


def _folder(values: Values) -> list[str]:
    folder = values["prometheus.rules_dir"]
    if not folder:
        return []
    if not os.path.isdir(folder):
        return [f"prometheus.rules_dir = {folder}: no such folder; make it, and name it in Prometheus' rule_files"]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [f"prometheus.rules_dir = {folder}: cannot be written by this user"]
    return []
