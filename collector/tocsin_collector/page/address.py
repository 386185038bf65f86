"""Addresses of pages about things whose names may be anything: empty, with slashes, dots, or in any script."""

from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlencode

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def segment(name: str) -> str:
    """A name as one segment of a path. Plain names stand for themselves; ``-`` is the empty name.

    A server decodes a path before it routes, so a slash must be hidden twice; a browser folds ``.`` and ``..`` away.
    """
    if not name:
        return "-"
    if name in ("-", ".", ".."):
        return "".join(f"%25{ord(character):02X}" for character in name)
    return name if _PLAIN.issuperset(name) else quote(quote(name, safe="", errors="replace"), safe="")


def name_of(segment_text: str) -> str:
    """The name of a segment as a router hands it over, decoded once."""
    return "" if segment_text == "-" else unquote(segment_text)


def model_path(project: str, model: str, version: str) -> str:
    """The path of a model's page."""
    return f"/models/{segment(project)}/{segment(model)}/{segment(version)}"


def feature_path(project: str, model: str, version: str, feature: str) -> str:
    """The path of a feature's page."""
    return f"{model_path(project, model, version)}/features/{segment(feature)}"


def kept_path(project: str, model: str, version: str, name: str, form: str) -> str:
    """The address of a report that the schedule made."""
    query = urlencode({"version": version, "format": form})
    return f"/v1/reports/{segment(project)}/{segment(model)}/kept/{segment(name)}?{query}"


def report_path(project: str, model: str, version: str, start_s: float, end_s: float) -> str:
    """The address of our report of a span of a model's rows."""
    span = (datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z") for at_s in (start_s, end_s))
    query = {"version": version, **dict(zip(("from", "to"), span, strict=True)), "by": "tocsin"}
    return f"/v1/reports/{segment(project)}/{segment(model)}?{urlencode(query)}"
