"""Checks of the data that are learnt: what the newest closed window fails."""

from tocsin_schema.metric import GAUGE, Metric

METRICS = (
    Metric(
        "tocsin_data_check_failures",
        GAUGE,
        "",
        "Features (or for duplicates and volume the window itself: 1) that fail a learnt check in the newest closed "
        "window: range, frozen, unique, duplicates, volume; absent where it could not be judged.",
        emitter="collector",
        labels={"project": 100, "model": 100, "version": 20, "check": 5},
    ),
)
