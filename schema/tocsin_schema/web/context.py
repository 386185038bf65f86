"""The TLS context that ``tls_server_config`` describes; the names of suites and curves are Go's, as in its files."""

import os
import ssl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
CLIENTS = {"VerifyClientCertIfGiven": ssl.CERT_OPTIONAL, "RequireAndVerifyClientCert": ssl.CERT_REQUIRED}
# Suites of TLS 1.3 cannot be chosen, in Go neither; their names are taken and mean nothing.
SUITES_OF_TLS13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}


class ContextError(Exception):
    """The context cannot be had; the message begins with the key that is to blame."""


def context(tls: "Mapping[str, Any]") -> ssl.SSLContext:
    """A server's context. Raises ContextError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = VERSIONS[tls.get("min_version") or "TLS12"]
    made.maximum_version = VERSIONS[tls.get("max_version") or "TLS13"]
    made.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    if not tls.get("prefer_server_cipher_suites", True):
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    made.set_alpn_protocols(["http/1.1"])
    _choose_suites(made, tls.get("cipher_suites") or [])
    _choose_curves(made, tls.get("curve_preferences") or [])
    _load_certificate(made, tls)
    _load_authority(made, tls)
    return made


def _choose_suites(made: ssl.SSLContext, names: list[str]) -> None:
    unknown = [name for name in names if name not in SUITES and name not in SUITES_OF_TLS13]
    if unknown:
        raise ContextError(f"cipher_suites: no suite {unknown[0]!r:.80}; there are: {', '.join(SUITES)}")
    chosen = [SUITES[name] for name in names if name in SUITES]
    if chosen:
        try:
            made.set_ciphers(":".join(chosen))
        except ssl.SSLError:
            raise ContextError("cipher_suites: this host's OpenSSL has none of these suites") from None


def _choose_curves(made: ssl.SSLContext, names: list[str]) -> None:
    unknown = [name for name in names if name not in CURVES]
    if unknown:
        raise ContextError(f"curve_preferences: no curve {unknown[0]!r:.80}; there are: {', '.join(CURVES)}")
    if len(names) == 1:  # Python's ssl takes one; more of them are those that OpenSSL offers anyway, in its order
        made.set_ecdh_curve(CURVES[names[0]])


def _load_certificate(made: ssl.SSLContext, tls: "Mapping[str, Any]") -> None:
    opened: list[int] = []
    try:
        certificate, key = (_path(tls, name, opened) for name in ("cert", "key"))
        made.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ContextError("key: it does not belong to the certificate") from None
        raise ContextError(
            f"cert: certificate and key in PEM, the key not encrypted, expected: {error.reason}"
        ) from None
    finally:
        for fd in opened:
            os.close(fd)


def _no_password() -> str:
    return ""  # instead of asking at a terminal


def _path(tls: "Mapping[str, Any]", name: str, opened: list[int]) -> str:
    """A file that holds what is configured by path, or as the text itself."""
    path: str = tls.get(f"{name}_file") or ""
    if not path:
        fd = os.memfd_create(name, os.MFD_CLOEXEC)
        opened.append(fd)
        os.write(fd, str(tls[name]).encode())
        return f"/proc/self/fd/{fd}"
    try:
        with open(path, "rb"):
            return path
    except OSError as error:
        raise ContextError(f"{name}_file: {path}: {error.strerror}") from None


def _load_authority(made: ssl.SSLContext, tls: "Mapping[str, Any]") -> None:
    made.verify_mode = CLIENTS.get(tls.get("client_auth_type") or "", ssl.CERT_NONE)
    path, text = tls.get("client_ca_file"), tls.get("client_ca")
    try:
        if path:
            made.load_verify_locations(cafile=path)
        elif text:
            made.load_verify_locations(cadata=text)
        elif made.verify_mode != ssl.CERT_NONE:
            made.load_default_certs(ssl.Purpose.CLIENT_AUTH)  # Go's server takes the system's authorities too
    except ssl.SSLError as error:
        raise ContextError(f"client_ca: certificates in PEM expected: {error.reason}") from None
    except OSError as error:
        raise ContextError(f"client_ca_file: {path}: {error.strerror}") from None
