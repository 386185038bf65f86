"""Every bad input by name, against both ways in: told what is wrong, nothing of it kept, everything beside it kept.

The cases stand in ``bad/``, a file a form. An exception from the application is what a server answers with 500, and
fails its case.
"""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.collector.ingest.bad import arrow, block, cloudevents, csvfile, http, jsonrows, otlp
from tests.collector.ingest.bad.case import Case, event, text
from tests.collector.ingest.inprocess import InProcess

CASES: dict[str, list[Case]] = {
    module.__name__.rpartition(".")[2]: list(module.cases())
    for module in (arrow, block, cloudevents, csvfile, http, jsonrows, otlp)
}


def test_there_are_four_hundred_and_each_has_a_name_of_its_own() -> None:
    names = Counter(case.name for cases in CASES.values() for case in cases)
    assert names.total() >= 400
    assert not [name for name, count in names.items() if count > 1]


@pytest.mark.parametrize("form", CASES)
def test_each_bad_input_is_told_and_good_rows_beside_it_are_kept(form: str, tmp_path: Path) -> None:
    faults = asyncio.run(_faults(CASES[form], tmp_path))
    assert not faults, "\n".join(faults)


async def _faults(cases: list[Case], folder: Path) -> list[str]:
    """What is not as a case says. Good rows of one case are known in the next."""
    served = InProcess(folder)
    try:
        return [f"{case.name}: {fault}" for case in cases if (fault := await _fault(served, case))]
    finally:
        await served.close()


async def _fault(served: InProcess, case: Case) -> str:
    logs, rows = case.path == otlp.LOGS, served.rows
    try:
        told = await served.post(case.body, case.media_type, case.path, case.query, **case.headers)
    except Exception as error:  # a server would answer 500: the other cases should still be told
        return f"raised {error!r:.300}"
    accepted, known = (told.body.get(key, 0) if isinstance(told.body, dict) else 0 for key in ("accepted", "duplicate"))
    if told.status != case.status or (case.code and told.codes[:1] != [case.code]):
        return f"{told.status} {told.body!r:.300}, expected {case.status} {case.code}"
    if accepted + known != case.accepted or (not logs and served.rows - rows != accepted):
        return f"{accepted} accepted, {known} known, {served.rows - rows} in the windows, expected {case.accepted}"
    after = await served.post(text(event(id=case.name)), "application/json")
    return "" if after.status == 200 else f"a good event afterwards: {after}"
