"""Stats: one large value each, coloured by its threshold or word."""

from typing import Any

from tocsin_dashboards.preview import colors
from tocsin_dashboards.preview.ask import Series
from tocsin_dashboards.preview.frame import Box
from tocsin_dashboards.preview.svg import cut, element, text
from tocsin_dashboards.units import text as in_unit

Json = dict[str, Any]
_LETTER = 0.74
"""The width of a letter as a share of its height."""


def draw(panel: Json, found: list[Series], box: Box) -> str:
    """Values side by side."""
    defaults = panel["fieldConfig"]["defaults"]
    wide = box.width / len(found)
    drawn = []
    for number, each in enumerate(found):
        word = colors.mapped(each.last, defaults)
        shown = word["text"] if word else in_unit(each.last, defaults["unit"], defaults.get("decimals"))
        named = len(found) > 1
        size = min(box.height * (0.42 if named else 0.5), (wide - 16) / max(len(shown), 1) / _LETTER, 30.0)
        middle = (number + 0.5) * wide
        down = box.height * (0.42 if named else 0.5)
        color = colors.of_value(each.last, defaults) or "transparent"
        drawn += [
            element("rect", x=number * wide + 2, y=0, width=wide - 4, height=box.height, rx=4, fill=color),
            element(
                "text", text(shown), class_="big", x=middle, y=down + size * 0.36, text_anchor="middle",
                style=f"font-size:{size:.0f}px",
            ),
        ]  # fmt: skip
        if named:
            label = cut(each.name, wide - 12)
            drawn.append(element("text", text(label), class_="on", x=middle, y=box.height - 10, text_anchor="middle"))
    return element("svg", *drawn, width=box.width, height=box.height, role="img")
