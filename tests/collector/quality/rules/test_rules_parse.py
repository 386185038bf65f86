"""Files of rules: what is taken, what is said of the rest."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, category, number
from tocsin_collector.quality.rules import Rule, RuleError, Rules, count, judge, parse
from tocsin_collector.quality.rules.form import CHECKS
from tocsin_collector.verdict import ModelKey


def test_a_table_of_toml_is_a_rule():
    found = parse(b"""
        [[rule]]
        column = "feature.age"
        between = [0, inf]
        mostly = 0.99
        [[rule]]
        name = "cities"
        column = "feature.city"
        in = ["Lyon", 3, true]
        [[rule]]
        columns = ["feature.a", "segment.b"]
        unique = true
        [[rule]]
        column = "feature.a"
        at_least = "score.yes"
        [[rule]]
        rows = [100, inf]
    """)
    assert found.rules == (
        Rule("between", ("feature.age",), 0, math.inf, mostly=0.99, name="feature.age at least 0"),
        Rule("in", ("feature.city",), values=("Lyon", 3.0, True), name="cities"),
        Rule("unique", ("feature.a", "segment.b"), name="feature.a and segment.b unique"),
        Rule("at_least", ("feature.a", "score.yes"), name="feature.a at least score.yes"),
        Rule("rows", (), 100, math.inf, name="rows at least 100"),
    )
    as_json = {"rule": [{"column": "feature.age", "between": [0, None], "mostly": 0.99}]}
    assert parse(json.dumps(as_json).encode()).rules == found.rules[:1]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('column = "age"\npresent = true', "feature.NAME"),
        ('column = "feature.age"', "one check is needed"),
        ('column = "feature.age"\npresent = true\nabsent = true', "found present, absent"),
        ('column = "feature.age"\nbetwen = [0, 1]', "did you mean between?"),
        ('column = "feature.age"\nbetween = [1, 0]', "1 > 0"),
        ('column = "feature.age"\nbetween = [-inf, inf]', "nothing is beyond"),
        ('column = "feature.age"\nbetween = [nan, 1]', "a number is needed"),
        ('column = "feature.age"\nbetween = "0-1"', "[least, greatest]"),
        ('column = "feature.age"\nin = []', "1 to 10000 values"),
        ('column = "feature.age"\nmatches = "(?=a)"', "no expression of RE2"),
        ('column = "feature.age"\nmatches = "(a)\\\\1"', "no expression of RE2"),
        (f'column = "feature.age"\nmatches = "{"a" * 1001}"', "at most 1000 characters"),
        ('column = "feature.age"\ntype = "date"', "number, integer, text, boolean"),
        ('column = "feature.age"\npresent = false', "true is needed"),
        ('column = "feature.age"\nmean = [0, 1]\nmostly = 0.5', "no check of single values"),
        ('column = "feature.age"\npresent = true\nmostly = 0', "above 0, up to 1"),
        ('column = "feature.age"\nrows = [0, 1]', "it has no column"),
        ("present = true", "needs `column`"),
        ('columns = ["feature.a"]\nunique = true', "2 to 100 columns"),
        (f"rows = [0, 1{'0' * 400}]", "too large"),
    ],
)
def test_a_fault_names_the_rule_and_what_would_be_right(table, said):
    with pytest.raises(RuleError) as fault:
        parse(f"[[rule]]\nrows = [1, 2]\n[[rule]]\n{table}".encode())
    assert str(fault.value).startswith("rule 2: ")
    assert said in str(fault.value)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xff", "not UTF-8"),
        (b"rule = 3", "a list of at most 500"),
        (b"rules = []", "'rules': only `rule`"),
        (b"[[rule]", "no TOML"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no TOML"),
        (b'{"a": ' * 100_000, "no JSON"),
        (b"{}", "neither `rule`"),
        (b" " * ((1 << 20) + 1), "at most 1048576 bytes"),
        (b'{"expectations": 3}', "a list of at most"),
        (b'{"expectations": [3]}', "expectation 1"),
        (b'{"rule": [{"rows": [1, 2], "name": "\\ud800"}]}', "lone surrogate"),
    ],
)
def test_a_file_that_is_none_says_why(raw, said):
    with pytest.raises(RuleError, match=said.replace("[", r"\[")):
        parse(raw)


def test_every_fault_of_a_file_is_told_at_once_and_a_flood_of_them_is_cut():
    with pytest.raises(RuleError) as fault:
        parse(b"[[rule]]\nx = 1\n" * 30)
    assert len(str(fault.value).splitlines()) == 11
    assert str(fault.value).endswith("and 20 more")


def test_rules_that_say_the_same_get_names_of_their_own():
    assert [rule.name for rule in parse(b"[[rule]]\nrows = [1, 2]\n" * 3).rules] == [
        "rows between 1 and 2", "rows between 1 and 2 (2)", "rows between 1 and 2 (3)",
    ]  # fmt: skip


OLD = {
    "expectation_suite_name": "credit.warning",
    "ge_cloud_id": None,
    "data_asset_type": None,
    "meta": {"great_expectations_version": "0.18.12"},
    "expectations": [
        {"expectation_type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 100}, "meta": {}},
        {"expectation_type": "expect_column_to_exist", "kwargs": {"column": "age"}, "meta": {}},
        {
            "expectation_type": "expect_column_values_to_be_between",
            "kwargs": {"column": "age", "min_value": 0, "max_value": 120, "strict_min": True, "mostly": 0.99},
        },
        {"expectation_type": "expect_column_values_to_be_in_set", "kwargs": {"column": "city", "value_set": ["Lyon"]}},
        {"expectation_type": "expect_column_values_to_be_of_type", "kwargs": {"column": "age", "type_": "int64"}},
        {"expectation_type": "expect_column_median_to_be_between", "kwargs": {"column": "age", "min_value": 3}},
    ],
}
NEW = {
    "name": "credit",
    "id": "b6",
    "meta": {"great_expectations_version": "1.5.0"},
    "notes": None,
    "expectations": [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "age", "mostly": 1.0},
            "severity": "critical",
        },
        {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "zip", "regex": "^\\d{5}$"}, "id": "1"},
        {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "zip", "regex": "(?!0)\\d"}, "id": "2"},
        {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "age", "min_value": {"$PARAMETER": "low"}}},
        {"type": "expect_column_max_to_be_between", "kwargs": {"column": "age", "max_value": "2020-01-01"}},
        {
            "type": "expect_column_values_to_be_unique",
            "kwargs": {"column": "prediction", "row_condition": "age > 3", "condition_parser": "pandas"},
        },
        {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["a", "b"]}},
        {"type": "expect_column_pair_values_a_to_be_greater_than_b", "kwargs": {"column_A": "a", "column_B": "b"}},
        {"type": "expect_my_own", "kwargs": {}},
    ],
}


def test_a_suite_of_great_expectations_018_is_taken():
    found = parse(json.dumps(OLD).encode())
    assert [rule.name for rule in found.rules] == [
        "rows at least 100",
        "feature.age exists",
        "feature.age above 0 and at most 120",
        "feature.city in Lyon",
        "feature.age is integer",
    ]
    assert found.rules[2].mostly == 0.99
    assert found.not_taken == (("expect_column_median_to_be_between of age", "tocsin has no such check"),)


def test_a_suite_of_great_expectations_1_is_taken_and_what_is_not_is_named_with_its_reason():
    found = parse(json.dumps(NEW).encode())
    assert [rule.check for rule in found.rules] == ["present", "matches", "unique", "above"]
    reasons = dict(found.not_taken)
    assert list(reasons) == [
        "expect_column_values_to_match_regex of zip",
        "expect_column_mean_to_be_between of age",
        "expect_column_max_to_be_between of age",
        "expect_column_values_to_be_unique of prediction",
        "expect_my_own",
    ]
    assert "no expression of RE2" in reasons["expect_column_values_to_match_regex of zip"]
    assert "running suite" in reasons["expect_column_mean_to_be_between of age"]
    assert "row_condition" in reasons["expect_column_values_to_be_unique of prediction"]
    assert parse(json.dumps(NEW["expectations"]).encode()) == found


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=8,
)
known = st.sampled_from(
    [item.get("type", item.get("expectation_type")) for item in OLD["expectations"] + NEW["expectations"]]
)
keys = st.sampled_from(
    ["column", "column_list", "min_value", "max_value", "value_set", "regex", "mostly", "type_", "value"]
)
suites = st.lists(
    st.fixed_dictionaries({"type": known, "kwargs": st.dictionaries(keys, json_values, max_size=4)}), max_size=5
)
tables = st.lists(
    st.dictionaries(st.sampled_from([*CHECKS, "column", "columns", "mostly", "name"]), json_values, max_size=4),
    max_size=4,
)


@given(suites)
def test_each_expectation_of_any_suite_is_a_rule_or_named(suite):
    found = parse(json.dumps({"expectations": suite}).encode())
    assert len(found.rules) + len(found.not_taken) == len(suite)


def _parsed(raw):
    """The rules, or the fault that every answer can carry."""
    try:
        return parse(raw)
    except RuleError as fault:
        return str(fault).encode()


@given(st.one_of(json_values, st.fixed_dictionaries({"rule": tables})))
def test_any_json_is_rules_or_a_fault(document):
    found = _parsed(json.dumps(document).encode())
    assert found.digest if isinstance(found, Rules) else found


@given(st.binary(max_size=200))
def test_any_bytes_are_rules_or_a_fault(raw):
    assert _parsed(raw)


def test_a_suite_that_great_expectations_wrote_says_of_its_data_what_great_expectations_said():
    # Recorded from 1.24.1: its suite as JSON, the data, and its results.
    with open(Path(__file__).with_name("great_expectations_1_24.json"), encoding="utf-8") as file:
        recorded = json.load(file)
    columns = {
        f"feature.{name}": (category if any(isinstance(item, str) for item in items) else number)(items)
        for name, items in recorded["columns"].items()
    }
    rows = len(next(iter(recorded["columns"].values())))
    frame = Frame("prediction", ModelKey("shop", "credit", ""), np.arange(rows), ["i"] * rows, columns)
    rules = parse(json.dumps(recorded["suite"]).encode())
    refused = {name.partition(" ")[0] for name, _ in rules.not_taken}
    assert refused == {"expect_column_median_to_be_between", "expect_column_values_to_match_strftime_format"}
    wanted = [result for result in recorded["results"] if result["type"] not in refused]
    found = judge(count(frame, rules), rows, dict.fromkeys(recorded["columns"], rows))
    assert [not one.reason for one in found] == [result["success"] for result in wanted]
    for one, result in zip(found, wanted, strict=True):
        if "distinct_values" not in result["type"] and result["unexpected_count"] is not None:  # which counts values
            assert one.unexpected == result["unexpected_count"]
