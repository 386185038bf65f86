"""What a key may write is known when a body is read: the types of its events, and their projects."""

from collections.abc import Iterable

from tocsin_collector.doors.caller import LABELS, PREDICTIONS, Caller
from tocsin_collector.ingest.answer import Refusal
from tocsin_schema.block import LABEL, OUTCOME, PREDICTION, Block

_SCOPES = {PREDICTION: PREDICTIONS, LABEL: LABELS, OUTCOME: LABELS}


def permit(caller: Caller, blocks: Iterable[Block]) -> None:
    """Raises Refusal 403 for the whole request, when one of its events is of another type or project."""
    for block in blocks:
        if not caller.may(_SCOPES[block.type]):
            raise Refusal(403, "scope", f"{caller.name} has not the scope {_SCOPES[block.type]}; nothing was taken")
        if not caller.reaches(block.project):
            raise Refusal(403, "project", f"{caller.name} is for another project; nothing was taken")
