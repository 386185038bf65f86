"""When Python looks for garbage in cycles, in a process that answers many small requests."""

import gc

_EACH = 10_000


def collect_later() -> None:
    """Look less often, and no more at what is there now, which stays: that is 60 ms of each full collection, which the
    event loop would wait for.

    All that wait for the disk with a group of requests are a thousand objects and more. Python looks after each 700, so
    it found them alive and looked at them again: 4 % of the CPU of a request.
    """
    gc.freeze()
    gc.set_threshold(_EACH)
