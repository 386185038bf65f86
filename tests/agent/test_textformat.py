"""The text format 0.0.4, read strictly."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tocsin_agent.textformat import parse, write

NAME = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,8}", fullmatch=True)
LABEL = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: not name.startswith("__"))
LABELS = st.dictionaries(LABEL, st.text(st.characters(codec="utf-8"), max_size=8), max_size=3)
VALUE = st.floats() | st.integers(-(2**70), 2**70).map(float)
TYPES = st.sampled_from(["gauge", "untyped"])


def quoted(labels) -> str:
    pairs = (
        name + '="' + value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') + '"'
        for name, value in labels.items()
    )
    return "{" + ",".join(pairs) + "}"


def samples(text: str):
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


@given(st.dictionaries(NAME, st.tuples(TYPES, LABELS, VALUE), max_size=4))
def test_what_is_written_is_what_was_read_by_another_parser_too(found):
    lines = []
    for name, (kind, labels, value) in found.items():
        lines += [f"# HELP {name} It is {kind}.", f"# TYPE {name} {kind}", f"{name}{quoted(labels)} {value!r}"]
    families = parse("".join(f"{line}\n" for line in lines))
    text = write(families.values(), "none").decode()
    assert {name: family.type for name, family in families.items()} == {
        name: kind for name, (kind, *_) in found.items()
    }
    ours = {(name, frozenset(labels.items())): value for name, (_, labels, value) in found.items()}
    read = samples(text)
    assert set(read) == set(ours)
    assert all(value == ours[key] or math.isnan(value) for key, value in read.items() if not math.isnan(ours[key]))
    assert write(parse(text).values(), "none").decode() == text


@given(st.text(max_size=60))
def test_anything_is_families_or_a_value_error_that_says_where(outcome, text):
    for data in (text, text + "\n", 'a{b="' + text + '"} 1\n'):
        found, error = outcome(parse, data)
        assert found is not None or error.startswith(("line ", "the last line"))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a 1 1700000000000", "timestamps are not taken"),
        ("a 1 ", "timestamps are not taken"),
        ("a 1\r", "a number expected"),
        ("a 0x10", "a number expected"),
        ("a 1_0", "a number expected"),
        ("a", "a number expected"),
        ("1a 1", "a metric's name expected"),
        ('{"a"} 1', "a metric's name expected"),
        ('a{1="x"} 1', "a label"),
        ('a{x="1",x="2"} 1', "a label"),
        ('a{__name__="1"} 1', "a label"),
        ('a{x="1" y="2"} 1', ", or } expected"),
        ('a{x="1} 1', "a value in quotes expected"),
        ("a{x=1} 1", "a value in quotes expected"),
        ('a{x="\\q"} 1', "an unknown escape"),
        ("# TYPE a quantity", "one of counter, gauge"),
        ("# HELP a x\n# HELP a y", "line 2: a has a second HELP"),
        ("# TYPE a gauge\n# TYPE a gauge", "line 2: a has its TYPE too late"),
        ("a 1\n# TYPE a gauge", "line 2: a has its TYPE too late"),
        ("# HELP", "a metric's name expected behind HELP"),
    ],
)
def test_what_is_wrong_and_where(line, reason):
    with pytest.raises(ValueError, match="line ") as caught:
        parse(line + "\n")
    assert reason in str(caught.value)


def test_a_file_without_its_end_is_torn():
    with pytest.raises(ValueError, match="torn"):
        parse("a 1")


def test_the_samples_of_a_histogram_and_a_summary_are_one_family():
    families = parse(
        '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket 9\nh_sum 2\nh_count 3\n'
        '# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 2\ns_count 3\ns_bucket 4\n'
    )
    assert {name: len(family.samples) for name, family in families.items()} == {"h": 3, "s": 3, "s_bucket": 1}


def test_a_series_that_stands_twice_counts_once_and_labels_have_one_order():
    (family,) = parse('a{x="1",y="2"} 1\na{y="2",x="1"} 2\n').values()
    assert list(family.samples.values()) == [b'a{x="1",y="2"} 1']


def test_a_family_without_help_or_type_gets_both():
    assert write(parse("a 1\n").values(), "From a file") == b"# HELP a From a file\n# TYPE a untyped\na 1\n"


@pytest.mark.parametrize("told", ['a "b"', "a\\\\b\\nc", 'x \\" y'])
def test_help_is_unescaped_and_escaped_again(told):
    (family,) = parse(f"# HELP a {told}\na 1\n").values()
    (again,) = parse(write([family], "").decode()).values()
    assert again.help == family.help
