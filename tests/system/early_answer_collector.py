"""A collector with the fault that the trace has to find: it answers with a position that is durable, and writes what it
was sent only then."""

import asyncio
import sys

from tocsin_collector.__main__ import main
from tocsin_collector.ingest.answer import Answer
from tocsin_collector.ingest.intake import Intake
from tocsin_collector.ingest.jsonbody import Parsed

_enter = Intake.enter
_writing: set[asyncio.Future[Answer]] = set()


def _answer(intake: Intake, parsed: Parsed, size_bytes: int) -> asyncio.Future[Answer]:
    _writing.add(_enter(intake, parsed, size_bytes))
    answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    answered.set_result(Answer(sum(block.rows for block in parsed.blocks), 0, [], str(intake.applied)))
    return answered


if __name__ == "__main__":
    Intake.enter = _answer  # type: ignore[method-assign]
    main(sys.argv[1:], prog_name="tocsin")
