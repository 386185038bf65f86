"""Run by test_filesystem.py inside `unshare -Urm`: many real mounts, one of them without a server. Prints JSON."""

import ctypes
import json
import os
import sys
import threading
import time

from tocsin_agent.sources.filesystem import Filesystem

LIBC = ctypes.CDLL(None, use_errno=True)
NOSUID_NODEV = 6


def mount(source: str, path: str, fstype: str, options: str) -> None:
    """mount(2)."""
    os.makedirs(path)
    if LIBC.mount(source.encode(), path.encode(), fstype.encode(), NOSUID_NODEV, options.encode()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)


def read(source: Filesystem, seen: dict[str, object], name: str) -> None:
    """One read: how long it took, how many threads there are, and what the hung mount says."""
    began = time.monotonic()
    text = source.read().decode()
    lines = [line for line in text.splitlines() if "/hung" in line and not line.startswith("#")]
    seen[name] = {
        "seconds": time.monotonic() - began,
        "threads": len(os.listdir("/proc/self/task")),
        "mounts": sum(line.startswith("node_filesystem_device_error{") for line in text.splitlines()),
        "hung": [line for line in lines if "mount_info" not in line],
    }


def main(root: str) -> None:
    """The story: many mounts; one more, that hangs; three scrapes; one by another source; it comes back, and goes."""
    seen: dict[str, object] = {}
    for number in range(150):
        mount("many", f"{root}/mount-with-a-long-name-{number}", "tmpfs", "size=4k")
    os.mkdir(f"{root}/proc")  # without the first process, which sees other mounts
    os.symlink("/proc/self", f"{root}/proc/self")
    values = {"procfs": f"{root}/proc", "rootfs": "/", "profile": "full"}
    source = Filesystem(values)
    read(source, seen, "before")
    fuse = os.open("/dev/fuse", os.O_RDWR)
    mount("filer", f"{root}/hung", "fuse.filer", f"fd={fuse},rootmode=40000,user_id=0,group_id=0")
    for name in ("first", "second", "third"):
        read(source, seen, name)
    anew = Filesystem(values)  # another configuration, or off and on again
    read(anew, seen, "anew")
    anew.close()
    os.close(fuse)  # the kernel ends what waits, with an error
    until = time.monotonic() + 10
    while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < until:
        threading.Event().wait(0.01)
    read(source, seen, "answered")
    LIBC.umount2(f"{root}/hung".encode(), 2)
    read(source, seen, "gone")
    source.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1])
