"""Random 128-bit ids, 32 hex digits, at a tenth of the price of asking the kernel each time.

The C core of ``random`` is seeded from the kernel once a process, and again in a forked child; one call is atomic. Ids
need to be unique, not secret.
"""

import os
from _random import Random

_random = Random()


def make() -> str:
    """A new id."""
    return f"{_random.getrandbits(128):032x}"


def _seed() -> None:
    _random.seed(int.from_bytes(os.urandom(32), "big"))


_seed()
os.register_at_fork(after_in_child=_seed)
