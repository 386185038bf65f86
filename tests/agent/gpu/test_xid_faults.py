"""XIDs from NVML and from the kernel's log, through the real source: each fault once, told with what to do."""

import re

import pytest

from tocsin_agent.gpu.advice import XIDS, advice

pytestmark = pytest.mark.system

COUNT = "xid_errors_total"


class Log:
    """A kernel's log that a test writes."""

    def __init__(self, path):
        self.path = path
        self.path.touch()

    def xid(self, number, *, gpu=0, place=None, times=1, text="pid=4242, name=python3, a message of the driver"):
        place = place or f"0000:{0xA0 + gpu:02x}:00"
        self.line(*[f"NVRM: Xid (PCI:{place}): {number}, {text}"] * times)

    def line(self, *lines):
        with self.path.open("a") as file:
            file.write("".join(f"3,{number},99,-;{line}\n DEVICE=none\n" for number, line in enumerate(lines)))


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "kmsg")


@pytest.fixture
def watched(gpus, log):
    """The control of two GPUs and a child that watches their XIDs in both places."""
    control, child = gpus(2, kmsg=log.path)
    child.until(lambda series: (COUNT, "0", "79") in series and (COUNT, "1", "79") in series)
    return control, child


def counted(child, xid, gpu="0"):
    return child.read().get((COUNT, gpu, str(xid)), 0)


def heard(control, child, log, gpu=0, mark=[500]):  # noqa: B006 (another number each time)
    """Both witnesses have told what there was: each tells a fault of its own behind it."""
    mark[0] += 2
    log.xid(mark[0], gpu=gpu)
    child.until(lambda series: series.get((COUNT, str(gpu), str(mark[0]))) == 1)
    control.xid(gpu, mark[0] + 1)
    child.until(lambda series: series.get((COUNT, str(gpu), str(mark[0] + 1))) == 1)


def test_a_fault_that_only_the_kernels_log_has_counts(watched, log):
    control, child = watched
    log.xid(62, gpu=1)
    child.until(lambda series: series[COUNT, "1", "62"] == 1)
    heard(control, child, log, gpu=1)
    assert counted(child, 62, "1") == 1
    assert counted(child, 62, "0") == 0


def test_a_fault_that_both_tell_counts_once_when_nvml_is_first(watched, log):
    control, child = watched
    control.xid(0, 79)
    child.until(lambda series: series[COUNT, "0", "79"] == 1)
    log.xid(79)
    heard(control, child, log)
    assert counted(child, 79) == 1


def test_a_fault_that_both_tell_counts_once_when_the_log_is_first(watched, log):
    control, child = watched
    log.xid(79)
    child.until(lambda series: series[COUNT, "0", "79"] == 1)
    control.xid(0, 79)
    heard(control, child, log)
    assert counted(child, 79) == 1


def test_a_burst_of_one_xid_counts_as_many_as_there_were(watched, log):
    control, child = watched
    log.xid(48, times=7)
    child.until(lambda series: series[COUNT, "0", "48"] == 7)
    control.set(0, xid=48, xid_count=control.get(0, "xid_count") + 7)
    heard(control, child, log)
    assert counted(child, 48) == 7
    control.xid(0, 48)
    child.until(lambda series: series[COUNT, "0", "48"] == 8)
    log.xid(48)
    heard(control, child, log)
    assert counted(child, 48) == 8


def test_the_same_xid_on_two_gpus_is_two_faults(watched, log):
    control, child = watched
    control.xid(0, 94)
    log.xid(94, gpu=1)
    series = child.until(lambda series: series[COUNT, "0", "94"] == 1 and series[COUNT, "1", "94"] == 1)
    assert series[COUNT, "0", "94"] == 1


def test_nothing_older_than_the_agent_counts_and_a_second_start_counts_nothing_again(gpus, log):
    log.xid(79, times=3)
    control, child = gpus(1, kmsg=log.path)
    child.until(lambda series: (COUNT, "0", "79") in series)
    heard(control, child, log)
    assert counted(child, 79) == 0
    log.xid(79)
    child.until(lambda series: series[COUNT, "0", "79"] == 1)
    control, second = gpus(1, kmsg=log.path)
    second.until(lambda series: (COUNT, "0", "79") in series)
    heard(control, second, log)
    assert counted(second, 79) == 0


