"""Whether the events of a request may come in: what is known once its body is read. The gate has asked the rest."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from tocsin_collector.doors.caller import LABELS, PREDICTIONS, Caller
from tocsin_collector.doors.places import Places
from tocsin_collector.doors.quota import Hold, Quotas
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.drafts import Draft
from tocsin_collector.ingest.jsonbody import Parsed
from tocsin_schema.block import LABEL, OUTCOME, PREDICTION, Block

_SCOPES = {PREDICTION: PREDICTIONS, LABEL: LABELS, OUTCOME: LABELS}


class Admission:
    """The scopes and projects of keys, and the quotas of projects. ``places`` are those of model versions."""

    def __init__(self, quotas: Quotas | None = None, places: Places | None = None) -> None:
        self._quotas = quotas
        self._places = places

    def taken(self, caller: Caller, hold: Hold, parsed: Parsed, size_bytes: int) -> AbstractContextManager[Parsed]:
        """What of a body may be stored, while the block lasts. Raises Refusal 403 or 429 for all of it, when some of
        it may not come in; model versions for which there is no place are rejected by themselves."""
        self._check(caller, hold, parsed.blocks, size_bytes)
        return self._places.taken(parsed) if self._places else nullcontext(parsed)

    def _check(self, caller: Caller, hold: Hold, blocks: Sequence[Block | Draft], size_bytes: int) -> None:
        for block in () if caller.may_all else blocks:
            if not caller.may(_SCOPES[block.type]):
                raise Refusal(403, "scope", f"{caller.name} has not the scope {_SCOPES[block.type]}; nothing was taken")
            if not caller.reaches(block.project):
                raise Refusal(403, "project", f"{caller.name} is for another project; nothing was taken")
        if self._quotas and self._quotas.are_set:
            if caller.project is None:
                self._quotas.admit(sorted({block.project for block in blocks}))
            if blocks:
                hold.release()
                self._quotas.charge(blocks, size_bytes)
