"""Suites of Great Expectations as rules: their JSON of 0.13 to 0.18 (``expectation_type``) and of 1.x (``type``).

What an expectation asks is translated into tocsin's own form, which checks it; one that cannot be kept to the letter
is listed by its name with the reason, and never taken in part.
"""

from collections.abc import Callable, Mapping
from math import inf, nextafter

from tocsin_collector.quality.rules.form import rule_of
from tocsin_collector.quality.rules.rule import MOST_RULES, PREFIXES, SINGLE, Rule, RuleError, Rules, named

Kwargs = Mapping[str, object]
_ASIDE = {
    "result_format", "include_config", "catch_exceptions", "batch_id", "meta", "severity", "notes", "description",
    "windows", "table",
}  # fmt: skip
"""What says how a result is shown, not what is asked."""
_OFF = {
    "row_condition": None, "condition_parser": None, "parse_strings_as_datetimes": False, "auto": False,
    "allow_cross_type_comparisons": False, "output_strftime_format": None, "profiler_config": None,
    "ignore_row_if": None, "match_on": None,
    "strict_min": False, "strict_max": False, "mostly": 1.0, "min_value": None, "max_value": None,
}  # fmt: skip
"""What asks for nothing with these values, so that it may stand where it is not known."""
_TYPES = {
    "integer": {"int", "integer", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bigint",
                "smallint", "tinyint", "integertype", "longtype", "shorttype", "bytetype"},
    "number": {"float", "double", "float32", "float64", "number", "numeric", "decimal", "real", "floattype",
               "doubletype", "decimaltype", "double_precision"},
    "text": {"str", "string", "object", "text", "varchar", "char", "stringtype", "category", "object_"},
    "boolean": {"bool", "boolean", "bool_", "booleantype"},
}  # fmt: skip


def read(listed: object, where: str = "expectations") -> Rules:
    """The rules of a suite's list, and what of it was not taken. Raises RuleError when it is no list of them."""
    if not isinstance(listed, list) or len(listed) > 10 * MOST_RULES:
        raise RuleError(f"{where}: a list of at most {10 * MOST_RULES} expectations is needed")
    found: list[Rule] = []
    not_taken: list[tuple[str, str]] = []
    for number, item in enumerate(listed, 1):
        name, kwargs = _named(number, item)
        try:
            found.append(rule_of(_table(name, kwargs)))
        except RuleError as reason:
            not_taken.append((_told(name, kwargs), str(reason)))
    if len(found) > MOST_RULES:
        raise RuleError(f"{where}: {len(found)} expectations can be taken, at most {MOST_RULES} are; split the suite")
    return Rules(named(found), tuple(not_taken))


def _named(number: int, item: object) -> tuple[str, Kwargs]:
    name = item.get("expectation_type", item.get("type")) if isinstance(item, Mapping) else None
    kwargs = item.get("kwargs", {}) if isinstance(item, Mapping) else None
    if not isinstance(name, str) or not isinstance(kwargs, Mapping):
        raise RuleError(f"expectation {number}: `type` (or `expectation_type`) and an object `kwargs` are needed")
    return name, kwargs


def _told(name: str, kwargs: Kwargs) -> str:
    column = kwargs.get("column")
    told = f"{name} of {column}" if isinstance(column, str) else name
    return told.encode("ascii", "backslashreplace").decode()[:200] if not told.isprintable() else told[:200]


def _table(name: str, kwargs: Kwargs) -> dict[str, object]:
    """An expectation in our own form. Raises RuleError."""
    if name not in _KNOWN:
        raise RuleError("tocsin has no such check")
    takes, translate = _KNOWN[name]
    for key, value in kwargs.items():
        if isinstance(value, Mapping) and "$PARAMETER" in value:
            raise RuleError(f"{key}: a parameter whose value only a running suite knows")
        if key not in takes and key not in _ASIDE and not (key in _OFF and value in (None, _OFF[key])):
            raise RuleError(f"{key!a:.60} cannot be kept to")
    return translate(kwargs)


