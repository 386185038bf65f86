"""Block devices."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.diskstats import Diskstats, ignored, parse, properties

PEER = re.compile(r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$", re.ASCII)
ATA = "E:ID_ATA_ROTATION_RATE_RPM=7200\nE:ID_ATA_WRITE_CACHE_ENABLED=0\nE:ID_ATA_WRITE_CACHE=yes\n"
PARTS = st.sampled_from(
    ["ram", "z", "loop", "fd", "h", "s", "v", "xv", "d", "a", "A", "nvme", "n", "p", "0", "12", "-", "é"]
)


@given(st.lists(PARTS, max_size=7).map("".join))
def test_devices_are_left_out_as_in_node_exporter(name):
    assert ignored(name) == bool(PEER.match(name))


@pytest.mark.parametrize("name", ["sda", "nvme0n1", "dm-0", "md127", "vdb", "mmcblk0", "sr0", "rbd0"])
def test_whole_disks_are_kept(name):
    assert not ignored(name)


@pytest.mark.parametrize("name", ["sda1", "nvme0n1p12", "loop0", "ram15", "zram0", "fd0", "xvda1"])
def test_partitions_and_memory_disks_are_not(name):
    assert ignored(name)


@given(st.binary(max_size=300))
def test_anything_else_is_a_value_error(outcome, data):
    found, error = outcome(parse, data)
    assert "rows of at least 14 fields expected" in error if error else not found[1] or len(found[1]) % found[0] == 0


def labelled(found, name):
    return {dict(labels)["device"]: value for (metric, labels), value in found.items() if metric == name}


def test_eleven_columns_of_an_old_kernel(host, series):
    found = series(Diskstats(host("server_4.14")).read())
    reads = labelled(found, "node_disk_reads_completed_total")
    assert reads == {"sda": 25354637, "nvme0n1": 47114, "dm-0": 59910002, "sr0": 0}
    assert labelled(found, "node_disk_read_bytes_total")["sda"] == 1003346126 * 512
    assert labelled(found, "node_disk_io_time_weighted_seconds_total")["dm-0"] == 1206301.256
    assert len(found) == 4 * (11 + 1)


def test_seventeen_columns_of_a_new_kernel(host, series):
    found = series(Diskstats(host("vm_6.18")).read())
    assert labelled(found, "node_disk_flush_requests_time_seconds_total") == {"vda": 0.14}
    assert labelled(found, "node_disk_discarded_sectors_total") == {"vda": 1649696}


def test_columns_of_a_later_kernel_are_ignored(host, series, tmp_path):
    values = host("vm_6.18")
    path = tmp_path / "proc/diskstats"
    path.write_bytes(path.read_bytes().replace(b"\n", b" 77 78\n"))
    found = series(Diskstats(values).read())
    assert labelled(found, "node_disk_flush_requests_time_seconds_total") == {"vda": 0.14}


def test_what_udev_knows_becomes_labels_and_its_changes_are_seen(host, series, tmp_path):
    values = host("server_4.14")
    (tmp_path / "udev").mkdir()
    source = Diskstats(values)
    source.read()
    (tmp_path / "udev/b253:0").write_text(
        'S:x\nE:DM_NAME=vg-"root"\nE:DM_UUID=u1\nE:ID_FS_TYPE=ext4\nE:DM_VG_NAME=100%\n'
    )
    (tmp_path / "udev/b8:0").write_text("E:ID_MODEL=Model=7\nE:ID_SERIAL=x\nE:ID_SERIAL_SHORT=s1\nE:ID_ATA=1\n" + ATA)
    found = series(source.read())
    source.close()
    info = next(dict(labels) for name, labels in found if name == "node_disk_info" and ("device", "sda") in labels)
    assert (info["model"], info["serial"], info["major"], info["rotational"]) == ("Model=7", "s1", "8", "0")
    mapper = next(dict(labels) for name, labels in found if name == "node_disk_device_mapper_info")
    assert (mapper["name"], mapper["vg_name"], mapper["lv_name"]) == ('vg-"root"', "100%", "")
    assert labelled(found, "node_disk_filesystem_info") == {"dm-0": 1}
    assert labelled(found, "node_disk_ata_rotation_rate_rpm") == {"sda": 7200}
    assert labelled(found, "node_disk_ata_write_cache_enabled") == {"sda": 0}
    assert labelled(found, "node_disk_ata_write_cache") == {}


@given(st.text(max_size=100))
def test_any_udev_file_gives_properties(text):
    assert all("\n" not in name for name in properties(text))


def test_no_disk_at_all_gives_nothing(host, tmp_path):
    values = host("server_4.14")
    (tmp_path / "proc/diskstats").write_bytes(b"   1       0 ram0 0 0 0 0 0 0 0 0 0 0 0\n")
    assert Diskstats(values).read() == b""
    (tmp_path / "proc/diskstats").write_bytes(b"")
    assert Diskstats(values).read() == b""


def test_counters_that_are_none_are_a_value_error(host, tmp_path):
    values = host("server_4.14")
    (tmp_path / "proc/diskstats").write_bytes(b"8 0 sda 1 2 3 4 5 6 seven 8 9 10 11\n")
    with pytest.raises(ValueError, match="counters expected"):
        Diskstats(values).read()
