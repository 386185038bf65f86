"""A collector with the fault that the trace has to find: it answers with a position that is durable, and writes what it
was sent only then."""

import asyncio
import sys
from typing import Any

from tocsin_collector.__main__ import main
from tocsin_collector.ingest.answer import Answer
from tocsin_collector.ingest.intake import Intake

_submit = Intake.submit
_writing: set[asyncio.Task[Answer]] = set()


async def _answer(intake: Intake, blocks: Any, *rest: Any, **more: Any) -> Answer:
    _writing.add(asyncio.create_task(_submit(intake, blocks, *rest, **more)))
    return Answer(sum(block.rows for block in blocks), 0, [], str(intake.applied))


if __name__ == "__main__":
    Intake.submit = _answer  # type: ignore[method-assign]
    main(sys.argv[1:], prog_name="tocsin")
