"""What the agent shows the collector, and whom it believes: key, client certificate, authority, each in a file."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext

    from tocsin_agent.source import Values


class Credentials:
    """Files by path, "" for none; they are read when a connection or request needs them, so a new one holds at once."""

    __slots__ = ("_ca_file", "_cert_file", "_token_file")

    def __init__(self, ca_file: str = "", cert_file: str = "", token_file: str = "") -> None:
        self._ca_file = ca_file
        self._cert_file = cert_file
        self._token_file = token_file

    def headers(self) -> dict[str, str]:
        """The header that shows the key, none without one. Raises OSError or ValueError, which never tells the key."""
        if not self._token_file:
            return {}
        with open(self._token_file, "rb") as file:
            token = file.read(4_096).strip()
        if not token.isascii() or not token or len(token.split()) > 1:
            raise ValueError(f"{self._token_file}: one key in one line expected, as `tocsin keys make` prints it")
        return {"authorization": f"Bearer {token.decode()}"}

    def context(self) -> "SSLContext":
        """For a connection under TLS. Raises OSError."""
        import ssl

        made = ssl.create_default_context(cafile=self._ca_file or None)
        if self._cert_file:
            made.load_cert_chain(self._cert_file, password=_no_password)
        return made


def _no_password() -> str:
    return ""  # instead of asking at a terminal


def credentials(values: "Values") -> Credentials:
    """Those of the configuration."""
    return Credentials(*(str(values[f"collector_{name}"]) for name in ("ca_file", "cert_file", "token_file")))


def check(values: "Values") -> list[str]:
    """What is wrong with the files."""
    faults = []
    shown = credentials(values)
    try:
        shown.headers()
    except OSError as error:
        faults.append(f"collector_token_file: {values['collector_token_file']}: {error.strerror}")
    except ValueError as error:
        faults.append(f"collector_token_file: {error}")
    if values["collector_ca_file"] or values["collector_cert_file"]:
        from tocsin_agent.child import in_child  # ssl is for those who send under TLS

        faults += in_child(lambda: _tls_faults(values, shown))
    return faults


def _tls_faults(values: "Values", shown: Credentials) -> list[str]:
    try:
        shown.context()
    except OSError as error:  # ssl.SSLError is one
        files = [str(values[key]) for key in ("collector_ca_file", "collector_cert_file") if values[key]]
        reason = getattr(error, "reason", None) or error.strerror
        return [f"collector_ca_file, collector_cert_file: {', '.join(files)}: certificates in PEM expected: {reason}"]
    return []
