"""The host, looked at several times a second: what is loaded when that begins, and not before (decision 0027)."""
