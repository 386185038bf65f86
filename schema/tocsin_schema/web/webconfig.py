"""``web.yml``: TLS, client certificates, passwords and headers of a server, in exporter-toolkit's format.

Reading loads PyYAML and ``ssl`` and tries every file: what comes back is plain data, or one line a fault. No line tells
a secret: YAML's own messages show the text around a fault and are not used.
"""

import os

from tocsin_schema.config import ConfigError
from tocsin_schema.web.password import checker, fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Config: TypeAlias = dict[str, Any]
    """``tls`` (None without TLS), ``headers``, ``users`` and ``rate_limit`` (interval in seconds and burst)."""
    Reader: TypeAlias = Callable[[str], tuple[Config, list[str]]]
    """What a file asks for, and its faults."""

TEXT, BOOLEAN, INTEGER, LIST, TEXTS, DURATION = "text", "boolean", "integer", "list", "texts", "duration"
FILES = ("cert_file", "key_file", "client_ca_file")
SECTIONS: "dict[str, dict[str, str]]" = {
    "tls_server_config": {
        "cert": TEXT, "key": TEXT, "client_ca": TEXT, "cert_file": TEXT, "key_file": TEXT, "client_ca_file": TEXT,
        "client_auth_type": TEXT, "client_allowed_sans": LIST, "min_version": TEXT, "max_version": TEXT,
        "cipher_suites": LIST, "prefer_server_cipher_suites": BOOLEAN, "curve_preferences": LIST,
    },
    "http_server_config": {"http2": BOOLEAN, "headers": TEXTS},
    "rate_limit": {"interval": DURATION, "burst": INTEGER},
}  # fmt: skip
USERS = "basic_auth_users"
HEADERS: "dict[str, tuple[str, ...]]" = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}
NO_CERTIFICATE = ("", "NoClientCert", "RequestClientCert")
UNVERIFIED = ("RequireAnyClientCert", "RequireClientCert")
VERIFIED = ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
VERSIONS = ("TLS10", "TLS11", "TLS12", "TLS13")
UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def read(path: str) -> "tuple[Config, list[str]]":
    """The content of a file and its faults; loads what is needed for that."""
    try:
        yaml = __import__("yaml")  # by name: no dependency, only for who configures a web.yml
    except ImportError:
        return {}, ["PyYAML is needed to read it: apt install python3-yaml, or pip install PyYAML"]
    try:
        with open(path, "rb") as file:
            tree, lines = _Tree(yaml).of(file.read().decode())
        if lines:
            return {}, lines
        config, faults = checked(tree, os.path.dirname(os.path.abspath(path)))
        return config, faults or _tried(config)
    except OSError as error:
        return {}, [f"cannot be read: {error.strerror}"]
    except UnicodeDecodeError as error:
        return {}, [f"no UTF-8 at byte {error.start}"]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        return {}, [f"{where}no YAML: {getattr(error, 'problem', None) or 'it cannot be read'}"]
    except RecursionError:
        return {}, ["nested too deeply"]


def load(path: str, by: "Reader" = read) -> "Config":
    """The content of a file. Raises ConfigError with all faults."""
    config, faults = by(path)
    if faults:
        raise ConfigError([f"{path}: {line}" for line in faults])
    return config


def _tried(config: "Config") -> list[str]:
    """Whether this host can do what the configuration asks for."""
    faults = []
    if config["users"] and checker() is None:
        faults.append(f"{USERS}: nothing on this host knows bcrypt: pip install bcrypt")
    if config["tls"]:
        from tocsin_schema.web.context import ContextError, context

        try:
            context(config["tls"])
        except ContextError as error:
            faults.append(f"tls_server_config.{error}")
    return faults


class _Tree:
    """Values from YAML's nodes, each key once, each of the type of its key; anything else is a line of ``faults``."""

    def __init__(self, yaml: "Any") -> None:
        self._yaml = yaml
        self.faults: list[str] = []

    def of(self, text: str) -> "tuple[Config, list[str]]":
        """The sections, and what is wrong with them."""
        root = self._yaml.compose(text, self._yaml.SafeLoader)
        found: Config = {}
        for name, node in self._pairs(root, "the file"):
            if name == USERS:
                found[name] = self._texts(node, name)
            elif name in SECTIONS:
                found[name] = self._section(node, name, SECTIONS[name])
            else:
                self._fault(node, f"{name}: unknown key; there are: {', '.join((*SECTIONS, USERS))}")
        return found, self.faults

    def _section(self, node: "Any", name: str, keys: dict[str, str]) -> "Config":
        found: Config = {}
        for key, value in self._pairs(node, name):
            if key in keys:
                found[key] = getattr(self, f"_{keys[key]}")(value, f"{name}.{key}")
            else:
                self._fault(value, f"{name}.{key}: unknown key; there are: {', '.join(keys)}")
        return found

    def _pairs(self, node: "Any", where: str) -> "list[tuple[str, Any]]":
        if node is None or node.tag.endswith(":null"):
            return []
        if not isinstance(node, self._yaml.MappingNode):
            self._fault(node, f"{where}: keys and values expected")
            return []
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = self._text(key, where)
            if name in found:
                self._fault(key, f"{where}: {name!r:.80} stands twice")
            found[name] = value
        return list(found.items())

    def _text(self, node: "Any", where: str) -> str:
        if not isinstance(node, self._yaml.ScalarNode):
            self._fault(node, f"{where}: a text expected")
            return ""
        return "" if node.tag.endswith(":null") else str(node.value)

    def _boolean(self, node: "Any", where: str) -> bool:
        if not node.tag.endswith(":bool"):
            self._fault(node, f"{where}: true or false expected")
            return False
        return node.value.lower() in ("true", "yes", "on")

    def _integer(self, node: "Any", where: str) -> int:
        text = self._text(node, where)
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            self._fault(node, f"{where}: a whole number expected")
            return 0
        return int(text)

    def _list(self, node: "Any", where: str) -> list[str]:
        if node.tag.endswith(":null"):
            return []
        if not isinstance(node, self._yaml.SequenceNode):
            self._fault(node, f"{where}: a list expected")
            return []
        return [self._text(item, where) for item in node.value]

    def _texts(self, node: "Any", where: str) -> dict[str, str]:
        return {name: self._text(value, f"{where}.{name}") for name, value in self._pairs(node, where)}

    def _duration(self, node: "Any", where: str) -> float:
        seconds = duration_s(self._text(node, where))
        if seconds is None:
            self._fault(node, f"{where}: a duration expected, as in 500ms or 1m30s")
        return seconds or 0.0

    def _fault(self, node: "Any", what: str) -> None:
        self.faults.append(f"line {node.start_mark.line + 1}: {what}")


