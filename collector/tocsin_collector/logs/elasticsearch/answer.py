"""What the answer to a bulk request says of each document. A 200 with errors inside is the usual way to fail."""

from functools import lru_cache
from typing import NamedTuple

STORED, DUPLICATE, AGAIN, REFUSED = "stored", "duplicate", "again", "refused"

# Of the status 400, but none of the document's: the cluster has too many shards, or no room for a name.
_NOT_THE_DOCUMENTS = ("validation_exception", "index_closed_exception", "invalid_index_name_exception")
_LONGEST_REASON = 500


class Garbled(Exception):  # noqa: N818  # the server's fault
    """The answer cannot be read: what became of the documents is not known."""


class Outcome(NamedTuple):
    """What became of one document; ``where`` is the backing index that has it, as far as the answer tells.

    1. STORED: it is there now. 2. DUPLICATE: it was there before. 3. AGAIN: the server could not take it now.
    4. REFUSED: it will never take it in this form.
    """

    kind: str
    reason: str = ""
    where: str = ""


def read(answer: object, count: int) -> list[Outcome]:
    """An outcome for each of the ``count`` documents, in their order. Raises Garbled."""
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list) or len(items) != count:
        found = len(items) if isinstance(items, list) else "no"
        raise Garbled(f"answers a bulk request of {count} documents with {found} items")
    return [_outcome(item) for item in items]


def _outcome(item: object) -> Outcome:
    told = item.get("create") if isinstance(item, dict) else None
    status = told.get("status") if isinstance(told, dict) else None
    if not isinstance(told, dict) or type(status) is not int:
        raise Garbled("answers a bulk request with an item that has no status")
    if 200 <= status < 300 or status == 409:
        return _there(DUPLICATE if status == 409 else STORED, str(told.get("_index", "")))
    error = told.get("error")
    reason = f"{_reason(error)} ({status})"
    if not 400 <= status < 500 or status in (401, 403, 404, 408, 429) or _type(error) in _NOT_THE_DOCUMENTS:
        return Outcome(AGAIN, reason)
    return Outcome(REFUSED, reason)


@lru_cache(1_024)
def _there(kind: str, where: str) -> Outcome:
    """Of thousands of documents in an answer most say the same."""
    return Outcome(kind, where=where)


def _type(error: object) -> str:
    return str(error.get("type", "")) if isinstance(error, dict) else ""


def _reason(error: object) -> str:
    """Type and reason with the innermost cause, which names the field."""
    told, deepest = "", error
    for _ in range(8):
        if not isinstance(deepest, dict):
            break
        reason = str(deepest.get("reason", ""))
        told = told or f"{deepest.get('type', 'error')}: {reason}"
        inner = deepest.get("caused_by")
        if not isinstance(inner, dict):
            if reason and reason not in told:
                told += f": {reason}"
            break
        deepest = inner
    return " ".join((told or str(error)).split())[:_LONGEST_REASON]
