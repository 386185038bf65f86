"""Mounted filesystems: the list, the room, and servers that do not answer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.filesystem import WAIT_S, Filesystem, above, ignored, parse, printable, servers, unescape

NFS = {("device", "filer:/vol/a\\011b"), ("mountpoint", "/srv/nfs share"), ("fstype", "nfs4")}


def line(path="/", fstype="ext4", device="/dev/sda1", options="rw", superblock="rw"):
    return f"22 1 8:1 / {path} {options} shared:1 - {fstype} {device} {superblock}\n".encode()


@given(st.binary(max_size=60))
def test_an_escaped_field_comes_back(raw):
    escaped = b"".join(b"\\%03o" % byte if byte in b" \t\n\\" else bytes([byte]) for byte in raw)
    assert unescape(escaped) == raw


@given(st.binary(max_size=60))
def test_any_field_has_a_printable_form(raw):
    assert isinstance(printable(unescape(raw)).encode(), bytes)


@pytest.mark.parametrize(
    ("name", "text"),
    [(b"caf\xc3\xa9\n", "café\n"), (b"caf\xe9", "caf\ufffd"), (b"/\xd6\xd0\xce\xc4/\xff", "/\ufffd/\ufffd"), (b"", "")],
)
def test_a_run_of_bytes_that_are_no_text_is_one_mark(name, text):
    assert printable(name) == text


def test_of_two_mounts_that_print_alike_one_is_shown(host, series, tmp_path: Path):
    source = Filesystem(host("server_4.14") | {"rootfs": "/"})
    (tmp_path / "proc/self/mountinfo").write_bytes(line() + line("/\\377") + line("/\\376"))
    errors = [dict(labels) for name, labels in series(source.read()) if name == "node_filesystem_device_error"]
    assert [row["mountpoint"] for row in errors] == ["/", "/\ufffd"]
    source.close()


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(outcome, data):
    found, error = outcome(parse, data)
    assert "a line of mountinfo expected" in error if error else isinstance(found, list)


@pytest.mark.parametrize(
    "data", [b"\n", b"22 1 8:1 / / rw\n", b"22 1 81 / / rw - ext4 a b\n", b"22 1 8:1 / / rw - ext4\n"]
)
def test_a_torn_line_is_a_value_error(data):
    with pytest.raises(ValueError, match="a line of mountinfo expected"):
        parse(data)


def test_a_carriage_return_in_a_path_is_part_of_it():
    first, second = parse(line(path="/home/u/a\rb") + line())
    assert (first.path, second.path) == ("/home/u/a\rb", "/")


def test_a_path_that_crosses_a_servers_mount_depends_on_it():
    data = (
        line() + line("/srv", "nfs4") + line("/srv/a/b") + line("/srv2") + line("/run/o", "overlay") + line("/run/o/p")
    )
    mounts = parse(data)
    assert [above(mount, servers(mounts)) for mount in mounts] == [[], [], ["nfs4"], [], [], []]


def test_the_last_mount_of_a_place_covers_the_others():
    (mount,) = parse(line(device="below") + line(device="above"))
    assert mount.device == "above"


@pytest.mark.parametrize(
    ("options", "superblock", "readonly"),
    [
        ("ro", "rw", True),
        ("rw", "ro", True),
        ("rw,errors=ro", "rw", False),
        ("rw", "rw,emergency_ro", True),
        ("rw", "rw,errors=emergency_ro", False),
    ],
)
def test_read_only_is_an_option_of_the_mount_or_of_the_superblock(options, superblock, readonly):
    (mount,) = parse(line(options=options, superblock=superblock))
    assert mount.readonly == readonly


@pytest.mark.parametrize(
    ("path", "fstype", "left_out"),
    [
        ("/", "ext4", False),
        ("/dev", "tmpfs", True),
        ("/dev/shm", "tmpfs", True),
        ("/device", "tmpfs", False),
        ("/proc/sys/fs/binfmt_misc", "autofs", True),
        ("/run", "tmpfs", False),
        ("/run/credentials/a.service", "ramfs", True),
        ("/run/credentials", "ramfs", False),
        ("/var/lib/docker/overlay2/x/merged", "xfs", True),
        ("/var/lib/docker", "xfs", False),
        ("/snap/core/1", "squashfs", True),
        ("/data", "nfs4", False),
    ],
)
def test_mounts_are_left_out_as_in_node_exporter(path, fstype, left_out):
    (mount,) = parse(line(path=path, fstype=fstype))
    assert ignored(mount) == left_out


def test_recorded_host_gives_the_room_of_what_is_there_and_an_error_for_what_is_not(host, series, tmp_path: Path):
    values = host("server_4.14")
    (tmp_path / "rootfs/run/user/1000").mkdir(parents=True)
    (tmp_path / "rootfs/srv/nfs share").mkdir(parents=True)
    source = Filesystem(values)
    found = series(source.read())
    root = frozenset({("device", "/dev/dm-0"), ("mountpoint", "/"), ("fstype", "ext4")})
    room = os.statvfs(tmp_path)
    assert found["node_filesystem_size_bytes", root] == room.f_blocks * room.f_frsize
    assert found["node_filesystem_files", root] == room.f_files
    assert found["node_filesystem_device_error", frozenset(NFS)] == 0
    boot = {
        ("device", "/dev/sda1"),
        ("mountpoint", "/boot"),
        ("fstype", "ext4"),
        ("device_error", "no such file or directory"),
    }
    assert found["node_filesystem_device_error", frozenset(boot)] == 1
    assert found["node_filesystem_readonly", frozenset(boot)] == 1
    sizes = {dict(labels)["mountpoint"] for name, labels in found if name == "node_filesystem_size_bytes"}
    assert sizes == {"/", "/srv/nfs share", "/run/user/1000"}
    source.close()


def test_mounts_come_and_go(host, series, tmp_path: Path):
    source = Filesystem(host("server_4.14") | {"rootfs": "/"})
    path = tmp_path / "proc/self/mountinfo"
    path.write_bytes(line())
    assert len(series(source.read())) == 8
    path.write_bytes(line() + line('/"%d\\134\\012', device="x"))
    errors = [dict(labels) for name, labels in series(source.read()) if name == "node_filesystem_device_error"]
    assert [row["mountpoint"] for row in errors] == ["/", '/"%d\\\n']
    path.write_bytes(b"")
    assert source.read() == b""
    source.close()


@pytest.fixture(scope="session")
def own_mounts(tmp_path_factory) -> dict[str, dict]:
    """The story of mounts_of_its_own.py, told by real mounts in a namespace of their own."""
    program = Path(__file__).parent / "mounts_of_its_own.py"
    command = ["unshare", "-Urm", sys.executable, str(program), str(tmp_path_factory.mktemp("mounts"))]
    if not os.access("/dev/fuse", os.W_OK) or subprocess.run(["unshare", "-Urm", "true"], check=False).returncode:
        pytest.skip("needs unshare -Urm and a writable /dev/fuse")
    done = subprocess.run(command, capture_output=True, timeout=50, check=False)
    assert not done.returncode, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.mark.system
def test_a_list_longer_than_a_page_is_read_whole_and_a_new_mount_is_seen(own_mounts):
    assert own_mounts["before"]["mounts"] >= 150
    assert own_mounts["first"]["mounts"] == own_mounts["before"]["mounts"] + 1
    assert own_mounts["gone"]["mounts"] == own_mounts["before"]["mounts"]


@pytest.mark.system
def test_a_mount_that_hangs_costs_one_thread_and_one_wait_and_has_no_room(own_mounts):
    for name in ("first", "second", "third", "anew"):
        assert own_mounts[name]["threads"] == 2, name
        (error,) = [row for row in own_mounts[name]["hung"] if "device_error{" in row]
        assert 'device_error="mountpoint timeout"' in error
        assert error.endswith(" 1")
        assert not any("size_bytes" in row for row in own_mounts[name]["hung"])
        assert own_mounts[name]["seconds"] < WAIT_S + 1
    assert own_mounts["first"]["seconds"] >= WAIT_S
    # Whoever did not answer in time is not waited for again until it has: a scrape does not pay for it each time.
    assert max(own_mounts[name]["seconds"] for name in ("second", "third", "anew")) < WAIT_S


@pytest.mark.system
def test_a_mount_that_answers_again_is_asked_again(own_mounts):
    assert own_mounts["answered"]["threads"] <= 2
    (error,) = [row for row in own_mounts["answered"]["hung"] if "device_error{" in row]
    assert "mountpoint timeout" not in error
