"""Run by test_crowded_host.py inside `unshare -Urnmpf --mount-proc`: real lists of the kernel that are many pages long.

Two hundred network devices and two hundred mounts, some of odd names, are read by node_exporter, by us, and by
node_exporter again. Prints JSON: by source the three texts.
"""

import contextlib
import ctypes
import json
import os
import subprocess
import sys
from urllib.request import urlopen

from tests.servers.process import free_port, serving
from tocsin_agent import listing
from tocsin_agent.settings import SOURCES
from tocsin_schema.settings.agent import AGENT

PAIRS = 100
DEVICES = ('we"ird', "café", "back\\slash", "a.very.long.nam")
PLACES = ("a place", 'quo"te', "café", "per%cent", "tab\tstop", "ha#sh", "{brace=1}")
MOUNTS = 200
LIBC = ctypes.CDLL(None, use_errno=True)


def crowd(root: str) -> None:
    """Make the devices and the mounts, in the namespaces of this process."""
    names = [*DEVICES, *(f"left{n}" for n in range(PAIRS))]
    pairs = "".join(f"link add {name} type veth peer name right{n}\n" for n, name in enumerate(names))
    command = ["ip", "-batch", "-"]
    subprocess.run(command, input=f"link set lo up\n{pairs}".encode(), check=True, capture_output=True)
    for name in (*PLACES, *(f"mount-with-a-long-name-{n}" for n in range(MOUNTS))):
        path = f"{root}/{name}".encode()
        os.mkdir(path)
        if LIBC.mount(f"a {name}".encode(), path, b"tmpfs", 0, b"size=64k"):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)


def ours(name: str) -> str:
    """What our source tells of this host."""
    source = listing.module(SOURCES, name).SOURCE({key.path: key.default for key in AGENT})
    with contextlib.closing(source):
        return source.read().decode()


def main(root: str, command: list[str]) -> None:
    """Make the crowd, start node_exporter, and have it read."""
    crowd(root)
    url = f"http://127.0.0.1:{free_port()}"
    with serving([*command, f"--web.listen-address={url[7:]}"], url, ready="/", log=f"{root}/log"):

        def theirs(name: str) -> str:
            with urlopen(f"{url}/metrics?collect[]={name}", timeout=10) as answer:
                return answer.read().decode()

        print(json.dumps({name: [theirs(name), ours(name), theirs(name)] for name in ("netdev", "filesystem")}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
