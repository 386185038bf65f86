"""Rule files are read as PyYAML reads them, and every planted fault is found."""

import contextlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.provision.shop import ALERTS, RECORDING, RULES
from tocsin_collector.provision import rulefile
from tocsin_collector.provision.rulefile import RuleFileError, faults, groups
from tocsin_collector.provision.yamltext import yaml as text_of
from tocsin_schema.catalogue import catalogue


@pytest.mark.parametrize("text", RULES.values(), ids=RULES)
def test_a_file_is_read_as_yaml_reads_it(text):
    assert groups(text) == yaml.safe_load(text)["groups"]


def test_a_good_catalogue_has_no_fault():
    assert faults(RULES, catalogue()) == []


def test_names_and_alerts_of_files():
    assert rulefile.names(RULES.values()) == {"HostDown", "HostMemoryLow", "model:tocsin_up:sum"}
    assert rulefile.has_alerts(ALERTS)
    assert not rulefile.has_alerts(RECORDING)


SCALARS = st.one_of(
    st.booleans(), st.integers(-(10**9), 10**9), st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")))
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
MAPS = st.dictionaries(NAMES, SCALARS | st.dictionaries(NAMES, SCALARS, min_size=1, max_size=3), min_size=1, max_size=4)


@given(st.lists(MAPS, min_size=1, max_size=4))
def test_what_is_written_is_read_back_and_is_yaml(tree):
    text = text_of({"groups": tree})
    assert yaml.safe_load(text) == {"groups": tree}
    assert groups(text) == tree


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(RuleFileError):
        assert isinstance(groups(text), list)


@given(st.integers(0, len(ALERTS) - 1), st.sampled_from(list('":{}[]-\n \\x#')))
def test_a_broken_file_is_a_fault_and_never_a_crash(at, character):
    broken = ALERTS[:at] + character + ALERTS[at + 1 :]
    assert isinstance(faults({"a.yml": broken}, catalogue()), list)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("== 0", "== 0)", "closes nothing"),
        ('{job=\\"tocsin-agent\\"}', '{job=\\"tocsin-agent\\"', "{ is not closed"),
        ('\\"tocsin-agent\\"', '\\"tocsin-agent', "a string is not closed"),
        ("node_memory_MemTotal_bytes", "node_nothing", "node_nothing is not in the catalogue"),
        ("for: 90s", "for: soon", "for: a duration like 5m expected, found 'soon'"),
        ("severity: critical", "severity: red", "severity: one of critical, warning, info, none expected, found 'red'"),
        ('description: "Little is left."', 'note: "x"', "description is missing"),
        ("$labels.instance }} is", "$labels.instance is", "summary: a template is not closed"),
        ("alert: HostMemoryLow", "alert: HostDown", "alert HostDown stands in tocsin-host.rules.yml too"),
        ("      - alert: HostMemoryLow", "      - alert HostMemoryLow", "its indentation fits nothing"),
        ('        expr: "node', '         expr: "node', "its indentation fits nothing"),
        ("groups:", "grups:", "no list `groups`"),
        ("- name: tocsin-host", "- name: tocsin-recording", "group tocsin-recording stands in"),
        ("for: 90s", "for: 90s\n        for: 1m", "for stands twice"),
        ("for: 90s", "for:", "for has no value"),
        ("severity: warning", "severity: 'warning'", "must be quoted"),
        ('"memory"', '"memory', "neither a JSON value nor plain text"),
        (
            '"node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.05"',
            '"model:tocsin_gone:sum > 1"',
            "no rule records model:tocsin_gone:sum",
        ),
    ],
)
def test_a_planted_fault_is_found(old, new, fault):
    assert old in ALERTS
    found = faults({**RULES, "tocsin-host.rules.yml": ALERTS.replace(old, new, 1)}, catalogue())
    assert any(fault in each for each in found), found


def test_a_group_without_rules_is_a_fault():
    assert faults({"a.yml": "groups:\n  - name: x\n"}, {}) == ["a.yml: group x: no rules"]


def test_histograms_ranges_and_strings_confuse_nobody():
    expr = (
        "histogram_quantile(0.99, sum by (le) (rate(tocsin_inference_request_duration_seconds_bucket[5m]))) > 1 "
        'and max_over_time(up{job=~"a:b|tocsin_none"}[6h:5m]) > 0'
    )
    assert list(rulefile.expression_faults(expr, catalogue(), set())) == []
