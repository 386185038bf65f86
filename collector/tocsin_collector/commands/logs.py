"""`tocsin logs`: see tocsin_collector/logs/command.py."""

from tocsin_collector.logs.command import command

__all__ = ["command"]
