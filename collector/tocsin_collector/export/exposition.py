"""The collector's /metrics: Prometheus text format 0.0.4, families in the catalogue's names, help and types."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from tocsin_schema.catalogue import catalogue
from tocsin_schema.metric import Metric, header

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    """One series' value. ``name`` is a catalogue name, or one of its histogram's ``_bucket``, ``_sum``, ``_count``."""

    name: str
    labels: Mapping[str, str]
    value: float


def render(samples: Iterable[Sample]) -> bytes:
    """The text of the samples, families contiguous and in the order of their first sample. An unknown name is a bug and
    raises KeyError."""
    known = _catalogue()
    families: dict[str, list[str]] = {}
    for sample in samples:
        family = sample.name if sample.name in known else sample.name.rpartition("_")[0]
        families.setdefault(known[family].name, []).append(_line(sample))
    return b"".join(header(known[name]) + "".join(lines).encode() for name, lines in families.items())


@cache
def _catalogue() -> dict[str, Metric]:
    # Listing the catalogue's folder is for once, not for each scrape.
    return catalogue()


def process() -> bytes:
    """The collector process' own CPU, memory and descriptors."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escape(value)}"' for name, value in sample.labels.items())
    return f"{sample.name}{{{labels}}} {sample.value!r}\n" if labels else f"{sample.name} {sample.value!r}\n"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
