"""Grafana's data sources: the Prometheus of the rules and boards, and the Elasticsearch of the logs.

``timeInterval`` is the interval of the scrapes: without it Grafana takes 15 s, and every ``$__rate_interval`` over
slower scrapes is empty. Credentials are written only; Grafana never gives them back, so a slow hash of them stands
beside: it tells that they have changed, and guessing a password from it costs 50 ms a guess.
"""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from tocsin_collector.provision.difference import Item
from tocsin_collector.provision.stamp import Json
from tocsin_schema.config import secret

KIND = "data source"
PROMETHEUS, ELASTICSEARCH = "tocsin-prometheus", "tocsin-elasticsearch"
MANAGED = "tocsin"
"""``jsonData.managedBy`` of a data source that is ours."""

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """One data source. ``files`` are the files of its secrets by the name under which Grafana keeps them, each with the
    words before and after the file's content."""

    item: Item
    files: dict[str, tuple[str, str, str]]


def sources(values: Values, interval_s: float) -> list[Source]:
    """The data sources that the configuration names. Raises ConfigError for a secret that cannot be read."""
    found = []
    if values["prometheus.url"]:
        json_data: Json = {"timeInterval": f"{interval_s:g}s", "httpMethod": "POST"}
        found.append(
            _source(PROMETHEUS, "tocsin Prometheus", "prometheus", str(values["prometheus.url"]), json_data, values)
        )
    if values["elasticsearch.urls"]:
        json_data = {
            "timeInterval": f"{interval_s:g}s",
            "index": f"logs-*-{values['elasticsearch.namespace']}",
            "timeField": "@timestamp",
            "logMessageField": "message",
            "logLevelField": "log.level",
        }
        url = str(values["elasticsearch.urls"][0])
        found.append(_source(ELASTICSEARCH, "tocsin Elasticsearch", "elasticsearch", url, json_data, values))
    return found


def _source(uid: str, name: str, type_: str, url: str, json_data: Json, values: Values) -> Source:
    body: Json = {"uid": uid, "name": name, "type": type_, "access": "proxy", "url": url.rstrip("/")}
    body["basicAuth"] = bool(values.get(f"{type_}.username"))
    json_data = {**json_data, "managedBy": MANAGED}
    files: dict[str, tuple[str, str, str]] = {}
    for key, scheme in (("token_file", "Bearer "), ("api_key_file", "ApiKey ")):
        if path := values.get(f"{type_}.{key}"):
            json_data["httpHeaderName1"] = "Authorization"
            files["httpHeaderValue1"] = (scheme, str(path), "")
    if values.get(f"{type_}.username"):
        body["basicAuthUser"] = values[f"{type_}.username"]
        if path := values.get(f"{type_}.password_file"):
            files["basicAuthPassword"] = ("", str(path), "")
    if path := values.get(f"{type_}.ca_file"):
        json_data["tlsAuthWithCACert"] = True
        files["tlsCACert"] = ("", str(path), "\n")
    read = {name: before + secret(path) + after for name, (before, path, after) in files.items()}
    # Empty where there is none, so that the last one that goes is noticed.
    json_data["tocsinSecrets"] = _slow_hash(uid, read) if read else ""
    return Source(Item(KIND, uid, {**body, "jsonData": json_data}, read), files)


def _slow_hash(uid: str, secrets: dict[str, str]) -> str:
    told = "\0".join(f"{name}={value}" for name, value in sorted(secrets.items()))
    return hashlib.scrypt(told.encode(), salt=uid.encode(), n=1 << 14, r=8, p=1, dklen=6).hex()


def basic(username: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
