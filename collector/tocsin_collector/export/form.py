"""The formats that a scrape can have."""

from collections.abc import Callable
from typing import NamedTuple

from tocsin_collector.export.text import LINES, OPENMETRICS, OPENMETRICS_END, TEXT, openmetrics_head, text_head
from tocsin_collector.export.writer import Rows
from tocsin_schema.metric import Metric


class Form(NamedTuple):
    """How an exposition is written: its media type, its columns, what a family begins with and what ends the whole.

    ``head`` gets the size of the family's columns in bytes.
    """

    media_type: str
    rows: Rows
    head: Callable[[Metric, int], bytes]
    end: bytes = b""


FORMS = {
    "text": Form(TEXT, LINES, lambda metric, _: text_head(metric)),
    "openmetrics": Form(OPENMETRICS, LINES, lambda metric, _: openmetrics_head(metric), OPENMETRICS_END),
}
