"""Grafana boards as code: one file a board, one small builder, a lint, JSON that is committed and proven fresh."""