def test_the_xid_of_a_gpu_whose_driver_does_not_start_counts_by_its_address(gpus, log):
    control, child = gpus(1, kmsg=log.path, init_hang=1)
    child.until(lambda series: control.get(None, "init_calls") and ("driver_up",) in series)
    log.xid(119, place="0000:3b:00")
    series = child.until(lambda series: (COUNT, "0000:3b:00", "119") in series)
    assert series[COUNT, "0000:3b:00", "119"] == 1


def test_a_card_that_moved_keeps_its_address(watched, log):
    control, child = watched
    for gpu, identity in ((0, 0xA1), (1, 0xA0)):
        control.set(gpu, identity=identity)
    control.set(loads=2)
    child.until(lambda _: 'gpu="0",uuid="GPU-000000a1"} 1' in child.ask())
    log.xid(95, gpu=1)
    child.until(lambda _: 'xid_errors_total{gpu="0",uuid="GPU-000000a1",xid="95"} 1' in child.ask())


def test_an_old_driver_without_events_has_its_xids_from_the_log(gpus, log):
    _, child = gpus(1, driver="old", kmsg=log.path)
    child.until(lambda series: series.get((COUNT, "0", "79")) == 0)
    log.xid(79)
    child.until(lambda series: series[COUNT, "0", "79"] == 1)


def test_a_number_that_cannot_be_is_none(watched, log):
    control, child = watched
    control.xid(0, 2**64 - 1)
    control.xid(0, 0)
    log.xid(999_999)
    heard(control, child, log)
    found = {int(key[2]) for key in child.read() if key[0] == COUNT}
    assert max(found) < 9999
    assert min(found) > 0


def test_sxids_of_switches_count_by_number_and_gravity(watched, log):
    _, child = watched
    log.line(
        "nvidia-nvswitch1: SXid (PCI:0000:c1:00.0): 24007, Fatal, Link 44 sourcetrack timeout error (First)",
        "nvidia-nvswitch1: SXid (PCI:0000:c1:00.0): 24007, Severity 1 Engine instance 44 Sub-engine instance 00",
        "nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Non-fatal, Link 32 egress non-posted PRIV error",
    )
    name = "tocsin_nvswitch_sxid_errors_total"
    child.until(lambda series: (name, "3", "12028", "non_fatal") in series)
    found = {key[1:]: value for key, value in child.read().items() if key[0] == name}
    assert found == {("1", "24007", "fatal"): 1, ("3", "12028", "non_fatal"): 1}
    assert "nvswitch_sxid switch=1 sxid=24007 kind=fatal line=" in child.log.read_text()


def test_each_fault_is_one_line_in_the_log_that_says_what_to_do(watched, log):
    control, child = watched
    control.xid(0, 79)
    child.until(lambda series: series[COUNT, "0", "79"] == 1)
    log.xid(13, gpu=1, times=50)
    child.until(lambda series: series.get((COUNT, "1", "13")) == 50)
    lines = [line for line in child.log.read_text().splitlines() if line.startswith("gpu_xid")]
    assert len(lines) == 2
    assert lines[0].startswith("gpu_xid gpu=0 uuid=GPU-000000a0 xid=79 told_by=nvml meaning=")
    assert "drain the host and reboot" in lines[0]
    assert lines[1].startswith("gpu_xid gpu=1 uuid=GPU-000000a1 xid=13 told_by=kernel_log meaning=")
    assert "pid=4242, name=python3, a message of the driver" in lines[1]


def test_a_host_whose_log_may_not_be_read_has_its_xids_from_nvml(gpus, tmp_path):
    control, child = gpus(1, kmsg=tmp_path / "none")
    child.until(lambda series: (COUNT, "0", "79") in series)
    control.xid(0, 79)
    child.until(lambda series: series[COUNT, "0", "79"] == 1)
    assert child.log.read_text().count("kernel_log_unreadable") == 1
    assert sorted(child.ask("threads").split()) == ["MainThread", "gpu-driver", "gpu-sampler", "gpu-xid"]


def test_every_xid_of_the_table_has_a_meaning_and_a_next_step():
    assert {13, 31, 43, 45, 48, 61, 62, 63, 64, 69, 74, 79, 92, 94, 95, 109, 119, 120, 121, 136, 140} <= XIDS.keys()
    for meaning, todo in XIDS.values():
        assert meaning
        assert re.match(r"[a-z]", todo)
    assert advice(4711) == ("", "")
