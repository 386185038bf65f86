"""What tokens cost: a line for each model, ``PROJECT/MODEL INPUT OUTPUT``, prices of a million tokens."""

from math import isfinite
from typing import NamedTuple


class Price(NamedTuple):
    """Of a million tokens that go in, and that come out, in the user's currency."""

    input: float
    output: float

    def of(self, tokens_in: float, tokens_out: float) -> float:
        """What so many cost."""
        return (tokens_in * self.input + tokens_out * self.output) / 1e6


def price(line: str) -> tuple[tuple[str, str], Price]:
    """Project and model, and their price. Raises ValueError, which says what would be right."""
    name, *numbers = line.rsplit(maxsplit=2) or [""]
    project, slash, model = name.partition("/")
    try:
        found = Price(*map(float, numbers))
    except (TypeError, ValueError):
        found = Price(-1, -1)
    if not (project and slash and model) or not all(isfinite(each) and each >= 0 for each in found):
        raise ValueError(f"{line!a:.120}: 'PROJECT/MODEL INPUT OUTPUT' is needed, such as 'shop/chat 3 15'")
    return (project, model), found
