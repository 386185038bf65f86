"""tocsin's agent: host, GPU and serving metrics, event capture and log tailing. Standard library only by default."""

from tocsin_schema import __version__

__all__ = ["__version__"]
