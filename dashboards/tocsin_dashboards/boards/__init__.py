"""One file a board; each holds a ``BOARD``."""
