"""A process that records predictions at its own pace until its standard input ends, then closes its capture.

``recording.py ENDPOINT NAME``: ids are NAME-0, NAME-1 and so on; how many there were is printed at the end. Now and
then a row has what serving code should not hand over. The pace keeps below the bound of what may wait.
"""

import math
import sys
import threading
import time
from decimal import Decimal

from tocsin_agent.capture import Capture

FEATURES = {f"f{number}": number / 7 for number in range(12)} | {"count": 3, "city": "Lyon", "note": "é"}


class Hostile:
    """Every method that might be asked of it fails."""

    def _fails(self, *_: object) -> str:
        raise RuntimeError("hostile")

    __str__ = __repr__ = __len__ = __float__ = __index__ = __bool__ = __eq__ = _fails  # type: ignore[assignment]
    __hash__ = object.__hash__


ODD = (
    math.nan,
    math.inf,
    10**400,
    b"\xff",
    {"a": [1, {"b": None}]},
    Decimal("NaN"),
    "\ud800",
    None,
    [1, 2, 3],
    Hostile(),
)


def main(endpoint: str, name: str) -> None:
    """Record until there is no more to read, and say how much it was."""
    done = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    capture = Capture(model="credit", endpoint=endpoint, runtime_dir="")
    number = 0
    while not done.is_set():
        for _ in range(50):
            features = FEATURES | {"f0": number, "f3": ODD[number % len(ODD)]} if number % 97 == 0 else FEATURES
            capture.prediction(f"{name}-{number}", features, prediction="yes", segment={"of": name})
            number += 1
        time.sleep(0.01)  # the pace: some thousand rows a second
    capture.close(0.5)
    print(number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
