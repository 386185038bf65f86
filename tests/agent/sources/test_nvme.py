"""NVMe controllers and namespaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.process import until
from tocsin_agent.sources.nvme import Nvme, namespace


@pytest.mark.parametrize(
    ("entry", "number"),
    [
        ("nvme0n1", "1"),
        ("nvme0c1n12", "12"),
        ("nvme0", ""),
        ("nvme0n", ""),
        ("nvme0cn1", ""),
        ("nvme01n1", ""),
        ("power", ""),
        ("nvme1n1", ""),
        ("hwmon3", ""),
    ],
)
def test_the_number_of_a_namespace(entry, number):
    assert namespace("nvme0", entry) == number


@given(st.text(max_size=20))
def test_any_entry_is_a_namespace_or_is_none(entry):
    assert not namespace("nvme0", entry).strip("0123456789")


def test_sectors_have_512_bytes_and_blocks_their_own_size(planted, series, tmp_path):
    values = planted("nvme")
    (tmp_path / "sys/class/nvme/nvme0/nvme0n1/queue/logical_block_size").write_text("4096\n")
    found = {name: value for (name, labels), value in series(Nvme(values).read()).items() if ("nsid", "1") in labels}
    assert found["node_nvme_namespace_size_bytes"] == found["node_nvme_namespace_capacity_bytes"] == 3907029168 * 512
    assert found["node_nvme_namespace_used_bytes"] == 488281250 * 4096
    assert found["node_nvme_namespace_logical_block_size_bytes"] == 4096


def test_bytes_that_are_no_utf_8_and_files_that_are_not_there(planted, series):
    found = {dict(labels)["device"]: dict(labels) for _, labels in series(Nvme(planted("nvme.hostile")).read())}
    assert found["nvme0"]["model"] == 'Linux \ufffdtarget"\\'
    assert found["nvme\ufffd"] == {
        "device": "nvme\ufffd", "state": "dead", "model": "", "serial": "", "firmware_revision": "", "cntlid": "",
    }  # fmt: skip


def test_disks_come_and_go(planted, series, tmp_path):
    source = Nvme(planted("nvme"))
    source.read()
    (tmp_path / "sys/class/nvme/nvme10").rename(tmp_path / "gone")
    assert "nvme10" in {dict(labels)["device"] for _, labels in series(source.read())}
    source._look_at = 0  # half a minute later
    assert {dict(labels)["device"] for _, labels in series(source.read())} == {"nvme0"}
    source.close()


@pytest.mark.system
def test_a_controller_that_hangs_takes_no_other_with_it(planted, series, tmp_path, hang):
    values = planted("nvme")
    stuck = tmp_path / "sys/class/nvme/nvme0/state"
    hang(stuck)
    source = Nvme(values)

    def told() -> set[str]:
        return {dict(labels)["device"] for name, labels in series(source.read()) if name.startswith("node_")}

    until(lambda: told() == {"nvme10"}, "the other answers")
    source.close()


def test_a_host_without_such_disks_has_nothing(planted):
    assert Nvme(planted("nvme.absent")).read() == b""
