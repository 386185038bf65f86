"""What one look at a server brings."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """One line about a server that answers. ``bad`` says that something is to be done."""

    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A server that answered: its version as it tells it, and what else there is to say."""

    version: str
    remarks: tuple[Remark, ...] = ()


def too_old(product: str, version: str, oldest: tuple[int, int]) -> tuple[Remark, ...]:
    """The remark about a version that tocsin was not tried with; none for one that is new enough or has no number."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) >= oldest:
        return ()
    return (Remark(f"{product} {version:.40} is too old: {oldest[0]}.{oldest[1]} or newer", bad=True),)
