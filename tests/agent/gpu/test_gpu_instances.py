"""A GPU that is cut into instances (MIG): each has its memory and its work, and none outlives itself in the series."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.gpu.mig import profile

SMALL, LARGE = (0, 9, 0, 1, 10, 3 << 30, 0), (1, 5, 0, 2, 20, 11 << 30, 0)
"""Place, GPU instance, compute instance, slices, gigabytes, used bytes, NVML's code."""
UNKNOWN = 999
SM = 2
"""The number of its counter."""


def of_instances(series, gpu="0"):
    return {key for key in series if key[0].startswith("mig_") and key[0] != "mig_enabled" and key[1] == gpu}


def infos(series):
    """UUID and profile by GPU, GPU instance and compute instance."""
    return {key[1:4]: key[4:] for key in series if key[0] == "mig_info"}


def there(series, *instances, gpu="0"):
    return set(infos(series)) == {(gpu, str(instance[1]), str(instance[2])) for instance in instances}


def test_the_profile_is_the_names_end_or_else_the_number_of_slices():
    assert profile("NVIDIA H100 80GB HBM3 MIG 1c.2g.20gb", 2) == "1c.2g.20gb"
    assert profile("NVIDIA H100 80GB HBM3", 2) == "2g"
    assert profile("", None) == ""


@given(st.text(), st.none() | st.integers(0, 7))
def test_any_name_has_a_profile_of_its_own_end_or_of_slices(name, slices):
    assert (found := profile(name, slices)) in (f"{slices}g", "") or name.endswith(f" MIG {found}")


@pytest.mark.system
def test_instances_have_memory_multiprocessors_and_their_gpu(gpus):
    control, child = gpus(2)
    control.cut(1, SMALL, LARGE)
    series = child.until(lambda series: there(series, SMALL, LARGE, gpu="1"))
    assert infos(series) == {
        ("1", "9", "0"): ("MIG-00000150", "1g.10gb"), ("1", "5", "0"): ("MIG-00000110", "2g.20gb"),
    }  # fmt: skip
    assert (series["mig_enabled", "0"], series["mig_enabled", "1"]) == (0, 1)
    assert series["mig_memory_used_bytes", "1", "9"] == 3 << 30
    assert series["mig_memory_total_bytes", "1", "5"] == 20 << 30
    assert series["mig_multiprocessors", "1", "5", "0"] == 32
    assert 'tocsin_gpu_mig_info{gpu="1",uuid="GPU-000000a1",gpu_instance="5"' in child.ask()
    assert not [key for key in series if key[0] == "errors_total"]


@pytest.mark.system
def test_a_gpu_is_cut_and_made_whole_while_the_agent_runs(gpus):
    control, child = gpus(1)
    control.processes(0, (os.getpid(), 1 << 30, 10, 0))
    child.until(lambda series: ("utilization_ratio", "0") in series and ("mig_enabled", "0") in series)

    def one_or_the_other(series):
        """What a whole GPU tells and what a cut one tells are never on one page."""
        whole = {
            key for key in series if key[0] in ("utilization_ratio", "encoder_utilization_ratio", "activity_ratio")
        }
        assert not (whole and of_instances(series))
        return series

    control.put(0, "process_instance", 0, 1 + (9 << 8))
    control.cut(0, SMALL)
    series = child.until(lambda series: there(one_or_the_other(series), SMALL))
    assert ("mig_process_memory_bytes", "0", "9", "0") in {key[:4] for key in series}
    assert series["up", "0"] == 1
    assert not {"process_utilization_ratio", "activity_seconds_total"} & {key[0] for key in series}
    control.put(0, "process_instance", 0, 0)
    control.whole(0)
    child.until(lambda series: ("utilization_ratio", "0") in one_or_the_other(series))
    series = child.until(lambda series: ("activity_ratio", "0", "sm") in series)
    assert not of_instances(series)
    assert series["mig_enabled", "0"] == 0


