"""Packages that only one form or encoding needs: imported when it comes, told when it cannot be."""

import importlib
from types import ModuleType

from tocsin_collector.ingest.answer import Refusal


def package(name: str, extra: str, needed_by: str) -> ModuleType:
    """A module of an extra's package. Raises Refusal 415 that says what to install."""
    try:
        return importlib.import_module(name)
    except ImportError:
        reason = f"{needed_by}: this collector lacks a package for it; pip install 'tocsin[{extra}]'"
        raise Refusal(415, "missing_package", reason) from None
