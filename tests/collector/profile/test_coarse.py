import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, Values, category, number
from tocsin_collector.profile import layout_of, profile
from tocsin_collector.profile.coarse import CODES, GROUPS, chosen, codes, shares
from tocsin_collector.verdict import NUMBER, ModelKey

numbers = st.lists(st.one_of(st.none(), st.floats(width=32), st.sampled_from([0.0, 1.0, float("nan")])), min_size=1)
texts = st.lists(st.one_of(st.none(), st.sampled_from("abcdef"), st.text(max_size=3)), min_size=1)


def _frame(**columns):
    rows = len(next(iter(columns.values())).valid)
    named = {f"feature.{name}": values for name, values in columns.items()}
    return Frame("prediction", ModelKey("p", "m", ""), np.zeros(rows, np.int64), ["x"] * rows, named)


@given(numbers, numbers, texts, texts)
def test_the_shares_of_a_profile_are_those_of_its_rows_codes(before, now, names_before, names_now):
    for old, new in ((number(before), number(now)), (category(names_before), category(names_now))):
        layout, window = layout_of([_frame(x=old)]), _frame(x=new)
        found = codes(window, layout)
        assert len(found) == len(chosen(layout))
        counts = [np.bincount(one, minlength=CODES) for one in found]
        assert np.allclose(shares(profile(window, layout)), np.array(counts).reshape(-1, CODES) / window.rows)


def test_numbers_are_parted_into_groups_of_about_the_same_share_and_into_tails():
    frame = _frame(x=Values(NUMBER, np.random.default_rng(1).lognormal(size=50_000), np.ones(50_000, bool)))
    counts = np.bincount(codes(frame, layout_of([frame]))[0], minlength=CODES)
    assert counts[0] == 0
    assert counts[1:].all()
    assert (np.abs(counts[2:-2] / 50_000 * GROUPS - 1) < 0.3).all()


def test_what_is_missing_absent_or_of_another_kind_has_code_0():
    layout = layout_of([_frame(x=number([1.0, 2.0]), y=category(["a", "b"]))])
    found = codes(_frame(x=category(["1", "2", "3"])), layout)
    assert not found.any()
