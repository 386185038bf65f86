"""tocsin's collector: durable ingest, drift and quality, alarms, logs, the page; the command `tocsin`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tocsin_collector.reports.comparison import compare

__version__ = "0.1.0"
__all__ = ["__version__", "compare"]


def __getattr__(name: str) -> Any:
    """`compare`, for notebooks: imported when it is asked for, since a command needs none of it."""
    if name != "compare":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tocsin_collector.reports.comparison import compare

    return compare
