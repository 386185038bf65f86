"""A collector with the fault that the trace has to find: fdatasync says at once that it is done, and is done later."""

import os
import sys
import threading

from tocsin_collector.__main__ import main

_sync = os.fdatasync


def _later(descriptor: int) -> None:
    copy = os.dup(descriptor)

    def sync() -> None:
        _sync(copy)
        os.close(copy)

    threading.Timer(0.02, sync).start()


if __name__ == "__main__":
    os.fdatasync = _later  # type: ignore[assignment]
    main(sys.argv[1:], prog_name="tocsin")
