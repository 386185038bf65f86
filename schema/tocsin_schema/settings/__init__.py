"""The configuration tables, one file a process."""
