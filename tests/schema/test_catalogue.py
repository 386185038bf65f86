"""The metric catalogue: every name once, by the rules of Prometheus and of this project."""

import re

import pytest

from tocsin_schema.catalogue import catalogue, groups
from tocsin_schema.metric import COUNTER, GAUGE, HISTOGRAM, UNTYPED, Metric, header

UNITS = ("", "seconds", "bytes", "ratio", "joules", "celsius", "watts", "hertz")
ENTRIES = [pytest.param(metric, id=name) for name, metric in catalogue().items()]


def test_the_groups_are_found_by_listing() -> None:
    assert "ingest" in groups()
    assert sum(map(len, groups().values())) == len(catalogue())


@pytest.mark.parametrize("metric", ENTRIES)
def test_an_entry_follows_the_rules(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*" if metric.name.startswith("tocsin_") else r"[a-zA-Z_]\w*", metric.name)
    assert metric.type in (COUNTER, GAUGE, HISTOGRAM, UNTYPED)
    assert metric.unit in UNITS
    assert metric.emitter in ("agent", "capture", "collector")
    assert metric.help
    assert "\n" not in metric.help
    for label, bound in metric.labels.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", label)
        assert not label.startswith("__")
        assert bound > 0


@pytest.mark.parametrize("metric", ENTRIES)
def test_our_own_names_carry_unit_and_total(metric: Metric) -> None:
    if not metric.name.startswith("tocsin_"):
        return  # names of others (node_*, process_*) are theirs
    if metric.type == COUNTER:
        assert metric.name.endswith("_total")
    else:
        assert not metric.name.endswith("_total")
    if metric.unit != "ratio":  # scores are ratios whose names say more
        assert metric.unit in metric.name


def test_a_header_escapes_its_help() -> None:
    metric = Metric("a_total", COUNTER, "", "line\nback\\slash", emitter="agent")
    assert header(metric) == b"# HELP a_total line\\nback\\\\slash\n# TYPE a_total counter\n"
    assert repr(metric) == "Metric('a_total', 'counter', labels=[])"
