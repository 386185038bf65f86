"""Whether the events of a request may come in: what is known once its body is read. The gate has asked the rest."""

from collections.abc import Sequence

from tocsin_collector.doors.caller import LABELS, PREDICTIONS, Caller
from tocsin_collector.doors.quota import Hold, Quotas
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.drafts import Draft
from tocsin_schema.block import LABEL, OUTCOME, PREDICTION, Block

_SCOPES = {PREDICTION: PREDICTIONS, LABEL: LABELS, OUTCOME: LABELS}


class Admission:
    """The scopes and projects of keys, and the quotas of projects."""

    def __init__(self, quotas: Quotas | None = None) -> None:
        self._quotas = quotas

    def take(self, caller: Caller, hold: Hold, blocks: Sequence[Block | Draft], size_bytes: int) -> None:
        """Before any of it is stored. Raises Refusal 403 or 429 for all of it, when some of it may not come in."""
        for block in blocks:
            if not caller.may(_SCOPES[block.type]):
                raise Refusal(403, "scope", f"{caller.name} has not the scope {_SCOPES[block.type]}; nothing was taken")
            if not caller.reaches(block.project):
                raise Refusal(403, "project", f"{caller.name} is for another project; nothing was taken")
        if self._quotas:
            if caller.project is None:
                self._quotas.admit(sorted({block.project for block in blocks}))
            hold.release()
            self._quotas.charge(blocks, size_bytes)