@pytest.mark.system
def test_an_instance_that_goes_takes_its_series_along(gpus):
    control, child = gpus(1)
    control.cut(0, SMALL, LARGE)
    child.until(lambda series: there(series, SMALL, LARGE))
    control.cut(0, LARGE)
    series = child.until(lambda series: there(series, LARGE))
    assert {key[2] for key in of_instances(series)} == {"5"}
    control.cut(0)
    series = child.until(lambda series: not of_instances(series))
    assert series["mig_enabled", "0"] == 1


@pytest.mark.system
@pytest.mark.parametrize("successor", [(0, 7, 0, 1, 10, 5 << 30, 0), (0, 9, 0, 1, 20, 5 << 30, 0)])
def test_an_instance_is_never_mistaken_for_its_successor_on_the_same_handle(gpus, successor):
    control, child = gpus(1)
    control.cut(0, SMALL)
    child.until(lambda series: there(series, SMALL))
    control.cut(0, successor)

    def follows(series):
        used = {key[2]: value for key, value in series.items() if key[0] == "mig_memory_used_bytes"}
        total = {key[2]: value for key, value in series.items() if key[0] == "mig_memory_total_bytes"}
        sizes = {instance: (int(used[instance]), int(total[instance]) >> 30) for instance in used}
        assert sizes in ({}, {"9": (3 << 30, 10)}, {str(successor[1]): (5 << 30, successor[4])})
        return 5 << 30 in used.values()

    series = child.until(follows)
    assert infos(series)["0", str(successor[1]), "0"][1] == f"1g.{successor[4]}gb"


@pytest.mark.system
def test_compute_instances_share_the_memory_and_the_counters_of_their_gpu_instance(gpus):
    control, child = gpus(1)
    first, second = (2, 3, 0, 1, 20, 2 << 30, 0), (3, 3, 1, 1, 20, 2 << 30, 0)
    control.share(0, SM, 25, instance=3)
    control.cut(0, first, second)
    series = child.until(
        lambda series: there(series, first, second) and ("mig_activity_ratio", "0", "3", "sm") in series
    )
    assert [key for key in series if key[0] == "mig_memory_used_bytes"] == [("mig_memory_used_bytes", "0", "3")]
    assert [key for key in series if key[0] == "mig_activity_ratio"] == [("mig_activity_ratio", "0", "3", "sm")]
    assert {key[2:] for key in series if key[0] == "mig_multiprocessors"} == {("3", "0"), ("3", "1")}


@pytest.mark.system
def test_another_compute_instance_does_not_disturb_the_counters_of_the_first(gpus):
    control, child = gpus(1)
    first, second = (2, 3, 0, 1, 20, 2 << 30, 0), (3, 3, 1, 1, 20, 2 << 30, 0)
    control.share(0, SM, 25, instance=3)
    control.cut(0, first)
    child.until(lambda series: ("mig_activity_ratio", "0", "3", "sm") in series)
    control.cut(0, first, second)

    def both(series):
        assert series["mig_activity_ratio", "0", "3", "sm"] == 0.25
        return there(series, first, second)

    child.until(both)


@pytest.mark.system
def test_the_work_of_an_instance_adds_up_and_goes_on_when_it_comes_again(gpus):
    control, child = gpus(1)
    control.share(0, SM, 50, instance=9)
    control.cut(0, SMALL, LARGE)
    ratio, seconds = ("mig_activity_ratio", "0", "9", "sm"), ("mig_activity_seconds_total", "0", "9", "sm")
    series = child.until(lambda series: series.get(seconds, 0) > 0.1)
    assert series[ratio] == 0.5
    assert not [key for key in series if key[0] == "mig_activity_ratio" and key[2] == "5"]
    control.cut(0, LARGE)
    child.until(lambda series: there(series, LARGE))
    control.cut(0, SMALL, LARGE)
    again = child.until(lambda series: seconds in series)
    assert again[seconds] >= series[seconds]


