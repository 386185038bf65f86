"""tocsin's collector: durable ingest, drift and quality, alarms, logs, the page; the command `tocsin`."""

__version__ = "0.1.0"
