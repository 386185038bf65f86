"""Each NFS mount."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.mountstats import Mountstats, addresses, parse, transport

DEVICE = "device a:/b mounted on /c with fstype nfs4 statvers=1.1\n"


@given(st.lists(st.integers(0, 2**64 - 1), min_size=8, max_size=9))
def test_every_column_of_an_operation_comes_out(counts):
    ((_, mount),) = parse(f"{DEVICE}\tper-op statistics\n\t   READ: {' '.join(map(str, counts))}\n".encode())
    assert mount.operations == [("READ", counts)]


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(outcome, data):
    for prefix in (b"", DEVICE.encode()):
        found, error = outcome(parse, prefix + data)
        assert error or isinstance(found, list)


@pytest.mark.parametrize(
    "line",
    [
        "device a:/b mounted\n",
        f"{DEVICE} bytes: 1 2\n",
        f"{DEVICE} events: x\n",
        f"{DEVICE}\t READ: 1 2\n",
        f"{DEVICE} xprt: tcp 1\n",
        f"{DEVICE} age: old\n",
    ],
)
def test_a_torn_line_is_a_value_error(line):
    with pytest.raises(ValueError, match=r"expected|invalid literal"):
        parse(line.encode())


def test_a_transport_without_connections_has_none_and_an_old_kernel_no_slots():
    counts = list(map(str, range(1, 14)))
    assert transport(["tcp", *counts]) == [2, 3, 5, 6, 7, 8, 10, 11, 12, 13]
    assert transport(["tcp", *counts[:10]]) == [2, 3, 5, 6, 7, 8, 10, 0, 0, 0]
    assert transport(["udp", *counts[:10]]) == [2, 0, 0, 3, 4, 5, 7, 8, 9, 10]


def test_the_address_is_an_option_of_the_superblock():
    data = b"1 1 0:1 / /a rw - nfs x:/y rw,vers=3,addr=10.0.0.1,local\n2 1 0:2 / /b rw - ext4 /dev/a rw\n"
    assert addresses(data) == ["10.0.0.1", ""]


def test_an_export_that_is_mounted_twice_is_counted_once(planted, series):
    source = Mountstats(planted("mountstats"))
    found = series(source.read())
    points = {dict(labels)["mountpoint"] for name, labels in found if name == "node_mountstats_nfs_mountpoint_info"}
    assert points == {"/mnt/nfs/test", "/mnt/with\\040space", "/mnt/udp", "/mnt/old"}
    read = {
        dict(labels)["export"]: value
        for (name, labels), value in found.items()
        if name.endswith("nfs_read_bytes_total")
    }
    assert read == {"192.168.1.1:/srv/test": 1207640230, "192.168.1.1:/udp": 1, "old:/v": 1}
    errors = {dict(labels)["operation"]: value for (name, labels), value in found.items() if "errors" in name}
    assert errors == {"WRITE": 9}
    waited = "node_mountstats_nfs_operations_queue_time_seconds_total"
    labels = {("export", "192.168.1.1:/udp"), ("protocol", "udp"), ("mountaddr", "192.168.1.1"), ("operation", "READ")}
    assert found[waited, frozenset(labels)] == 0.006
    source.close()


def test_a_host_without_such_mounts_has_nothing(planted):
    assert Mountstats(planted("mountstats.absent")).read() == b""
