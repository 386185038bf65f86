"""A certificate authority for a test: openssl's command line signs what it is asked for."""

import os
import subprocess


class Authority:
    """Signs certificates into a folder; each has a name, ``NAME.pem`` and ``NAME.key``."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=an authority of the tests", "-keyout", "ca.key", "-out", "ca.pem",
        )  # fmt: skip

    def sign(self, name: str, alternative: str = "DNS:localhost,IP:127.0.0.1", kind: str = "ec") -> None:
        """A key and its certificate with subject alternative names. ``kind`` is ec or rsa."""
        key = (
            ["-newkey", "rsa:2048"] if kind == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        )
        self._openssl(
            "req", "-x509", *key, "-nodes", "-days", "2", "-subj", f"/CN={name}", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-addext", f"subjectAltName={alternative}", "-addext", "basicConstraints=critical,CA:FALSE",
            "-keyout", f"{name}.key", "-out", f"{name}.pem",
        )  # fmt: skip

    def path(self, name: str) -> str:
        """The path of one of the files."""
        return os.path.join(self.folder, name)

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)