@pytest.mark.system
def test_processes_stand_by_their_instance_and_the_smallest_of_each_are_one(gpus):
    control, child = gpus(1)
    control.cut(0, SMALL, LARGE)
    own = str(os.getpid())
    control.processes(0, (os.getpid(), 3 << 30, 0, 0), *((2**22 + pid, pid << 20, 0, 0) for pid in range(1, 21)))
    control.put(0, "process_instance", 0, 1 + (9 << 8))
    for place in range(1, 21):
        control.put(0, "process_instance", place, 1 + (5 << 8 | 1))
    series = child.until(lambda series: ("mig_process_memory_bytes", "0", "5", "1", "_other", "_other") in series)
    found = {key[2:5]: value for key, value in series.items() if key[0] == "mig_process_memory_bytes"}
    assert found["9", "0", own] == 3 << 30
    assert found["5", "1", "_other"] == (1 + 2 + 3 + 4) << 20
    assert sum(value for key, value in found.items() if key[0] == "5") == sum(range(1, 21)) << 20
    assert sum(value for key, value in series.items() if key[0] == "process_memory_bytes") == sum(found.values())


@pytest.mark.system
def test_an_instance_that_fails_goes_alone(gpus):
    control, child = gpus(1)
    control.cut(0, SMALL, LARGE)
    child.until(lambda series: there(series, SMALL, LARGE))
    control.cut(0, (*SMALL[:-1], UNKNOWN), LARGE)
    series = child.until(lambda series: there(series, LARGE))
    assert series["up", "0"] == 1
    assert not [key for key in series if key[0] == "errors_total"]
    control.cut(0, SMALL, LARGE)
    child.until(lambda series: there(series, SMALL, LARGE))


@pytest.mark.system
def test_texts_that_are_none_cost_a_profile_or_an_instance_but_not_the_gpu(gpus):
    control, child = gpus(1)
    garbled = 0xBAD
    control.cut(0, SMALL, (1, 5, 0, 2, garbled, 1 << 30, 0))
    series = child.until(lambda series: len(infos(series)) == 2)
    assert infos(series)["0", "5", "0"][1] == "2g"
    control.put(0, "instance", 0, garbled)
    series = child.until(lambda series: len(infos(series)) == 1)
    assert series["up", "0"] == 1
    assert not [key for key in series if key[0] == "errors_total"]


@pytest.mark.system
def test_instances_are_lost_with_their_gpu_and_found_again_after_a_reload(gpus):
    control, child = gpus(2)
    control.share(0, SM, 50, instance=9)
    control.cut(0, SMALL)
    activity = ("mig_activity_ratio", "0", "9", "sm")
    child.until(lambda series: there(series, SMALL) and activity in series)
    control.set(loads=0)
    child.until(lambda series: series["up", "0"] == 0 and not of_instances(series))
    control.set(loads=2)
    child.until(lambda series: there(series, SMALL) and activity in series)


@pytest.mark.system
def test_seven_instances_are_told(gpus):
    control, child = gpus(1)
    seven = [(place, 7 + place, 0, 1, 10, place << 30, 0) for place in range(7)]
    control.cut(0, *seven)
    series = child.until(lambda series: there(series, *seven))
    used = {int(key[2]): value for key, value in series.items() if key[0] == "mig_memory_used_bytes"}
    assert used == {7 + place: place << 30 for place in range(7)}


@pytest.mark.system
@pytest.mark.parametrize("driver", ["new", "old"])
def test_a_gpu_that_cannot_be_cut_has_no_mode(gpus, driver):
    control, child = gpus(1, driver=driver)
    control.put(0, "mig", 0, 0)
    series = child.until(lambda series: series.get(("up", "0")) == 1 and ("mig_enabled", "0") not in series)
    assert not of_instances(series)
