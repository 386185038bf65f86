"""The difference between what should be there and what is: the same twice is nothing the second time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.provision.difference import (
    BOTH,
    BY_HAND,
    CHANGE,
    CONFLICT,
    CREATE,
    DELETE,
    KEEP,
    NEWER,
    UNCHANGED,
    Found,
    Item,
    difference,
    differing,
)
from tocsin_collector.provision.stamp import board_stamp, digest, file_stamp, stamped, unstamped, with_first_line

BODY = {"title": "Fleet", "panels": [{"id": 1}]}
ITEM = Item("board", "tocsin-fleet", BODY)
NOW = digest(BODY)


def one(found, *desired):
    (step,) = difference(desired, found)
    return step


def there(**given):
    return [Found("board", "tocsin-fleet", **{"owned": True, **given})]


@pytest.mark.parametrize(
    ("found", "action", "reason"),
    [
        ([], CREATE, "missing"),
        (there(body=BODY), UNCHANGED, ""),
        (there(body={**BODY, "added": "by the server"}), UNCHANGED, ""),
        (there(body={**BODY, "title": "Mine"}), CHANGE, "differs in title"),
        (there(now=NOW, stamp="an older server's"), UNCHANGED, ""),
        (there(now="x", stamp=NOW), CHANGE, BY_HAND),
        (there(now="x", stamp=""), CHANGE, BY_HAND),
        (there(now="x", stamp="x"), CHANGE, NEWER),
        (there(now="x", stamp="y"), CHANGE, BOTH),
        (there(owned=False), CONFLICT, "there is one with this name that is not tocsin's: rename or remove it"),
        (there(owned=False, locked="why"), CONFLICT, "why"),
        (there(body={}, locked="it is a file's"), CONFLICT, "differs in title, panels, but it is a file's"),
        (there(body=BODY, locked="it is a file's"), UNCHANGED, ""),
        (there(owned=False, settled="somebody's own way"), UNCHANGED, "somebody's own way"),
    ],
)
def test_each_case_of_an_object_that_is_wanted(found, action, reason):
    step = one(found, ITEM)
    assert (step.action, step.reason) == (action, reason)


@pytest.mark.parametrize(
    ("given", "action", "reason"),
    [
        ({}, DELETE, "no longer wanted"),
        ({"owned": False}, KEEP, "not tocsin's"),
        ({"locked": "it is a file's"}, KEEP, "no longer wanted, but it is a file's"),
    ],
)
def test_each_case_of_an_object_that_is_not_wanted(given, action, reason):
    step = one(there(**given))
    assert (step.action, step.reason) == (action, reason)


def test_what_goes_goes_in_the_reverse_order_of_how_it_came():
    present = [Found("contact point", "tocsin", owned=True), Found("route", "managed_by=tocsin", owned=True)]
    assert [step.kind for step in difference((), present)] == ["route", "contact point"]


def test_a_reason_names_the_first_differences_and_counts_the_others():
    found = there(body={})
    reason = one(found, Item("board", "tocsin-fleet", dict.fromkeys("abcdef", 1))).reason
    assert reason == "differs in a, b, c, d and 2 more"


KEYS = st.sampled_from(["a", "b", "c", "d", "e"])
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)
DESIRED = st.dictionaries(KEYS, BODIES, max_size=5)
PRESENT = st.dictionaries(KEYS, st.tuples(st.booleans(), BODIES, st.sampled_from(["", "", "locked"])), max_size=5)


def taken(steps, present, actions):
    """What is there after the steps of some actions, as an obedient server would have it."""
    kept = {found.key: found for found in present}
    for step in steps:
        if step.action not in actions:
            continue
        if step.action == DELETE:
            del kept[step.key]
        else:
            kept[step.key] = Found("board", step.key, owned=True, body=step.item.body)
    return list(kept.values())


@given(DESIRED, PRESENT)
def test_after_apply_and_prune_a_second_plan_is_empty_and_what_is_not_ours_is_untouched(desired, present):
    items = [Item("board", key, body) for key, body in desired.items()]
    found = [Found("board", key, owned, body, locked=locked) for key, (owned, body, locked) in present.items()]
    steps = difference(items, found)
    after = taken(steps, found, (CREATE, CHANGE, DELETE))
    again = difference(items, after)
    assert {step.action for step in again} <= {UNCHANGED, KEEP, CONFLICT}
    assert [step.key for step in again if step.action == CONFLICT] == [s.key for s in steps if s.action == CONFLICT]
    foreign = [each for each in found if not each.owned or (each.locked and each.body != desired.get(each.key))]
    assert all(each in after for each in foreign if each.owned is False)
    assert sorted(step.key for step in steps) == sorted({*desired, *present})


@given(BODIES)
def test_a_value_does_not_differ_from_itself(body):
    assert differing(body, body) == []


@given(st.dictionaries(st.text(max_size=3), BODIES, max_size=4), st.text(min_size=1, max_size=5))
def test_a_stamp_tells_a_board_that_is_as_it_was_written_from_one_that_is_not(content, change):
    board = {**content, "uid": "tocsin-x", "tags": ["tocsin"], "title": "t"}
    written = {**stamped(board), "id": 3, "version": 9}
    assert board_stamp(written) == digest(unstamped(written)) == digest(unstamped(board))
    assert board_stamp(stamped(written)) == board_stamp(written)
    edited = {**written, "title": "t" + change}
    assert board_stamp(edited) != digest(unstamped(edited))


def test_a_whole_number_is_the_same_with_and_without_its_point():
    assert digest({"min": 1.0}) == digest({"min": 1}) != digest({"min": 1.5})


@pytest.mark.parametrize(
    "board",
    [
        {},
        {"uid": "tocsin-x"},
        {"uid": "tocsin-x", "tags": None},
        {"uid": "copied", "tags": ["tocsin", "tocsin-hash:123456789012"]},
    ],
)
def test_a_board_without_our_tag_and_a_copy_under_another_uid_are_not_ours(board):
    assert board_stamp(board) is None


@given(st.text())
def test_a_file_is_ours_by_its_first_line(text):
    stamp = file_stamp(with_first_line(text))
    assert stamp is not None
    assert stamp[0] == stamp[1] == digest(text)
    assert file_stamp(with_first_line(text) + "x") not in (None, stamp)


@pytest.mark.parametrize("text", ["", "groups:\n", "# somebody's\n", "# Written by `tocsin provision`;\n"])
def test_a_file_without_that_line_is_not(text):
    assert file_stamp(text) is None
