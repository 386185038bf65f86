"""The lines of the collector's own log."""

import logging


class OneLine(logging.Formatter):
    """Each message in one line, whatever is in it: what a model is called or a server answers must not look like a line
    of ours, nor steer a terminal. A traceback stands in lines of its own, as ever."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, with what cannot be printed as Python writes it."""
        line = super().formatMessage(record)
        return line if line.isprintable() else "".join([c if c.isprintable() else repr(c)[1:-1] for c in line])
