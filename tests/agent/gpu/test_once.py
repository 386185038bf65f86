"""A fault told by two witnesses counts once; what one of them alone tells counts too."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.gpu.once import MOST, WITHIN_S, Once

BOTH = ("nvml", "kernel_log")


def counted(reports):
    """How many of the reports (witness, fault, time) are new."""
    once = Once()
    return sum(once.new(*report) for report in reports)


def test_whoever_comes_first_the_other_adds_nothing():
    for first, second in (BOTH, BOTH[::-1]):
        assert counted([(first, 79, 0.0), (second, 79, 0.4)]) == 1


def test_the_same_fault_twice_is_two():
    assert counted([("nvml", 79, 0.0), ("kernel_log", 79, 0.1), ("nvml", 79, 0.2), ("kernel_log", 79, 0.3)]) == 2


def test_two_faults_do_not_stand_for_each_other():
    assert counted([("nvml", 79, 0.0), ("kernel_log", 48, 0.1)]) == 2


def test_what_one_alone_tells_counts():
    assert counted([("kernel_log", 62, at) for at in (0.0, 1.0, 2.0)]) == 3


def test_a_report_without_a_twin_does_not_hide_a_later_fault_of_the_other():
    assert counted([("kernel_log", 31, 0.0), ("nvml", 31, WITHIN_S + 1)]) == 2


def test_a_flood_of_one_witness_is_bounded():
    once = Once()
    assert all(once.new("kernel_log", 13, at / 1000) for at in range(3 * MOST))
    assert len(once._waiting[13][1]) == MOST


@given(st.lists(st.tuples(st.sampled_from([13, 79]), st.floats(0, 50)), max_size=40), st.randoms(use_true_random=False))
def test_in_any_order_two_faithful_witnesses_count_every_fault_once(faults, random):
    reports = [(witness, fault, 0.0) for fault, _ in faults for witness in BOTH]
    random.shuffle(reports)
    assert counted(reports) == len(faults)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40), st.randoms(use_true_random=False))
def test_never_fewer_than_the_better_witness_saw_and_never_more_than_both(seen, random):
    reports = [(witness, 79, 0.0) for told in seen for witness, did in zip(BOTH, told, strict=True) if did]
    random.shuffle(reports)
    each = [sum(told) for told in zip(*seen, strict=True)] or [0, 0]
    assert max(each) == counted(reports)


@given(st.lists(st.floats(0.1, 30), max_size=30), st.lists(st.floats(0, 2), min_size=60, max_size=60))
def test_a_delay_of_seconds_on_either_side_makes_no_second_fault(gaps, delays):
    at, reports = 0.0, []
    for index, gap in enumerate(gaps):
        at += gap
        reports += [("nvml", 79, at + delays[2 * index]), ("kernel_log", 79, at + delays[2 * index + 1])]
    assert counted(sorted(reports, key=lambda report: report[2])) == len(gaps)
