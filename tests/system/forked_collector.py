"""Starts collectors quickly: imports everything once, then forks a real ``tocsin collector`` for each line on stdin.

Each child builds its service from the data folder alone, as after any start; only the imports are shared. On stdout:
the child's pid. On stderr: what the collector says, its address among it.
"""

import ctypes
import os
import signal
import sys
import threading

from tocsin_collector import web
from tocsin_schema.config import load
from tocsin_schema.settings.collector import COLLECTOR

_PR_SET_PDEATHSIG = 1
"""prctl(2)."""


def main(folder: str, store: str) -> None:
    values = load(COLLECTOR, None, {})
    values.update({"listen": "127.0.0.1:0", "data_dir": folder, "journal.store": store})
    assert threading.active_count() == 1, "a fork would lose these threads"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # a test that is ended leaves nothing behind
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os._exit(web.run(values))
        print(child, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
