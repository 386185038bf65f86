"""What an answer is written in, by the client's Accept and Accept-Encoding (RFC 9110, 12.5): quality first.

A wildcard stands for text, the format that everybody reads: curl and browsers send one. Between explicit offers of one
quality the richer format wins. What nobody offered is text too: a scraper reads that rather than a 406.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    Choice = TypeVar("Choice")

TEXT, OPENMETRICS, PROTOBUF = "text", "openmetrics", "protobuf"
MEDIA_TYPES = {
    TEXT: "text/plain; version=0.0.4; charset=utf-8",
    OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8",
    PROTOBUF: "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
}
GZIP, ZSTD = "gzip", "zstd"
MOST_HEADERS = 64


def _remembered(decide: "Callable[[str], Choice]") -> "Callable[[str], Choice]":
    """Remember the answers to the few headers that come again and again. (functools costs 3 ms at the start.)"""
    known: dict[str, Choice] = {}

    def remembered(header: str) -> "Choice":
        if header not in known:
            if len(known) >= MOST_HEADERS:
                known.clear()
            known[header] = decide(header)
        return known[header]

    return remembered


@_remembered
def exposition(accept: str) -> str:
    """TEXT, OPENMETRICS or PROTOBUF: what an Accept header likes best of the three."""
    found = {TEXT: 0.0, OPENMETRICS: 0.0, PROTOBUF: 0.0}
    for name, parameters in _offers(accept):
        kind = _format(name, parameters)
        if kind:
            found[kind] = max(found[kind], quality(parameters))
    best = max(found.values())
    return next(kind for kind in (PROTOBUF, OPENMETRICS, TEXT) if found[kind] == best) if best else TEXT


def _format(name: str, parameters: "Mapping[str, str]") -> str:
    """The format that an offer is of, "" when it is none of ours."""
    if name == "application/vnd.google.protobuf":
        proto = parameters.get("proto", "") == "io.prometheus.client.metricfamily"
        return PROTOBUF if proto and parameters.get("encoding", "delimited") == "delimited" else ""
    if name == "application/openmetrics-text":  # the draft 0.0.1 is the same for what is sent here
        return OPENMETRICS if parameters.get("version", "1.0.0") in ("1.0.0", "0.0.1") else ""
    return TEXT if name in ("text/plain", "text/*", "*/*") else ""


@_remembered
def codings(accept_encoding: str) -> tuple[str, ...]:
    """Those of ZSTD and GZIP that an Accept-Encoding header allows, the one it likes best first; () for plain bytes.

    A wildcard stands for gzip: zstd is for who asks for it by name.
    """
    found: dict[str, float] = {}
    for name, parameters in _offers(accept_encoding):
        found[name.removeprefix("x-")] = quality(parameters)
    weights = {ZSTD: found.get(ZSTD, 0.0), GZIP: found.get(GZIP, found.get("*", 0.0))}
    plain = found.get("identity", 0.0)
    return tuple(
        sorted(
            [name for name, weight in weights.items() if weight and weight >= plain], key=lambda name: -weights[name]
        )
    )


def _offers(header: str) -> "list[tuple[str, dict[str, str]]]":
    """The offers of a header, names and parameters in lower case."""
    found = []
    for offer in header.lower().split(","):
        name, *parameters = [part.strip() for part in offer.split(";")]
        pairs = [item.partition("=") for item in parameters]
        found.append((name, {key.strip(): value.strip(' "') for key, _, value in pairs}))
    return found


def quality(parameters: "Mapping[str, str]") -> float:
    """The weight ``q`` of an offer, 1 when it has none, 0 when it is no number."""
    text = parameters.get("q", "1").strip()
    return min(float(text), 1.0) if text.isascii() and text.replace(".", "", 1).isdigit() else 0.0
