"""What samples look like on /metrics."""

import asyncio
from collections.abc import Iterable

from tocsin_collector.export.budget import Budget
from tocsin_collector.export.exposition import AnyColumn, Sample, columns
from tocsin_collector.export.form import FORMS
from tocsin_collector.export.metrics import Metrics

BUDGET = Budget(500, 2_000)


def render(samples: Iterable[Sample], form: str = "text") -> bytes:
    """The samples in a form."""
    return text_of(columns(samples), form)


async def text(metrics: Metrics, form: str = "text") -> bytes:
    """What a scrape brings."""
    await metrics.refresh()
    return b"".join([piece async for piece in metrics.written(FORMS[form])])


def text_of(columns: Iterable[AnyColumn], form: str) -> bytes:
    """Columns in a form."""
    return asyncio.run(text(Metrics(lambda: (), lambda: columns, BUDGET), form))
