"""Settings that name projects with two figures each, as in ``shop 5000 20000000``."""

import math
from collections.abc import Iterable

from tocsin_schema.config import ConfigError


def figures(key: str, texts: Iterable[str], form: str, example: str) -> dict[str, tuple[float, float]]:
    """The two figures of each project; ``form`` and ``example`` tell what is right. Raises ConfigError."""
    found: dict[str, tuple[float, float]] = {}
    for text in texts:
        try:
            name, *pair = text.rsplit(maxsplit=2)
            first, second = map(float, pair)
        except ValueError:
            first = second = -1.0
        if not (0 <= first < math.inf and 0 <= second < math.inf):
            raise ConfigError([f"{key}: {text!r:.80}: {form} expected, as in {example!r}"])
        found[name] = first, second
    return found