def _column(kwargs: Kwargs, key: str = "column") -> str:
    name = kwargs.get(key)
    if not isinstance(name, str):
        raise RuleError(f"{key}: the name of a column is needed")
    return name if name in SINGLE or name.startswith(PREFIXES) else f"feature.{name}"


def _each(check: str, value: Callable[[Kwargs], object]) -> Callable[[Kwargs], dict[str, object]]:
    def translate(kwargs: Kwargs) -> dict[str, object]:
        table = {"column": _column(kwargs), check: value(kwargs)}
        return table | ({"mostly": kwargs["mostly"]} if kwargs.get("mostly") is not None else {})

    return translate


def _figure(check: str) -> Callable[[Kwargs], dict[str, object]]:
    return lambda kwargs: {"column": _column(kwargs), check: _span(kwargs)}


def _span(kwargs: Kwargs) -> list[object]:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    for key, value in (("min_value", low), ("max_value", high)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise RuleError(f"{key}: only numbers are compared, found {value!a:.60}")
    if kwargs.get("strict_min") and isinstance(low, int | float):
        low = nextafter(low, inf)
    if kwargs.get("strict_max") and isinstance(high, int | float):
        high = nextafter(high, -inf)
    return [low, high]


def _exactly(key: str) -> Callable[[Kwargs], list[object]]:
    return lambda kwargs: [kwargs.get(key), kwargs.get(key)]


def _types(kwargs: Kwargs) -> list[str]:
    listed = kwargs.get("type_list", [kwargs.get("type_")])
    found = {_type(one) for one in (listed if isinstance(listed, list) else [listed])}
    return sorted({one for one in found if one})


def _type(name: object) -> str:
    plain = str(name).lower().strip()
    found = next((kind for kind, names in _TYPES.items() if plain in names), "")
    if not found:
        raise RuleError(f"type {name!a:.60}: no kind of value of a stream")
    return found


def _any_of(kwargs: Kwargs) -> object:
    if kwargs.get("match_on", "any") not in (None, "any"):
        raise RuleError("match_on: only `any` can be kept to")
    return kwargs.get("regex_list")


def _pair(kwargs: Kwargs) -> dict[str, object]:
    check = "at_least" if kwargs.get("or_equal") else "above"
    return _mostly_too(kwargs, {"column": _column(kwargs, "column_A"), check: _column(kwargs, "column_B")})


def _equal(kwargs: Kwargs) -> dict[str, object]:
    return _mostly_too(kwargs, {"column": _column(kwargs, "column_A"), "equals": _column(kwargs, "column_B")})


def _compound(kwargs: Kwargs) -> dict[str, object]:
    listed = kwargs.get("column_list")
    names = listed if isinstance(listed, list) else []
    return _mostly_too(kwargs, {"columns": [_column({"column": name}) for name in names], "unique": True})


def _mostly_too(kwargs: Kwargs, table: dict[str, object]) -> dict[str, object]:
    return table | ({"mostly": kwargs["mostly"]} if kwargs.get("mostly") is not None else {})


def _match_set(kwargs: Kwargs) -> dict[str, object]:
    if kwargs.get("exact_match") is False:
        raise RuleError("exact_match: only an exact match can be kept to")
    listed = kwargs.get("column_set")
    names = listed if isinstance(listed, list) else []
    return {"features": [str(name).removeprefix("feature.") for name in names]}


_SPAN = {"column", "min_value", "max_value", "strict_min", "strict_max"}
_KNOWN: dict[str, tuple[set[str], Callable[[Kwargs], dict[str, object]]]] = {
    "expect_column_to_exist": ({"column"}, lambda kwargs: {"column": _column(kwargs), "exists": True}),
    "expect_column_values_to_not_be_null": ({"column", "mostly"}, _each("present", lambda _: True)),
    "expect_column_values_to_be_null": ({"column", "mostly"}, _each("absent", lambda _: True)),
    "expect_column_values_to_be_between": (_SPAN | {"mostly"}, _each("between", _span)),
    "expect_column_values_to_be_in_set": (
        {"column", "value_set", "mostly"},
        _each("in", lambda kwargs: kwargs.get("value_set")),
    ),
    "expect_column_values_to_not_be_in_set": (
        {"column", "value_set", "mostly"},
        _each("not_in", lambda kwargs: kwargs.get("value_set")),
    ),
    "expect_column_values_to_be_unique": ({"column", "mostly"}, _each("unique", lambda _: True)),
    "expect_column_values_to_match_regex": (
        {"column", "regex", "mostly"},
        _each("matches", lambda kwargs: kwargs.get("regex")),
    ),
    "expect_column_values_to_not_match_regex": (
        {"column", "regex", "mostly"},
        _each("not_matches", lambda kwargs: kwargs.get("regex")),
    ),
    "expect_column_values_to_match_regex_list": (
        {"column", "regex_list", "match_on", "mostly"},
        _each("matches", _any_of),
    ),
    "expect_column_values_to_not_match_regex_list": (
        {"column", "regex_list", "mostly"},
        _each("not_matches", lambda kwargs: kwargs.get("regex_list")),
    ),
    "expect_column_value_lengths_to_be_between": (_SPAN | {"mostly"}, _each("length", _span)),
    "expect_column_value_lengths_to_equal": ({"column", "value", "mostly"}, _each("length", _exactly("value"))),
    "expect_column_values_to_be_of_type": ({"column", "type_", "mostly"}, _each("type", _types)),
    "expect_column_values_to_be_in_type_list": ({"column", "type_list", "mostly"}, _each("type", _types)),
    "expect_column_values_to_be_json_parseable": ({"column", "mostly"}, _each("json", lambda _: True)),
    "expect_column_pair_values_a_to_be_greater_than_b": ({"column_A", "column_B", "or_equal", "mostly"}, _pair),
    "expect_column_pair_values_to_be_equal": ({"column_A", "column_B", "mostly"}, _equal),
    "expect_compound_columns_to_be_unique": ({"column_list", "mostly"}, _compound),
    "expect_column_mean_to_be_between": (_SPAN, _figure("mean")),
    "expect_column_min_to_be_between": (_SPAN, _figure("min")),
    "expect_column_max_to_be_between": (_SPAN, _figure("max")),
    "expect_column_sum_to_be_between": (_SPAN, _figure("sum")),
    "expect_column_stdev_to_be_between": (_SPAN, _figure("stdev")),
    "expect_column_unique_value_count_to_be_between": (_SPAN, _figure("distinct")),
    "expect_column_proportion_of_unique_values_to_be_between": (_SPAN, _figure("distinct_share")),
    "expect_column_distinct_values_to_be_in_set": (
        {"column", "value_set"},
        lambda kwargs: {"column": _column(kwargs), "in": kwargs.get("value_set")},
    ),
    "expect_column_distinct_values_to_contain_set": (
        {"column", "value_set"},
        lambda kwargs: {"column": _column(kwargs), "contains": kwargs.get("value_set")},
    ),
    "expect_table_row_count_to_be_between": (_SPAN - {"column"}, lambda kwargs: {"rows": _span(kwargs)}),
    "expect_table_row_count_to_equal": ({"value"}, lambda kwargs: {"rows": _exactly("value")(kwargs)}),
    "expect_table_column_count_to_be_between": (
        _SPAN - {"column"},
        lambda kwargs: {"feature_count": _span(kwargs)},
    ),
    "expect_table_column_count_to_equal": ({"value"}, lambda kwargs: {"feature_count": _exactly("value")(kwargs)}),
    "expect_table_columns_to_match_set": ({"column_set", "exact_match"}, _match_set),
}
