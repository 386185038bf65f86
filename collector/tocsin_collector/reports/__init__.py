"""Reports on request, made outside of the collector's process."""

from tocsin_collector.reports.evidently import ReportError, render

__all__ = ["ReportError", "render"]
