"""Colours of series and steps, close to Grafana's; both themes of the page use them."""

from typing import Any

NAMED = {"green": "#56a64b", "orange": "#ff9830", "red": "#e02f44", "blue": "#3274d9"}
PALETTE = (
    "#56a64b", "#f2cc0c", "#3274d9", "#ff780a", "#e02f44", "#8f3bb8", "#37a2a2", "#b877d9", "#8ab8ff", "#96d98d",
    "#fa6400", "#7c2ea3", "#1f60c4", "#e5a8e2", "#c4162a", "#705da0",
)  # fmt: skip

Steps = list[dict[str, Any]]


def series(number: int) -> str:
    """The colour of a panel's series by its place."""
    return PALETTE[number % len(PALETTE)]


def of_value(value: float, defaults: dict[str, Any]) -> str:
    """The colour of a value by the field's words, else by its threshold steps, else none."""
    word = mapped(value, defaults)
    if word:
        return NAMED[word["color"]]
    steps: Steps = defaults.get("thresholds", {}).get("steps", [])
    reached = [step for step in steps if step["value"] is None or value >= step["value"]]
    return NAMED[reached[-1]["color"]] if reached else ""


def mapped(value: float, defaults: dict[str, Any]) -> dict[str, Any] | None:
    """The word and colour that a value is mapped to, None when it is shown as it is."""
    for mapping in defaults.get("mappings", []):
        found: dict[str, Any] | None = mapping["options"].get(f"{value:g}")
        if found:
            return found
    return None
