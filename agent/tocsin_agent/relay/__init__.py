"""The agent's way to the collector: an HTTP client of its own, and the relay of serving processes' events."""
