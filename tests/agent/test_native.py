"""Native histograms: the layout's buckets as exponential ones, made coarser without a loss."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tests.protobuf_reader import families, labels, native_buckets
from tocsin_agent.capture import Capture
from tocsin_agent.protobuf import Encoder
from tocsin_agent.sources.serving import SOURCE
from tocsin_schema.latency import BOUNDS_S, BUCKETS, bucket
from tocsin_schema.native import MOST_BUCKETS, ZERO_S, Native, native

SECONDS = st.floats(1e-7, 2000.0)


def counted(durations: list[float]) -> list[int]:
    counts = [0] * BUCKETS
    for seconds in durations:
        counts[bucket(seconds)] += 1
    return counts


def filled(found: Native) -> dict[int, int]:
    """Index and count of each bucket, from spans and deltas."""
    spans = [{"offset": gap, "length": length} for gap, length in found.spans]
    return native_buckets({"positive_span": spans, "positive_delta": found.deltas})


@given(st.lists(SECONDS, max_size=60), st.sampled_from([4, 20, MOST_BUCKETS]))
def test_every_duration_is_in_the_bucket_that_prometheus_expects_it_in(durations, most):
    found = native(counted(durations), most)
    width = 2.0**-found.schema
    expected: dict[int, int] = {}
    zeros = 0
    for seconds in durations:
        if seconds <= ZERO_S:
            zeros += 1
            continue
        # The smallest index whose upper bound 2 ** (index * width) is not below: by definition, not by our tables.
        index = math.ceil(math.log2(min(seconds, 1024 * 2 ** (1 / 32))) / width)
        index += 1 if 2.0 ** (index * width) < min(seconds, 1024.1) else 0
        index -= 1 if 2.0 ** ((index - 1) * width) >= seconds else 0
        expected[index] = expected.get(index, 0) + 1
    assert (filled(found), found.zeros) == (expected, zeros)


@given(st.lists(SECONDS, max_size=300))
def test_buckets_are_at_most_so_many_and_as_fine_as_that_allows(durations):
    counts = counted(durations)
    found = native(counts)
    assert len(found.deltas) <= MOST_BUCKETS
    assert sum(filled(found).values()) + found.zeros == len(durations)
    assert found.schema == 5 or len(native(counts, 10_000).deltas) > MOST_BUCKETS


def test_a_histogram_with_every_bucket_filled_is_coarse_and_whole():
    found = native([1] * BUCKETS)
    assert found.schema == 2
    assert sum(filled(found).values()) == BUCKETS - 1
    assert max(filled(found)) == 41  # what is beyond the last bound, 2 ** 10, has the bucket behind it


def test_no_counts_are_no_buckets():
    found = native([0] * BUCKETS)
    assert (found.spans, found.deltas, found.zeros, found.schema) == ([], [], 0, 5)


def test_the_zero_bucket_ends_at_the_layouts_first_bound():
    assert ZERO_S == BOUNDS_S[0] == 2.0**-20


def test_what_workers_have_counted_is_in_the_message_twice_and_agrees(tmp_path):
    capture = Capture(model='cr"edit', version="3", project="shop", runtime_dir=str(tmp_path), endpoint="")
    durations = [0.0, 1e-6, 0.001, 0.0010001, 0.3, 0.31, 100.0, 2000.0]
    capture._series.done += [("/predict", 0, int(seconds * 1e9), int(seconds * 1e9)) for seconds in durations]
    capture._worker.start()
    assert capture.flush(5)
    source = SOURCE({"runtime_dir": str(tmp_path)})
    found = {one["name"]: one for one in families(Encoder().encode([source.read()]))}
    for name in ("request_duration", "time_to_first_byte", "route_duration"):
        (metric,) = found[f"tocsin_inference_{name}_seconds"]["metric"]
        histogram = metric["histogram"]
        assert labels(metric)["model"] == 'cr"edit'
        assert histogram["sample_count"] == len(durations)
        assert histogram["bucket"][-1] == {"cumulative_count": len(durations), "upper_bound": math.inf}
        assert (histogram["schema"], histogram["zero_threshold"]) == (5, ZERO_S)
        assert histogram["zero_count"] == 1
        assert native_buckets(histogram) == filled(native(counted(durations)))
    capture.close()
    source.close()
