"""The stories of every alert: one file a group, as the alerts themselves; each holds a function ``stories``."""

import importlib

from tests.alerts.promtool import Story
from tocsin_alerts.catalogue import by_group


def all_stories() -> dict[str, list[Story]]:
    """The stories by alert."""
    found: dict[str, list[Story]] = {}
    for group in by_group():
        for story in importlib.import_module(f"{__name__}.{group}").stories():
            found.setdefault(story.alert, []).append(story)
    return found
