"""The calendar of the configuration: how event time is cut, and whose local time its seasons follow."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin_collector.monitor.windows import Calendar
from tocsin_schema.config import ConfigError


def calendar(values: dict[str, Any]) -> Calendar:
    """How windows are cut. Raises ConfigError with all faults."""
    zone, holidays = values["drift.time_zone"], values["drift.holidays"]
    faults = [zone_fault(zone), *map(holiday_fault, holidays)]
    if any(faults):
        raise ConfigError([f"drift.{fault}" for fault in faults if fault])
    return Calendar(
        length_s=values["windows.length_s"],
        utc_offset_s=values["windows.utc_offset_s"],
        lateness_s=values["windows.lateness_s"],
        label_wait_s=values["windows.label_wait_s"],
        past_s=values["windows.past_s"],
        future_s=values["windows.future_s"],
        zone=zone,
        holidays=tuple(holidays),
    )


def zone_fault(zone: str) -> str | None:
    """What is wrong with the name of a time zone; UTC needs no list of them."""
    try:
        if zone != "UTC":
            ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the zones is an OSError
        return f"time_zone: {zone!r:.80} is no time zone here: a name of the IANA's list expected, as Europe/Paris"
    return None


def holiday_fault(day: str) -> str | None:
    """What is wrong with a date."""
    try:
        date.fromisoformat(day)
    except ValueError:
        return f"holidays: {day!r:.80}: a date expected, as 2026-12-25"
    return None
