"""The same record again after a rollover: an id is refused twice by one backing index only, not by its successor.

Where the answers begin to name another backing index, records that come soon after may be such that its predecessor
has: a sender that got no answer tries again for some minutes. For that time what was newly stored is looked up in the
older indices, and what is found there is taken out of the new one again. Elsewhere this costs nothing but a comparison.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tocsin_collector.logs.elasticsearch.answer import DUPLICATE, STORED, Outcome
from tocsin_collector.logs.elasticsearch.connection import Connection, Trouble

if TYPE_CHECKING:
    from tocsin_collector.logs.elasticsearch.shipment import Document

LOOK_BACK_S = 600.0
_log = logging.getLogger(__name__)
_ASK_S = 10.0
_GENERATION = re.compile(r"-(\d{6,})$")


class Rollover:
    """Remembers when each data stream's write index was first seen. Safe from any thread."""

    def __init__(self, connection: Connection, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}
        self._refreshed: set[str] = set()
        self._forbidden = False

    def undo_doubles(self, documents: "Sequence[Document]", outcomes: list[Outcome]) -> list[Outcome]:
        """The outcomes, those of records that an older index had already turned into duplicates. Raises Trouble."""
        new = {where for where in {outcome.where for outcome in outcomes} if self._is_new(where)}
        if not new:
            return outcomes
        fresh: dict[str, list[int]] = {}
        for place, (document, outcome) in enumerate(zip(documents, outcomes, strict=True)):
            # What we sent before without an answer is a duplicate of itself now.
            stored = outcome.kind == STORED or (outcome.kind == DUPLICATE and document.sends > 1)
            if stored and outcome.where in new:
                fresh.setdefault(outcome.where, []).append(place)
        for index, places in fresh.items():
            ids = {documents[place].id: place for place in places}
            for id_ in self._undo(documents[places[0]].written_to.name, index, list(ids)):
                outcomes[ids[id_]] = Outcome(DUPLICATE, where=index)
        return outcomes

    def _undo(self, stream: str, index: str, ids: list[str]) -> set[str]:
        """The ids that an older index has, out of this one now. Raises Trouble."""
        try:
            doubles = self._in_older(stream, index, ids) & set(ids)
            if doubles:
                self._remove(index, doubles)
        except Trouble as error:
            if error.status not in (403, 404):
                raise
            if not self._forbidden:
                _log.warning("elasticsearch_rollover_unchecked index=%s reason=%s", index, error)
            self._forbidden = True
            return set()
        return doubles

    def _is_new(self, index: str) -> bool:
        """Whether an index has predecessors and has been written to for a short time only, as far as we have seen."""
        if _generation(index) < 2:
            return False
        now = self._clock()
        with self._lock:
            return now - self._seen.setdefault(index, now) < LOOK_BACK_S

    def _in_older(self, stream: str, index: str, ids: list[str]) -> set[str]:
        if index not in self._refreshed:
            # Its predecessors take no more records: once refreshed, a search sees all they have.
            self._connection.ask("POST", f"/{stream}/_refresh", timeout_s=_ASK_S)
            self._refreshed.add(index)
        wanted = {
            "size": len(ids),
            "_source": False,
            "query": {
                "bool": {"filter": [{"ids": {"values": ids}}], "must_not": [{"term": {"_index": index}}]},
            },
        }
        answer = self._connection.ask("POST", f"/{stream}/_search", wanted, _ASK_S)
        # Of two that find each other's copies at once only one may take its own away.
        own = _generation(index)
        return {str(hit["_id"]) for hit in _hits(answer) if _generation(str(hit["_index"])) < own}

    def _remove(self, index: str, ids: set[str]) -> None:
        lines = "".join(f"{json.dumps({'delete': {'_index': index, '_id': id_}})}\n" for id_ in sorted(ids))
        headers = {"accept": "application/json", "content-type": "application/x-ndjson"}
        answer = self._connection.ask("POST", "/_bulk", lines.encode(), _ASK_S, headers=headers)
        items = answer.get("items") if isinstance(answer, dict) else None
        done = [item.get("delete", {}).get("status") for item in items] if isinstance(items, list) else []
        if len(done) != len(ids) or not set(done) <= {200, 404}:
            status = 403 if 403 in done else None
            raise Trouble(f"{len(ids)} records that {index} has a second time could not be removed from it", status)


def _generation(index: str) -> int:
    """How many backing indices its data stream had with this one; 0 for what is none."""
    found = _GENERATION.search(index)
    return int(found[1]) if found else 0


def _hits(answer: Any) -> list[Any]:
    hits = answer.get("hits", {}).get("hits", []) if isinstance(answer, dict) else []
    return hits if isinstance(hits, list) else []
