from tocsin_agent.gpu.series import render
from tocsin_agent.gpu.worker import Snapshot
from tocsin_schema.metrics.gpu import METRICS


def snapshot(uuid, *, sampled, up=True, **values):
    made = Snapshot(None, up=up, values={(name,): value for name, value in values.items()})
    made.uuid, made.name, made.version, made.sampled = uuid, "A100", "570", sampled
    return made


def up_lines(text):
    return [line for line in text.decode().splitlines() if line.startswith("tocsin_gpu_up")]


def test_an_old_snapshot_is_down_though_it_never_failed():
    gpu = snapshot("GPU-1", sampled=10.0, tocsin_gpu_power_watts=5.0)
    fresh = render([(0, gpu)], {}, 12.0, 2.0, driver_up=True)
    stale = render([(0, gpu)], {}, 12.1, 2.0, driver_up=True)
    assert b'tocsin_gpu_power_watts{gpu="0",uuid="GPU-1"} 5.0' in fresh
    assert b"power" not in stale
    assert up_lines(stale) == ['tocsin_gpu_up{gpu="0",uuid="GPU-1"} 0']


def test_a_gpu_that_moved_to_another_index_is_told_once():
    moved = [(0, snapshot("GPU-1", sampled=10.0)), (1, snapshot("GPU-1", sampled=3.0, up=False))]
    assert up_lines(render(moved, {}, 10.0, 2.0, driver_up=True)) == ['tocsin_gpu_up{gpu="0",uuid="GPU-1"} 1']


def test_a_gpu_never_sampled_is_down_and_has_no_age():
    text = render([(3, Snapshot(None, up=False, values={}))], {}, 10.0, 2.0, driver_up=True)
    assert up_lines(text) == ['tocsin_gpu_up{gpu="3",uuid=""} 0']
    assert b"age" not in text
    assert b"info" not in text


def test_every_family_is_in_the_catalogue_once():
    gpu = snapshot("GPU-1", sampled=10.0, tocsin_gpu_utilization_ratio=0.5)
    gpu.errors = {"lost": 2}
    text = render([(0, gpu)], {("0", "GPU-1"): {"79": 1}}, 10.0, 2.0, driver_up=True).decode()
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    assert set(families) <= {metric.name for metric in METRICS}
