"""InfiniBand and RoCE ports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.process import until
from tocsin_agent.sources.infiniband import Infiniband, rate, state, words


@given(st.integers(0, 2**64 - 1))
def test_words_have_four_octets_and_wrap_with_the_counter(count):
    assert int(words(b"%d\n" % count)) == count * 4 % 2**64


@pytest.mark.parametrize(
    ("data", "found"), [(b"2.5 Gb/sec (1X SDR)\n", b"312500000"), (b"400 Gb/sec (4X NDR)\n", b"50000000000")]
)
def test_a_rate_in_octets_a_second(data, found):
    assert rate(data) == found


@given(st.binary(max_size=40))
def test_anything_else_is_a_value_error(outcome, data):
    for parser in (rate, state, words):
        found, error = outcome(parser, data)
        assert error or isinstance(found, bytes)


def ports(found, name: str) -> dict[tuple[str, str], float]:
    return {
        (dict(labels)["device"], dict(labels)["port"]): value
        for (metric, labels), value in found.items()
        if metric == f"node_infiniband_{name}"
    }


def test_counters_of_new_and_old_kernels(planted, series):
    source = Infiniband(planted("infiniband"))
    found = series(source.read())
    assert ports(found, "port_data_received_bytes_total")["mlx5_0", "1"] == 4 * 124
    assert ports(found, "state_id") == {("mlx4_0", "1"): 1, ("mlx4_0", "2"): 4, ("mlx5_0", "1"): 4}
    assert ports(found, "lifespan_seconds") == {("mlx5_0", "1"): 12}
    assert ("mlx4_0", "1") not in ports(found, "symbol_error_total")
    source.close()


def test_the_summary_has_what_one_looks_at_first(planted, series):
    found = series(Infiniband(planted("infiniband") | {"profile": "summary"}).read())
    assert len([name for name, labels in found if ("device", "mlx5_0") in labels]) == 9


@pytest.mark.system
def test_a_device_whose_firmware_hangs_takes_no_other_with_it(planted, series, tmp_path, hang):
    values = planted("infiniband")
    stuck = tmp_path / "sys/class/infiniband/mlx4_0/ports/1/counters/link_downed"
    hang(stuck)
    source = Infiniband(values)

    def told() -> set[str]:
        return {dict(labels)["device"] for name, labels in series(source.read()) if name.startswith("node_")}

    until(lambda: told() == {"mlx5_0"}, "the other answers")
    source.close()


def test_a_port_that_goes_is_gone_and_an_empty_folder_is_nothing(planted, series, tmp_path):
    source = Infiniband(planted("infiniband.irdma"))
    assert series(source.read())
    (tmp_path / "sys/class/infiniband/irdma0").rename(tmp_path / "gone")
    source._readings._look_at = 0  # half a minute later
    assert source.read() == b""
    source.close()


def test_a_host_without_such_a_device_has_nothing(planted):
    assert Infiniband(planted("infiniband.absent")).read() == b""