def duration_s(text: str) -> float | None:
    """The seconds of a duration as Go writes it (``1m30s``, ``0``); None when it is none."""
    if text == "0":
        return 0.0
    seconds, digits, rest = 0.0, "", text
    while rest:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789."))]
        rest = rest[len(digits) :]
        unit = rest[: len(rest) - len(rest.lstrip("nuµmsh"))]
        rest = rest[len(unit) :]
        if unit not in UNITS_S or not digits.replace(".", "", 1).isdigit():
            return None
        seconds += float(digits) * UNITS_S[unit]
    return seconds if text else None


def checked(tree: "Config", folder: str) -> "tuple[Config, list[str]]":
    """The sections as the server takes them, paths made whole, and what contradicts itself."""
    faults: list[str] = []
    tls = dict(tree.get("tls_server_config", {}))
    for key in FILES:
        if tls.get(key):
            tls[key] = os.path.join(folder, tls[key])
    faults += [f"tls_server_config.{line}" for line in _tls_faults(tls)]
    headers = tree.get("http_server_config", {}).get("headers", {})
    faults += [f"http_server_config.headers.{line}" for line in _header_faults(headers)]
    users = tree.get(USERS, {})
    for user, hash in users.items():
        reason = fault(hash) or ("a name without a colon expected" if ":" in user else "")
        if reason:
            faults.append(f"{USERS}.{user}: {reason}")
    rate = tree.get("rate_limit", {})
    return {
        "tls": tls if _enabled(tls) else None,
        "headers": {name: value for name, value in headers.items() if value},
        "users": users,
        "rate_limit": (float(rate.get("interval", 0.0)), int(rate.get("burst", 0))),
    }, faults


def _enabled(tls: "Config") -> bool:
    """Whether TLS is asked for, as exporter-toolkit sees it."""
    keys = ("cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file", "client_auth_type")
    return any(tls.get(key) for key in keys)


def _tls_faults(tls: "Config") -> list[str]:
    if not _enabled(tls):
        return []
    faults = [f"{name}: one of {name} and {name}_file expected" for name in ("cert", "key") if not _either(tls, name)]
    policy = tls.get("client_auth_type", "")
    if policy not in (*NO_CERTIFICATE, *UNVERIFIED, *VERIFIED):
        names = ", ".join((*NO_CERTIFICATE[1:], *UNVERIFIED[:1], *VERIFIED))
        faults.append(f"client_auth_type: one of {names} expected, found {policy!r:.80}")
    elif policy in UNVERIFIED:
        faults.append(
            f"client_auth_type: {policy} takes any certificate unseen, which this server cannot: use {VERIFIED[1]}"
        )
    elif policy in NO_CERTIFICATE[:2] and _either(tls, "client_ca"):
        faults.append("client_ca: a client_auth_type expected beside it, or no client would be asked for a certificate")
    if tls.get("client_allowed_sans") and policy not in (*UNVERIFIED, VERIFIED[1]):
        faults.append(f"client_allowed_sans: client_auth_type {VERIFIED[1]} expected, or a client need not show any")
    unknown = [key for key in ("min_version", "max_version") if tls.get(key) and tls[key] not in VERSIONS]
    faults += [f"{key}: one of {', '.join(VERSIONS)} expected, found {tls[key]!r:.80}" for key in unknown]
    if (tls.get("min_version") or "TLS12") > (tls.get("max_version") or "TLS13"):
        faults.append("max_version: a version that is not below min_version expected")
    return faults


def _either(tls: "Config", name: str) -> bool:
    return bool(tls.get(name) or tls.get(f"{name}_file"))


def _header_faults(headers: dict[str, str]) -> list[str]:
    faults = []
    for name, value in headers.items():
        if name not in HEADERS:
            faults.append(f"{name}: it cannot be set here; there are: {', '.join(HEADERS)}")
        elif value and HEADERS[name] and value not in HEADERS[name]:
            faults.append(f"{name}: one of {', '.join(HEADERS[name])} expected, found {value!r:.80}")
        elif not (value.isascii() and (value.isprintable() or not value)):
            faults.append(f"{name}: printable ASCII expected")
    return faults
