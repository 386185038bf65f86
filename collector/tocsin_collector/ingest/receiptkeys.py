"""The projects' keys that labels' receipts are checked with, as the configuration names them."""

from collections.abc import Mapping, Sequence

from tocsin_schema.config import ConfigError, secret
from tocsin_schema.receipt import read_keys


def receipt_keys(path: str) -> Mapping[str, Sequence[bytes]]:
    """The keys of ``receipts.keys_file``; none without one. Raises ConfigError for a file that is none of keys."""
    if not path:
        return {}
    try:
        return read_keys(secret(path))
    except ValueError as error:
        raise ConfigError([f"receipts.keys_file = {path}: {error}"]) from None
