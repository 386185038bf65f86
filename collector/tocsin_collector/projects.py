"""Settings that give projects figures of their own, as in ``shop events=5000 series=500``."""

import math
import re
from collections.abc import Iterable, Sequence

from tocsin_schema.config import ConfigError


def figures(key: str, texts: Iterable[str], names: Sequence[str], example: str) -> dict[str, dict[str, float]]:
    """What of the named figures is each project's own. Raises ConfigError."""
    found: dict[str, dict[str, float]] = {}
    for text in texts:
        project, *given = re.split(rf" +(?=(?:{'|'.join(names)})=)", text.strip())
        own: dict[str, float] = {}
        for name, _, number in (part.partition("=") for part in given):
            own[name] = _number(number) if name not in own else -1.0
        if not project or not own or min(own.values()) < 0:
            raise ConfigError([f"{key}: {text!r:.80}: a project and its own expected, as in {example!r}"])
        found[project] = own
    return found


def _number(text: str) -> float:
    """-1 for what is no number from 0 on."""
    try:
        found = float(text)
    except ValueError:
        return -1.0
    return found if 0 <= found < math.inf else -1.0
