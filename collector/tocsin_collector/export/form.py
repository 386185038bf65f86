"""The formats that a scrape can have."""

from collections.abc import Callable
from typing import NamedTuple

from tocsin_collector.export import protobuf
from tocsin_collector.export.text import OPENMETRICS_END, lines, openmetrics_head, text_head
from tocsin_collector.export.writer import Rows
from tocsin_schema.metric import Metric
from tocsin_schema.negotiation import OPENMETRICS, PROTOBUF, TEXT


class Form(NamedTuple):
    """How an exposition is written: its columns, what a family begins with, and what ends the whole.

    ``head`` gets the size of the family's columns in bytes.
    """

    rows: Rows
    head: Callable[[Metric, int], bytes]
    end: bytes = b""


FORMS = {
    TEXT: Form(lines, lambda metric, _: text_head(metric)),
    OPENMETRICS: Form(lines, lambda metric, _: openmetrics_head(metric), OPENMETRICS_END),
    PROTOBUF: Form(protobuf.metrics, protobuf.head),
}
