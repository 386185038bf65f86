"""The oldest version of each server that tocsin works with, as (major, minor)."""

PROMETHEUS = (2, 42)
"""The oldest that the tests run; `keep_firing_for` came with it."""
ALERTMANAGER = (0, 25)
GRAFANA = (9, 2)
"""What the newest server that the tests can build calls itself; it is 10.1's development line."""
ELASTICSEARCH = (8, 14)
"""The first with `ignore_dynamic_beyond_limit` and `require_data_stream`."""
