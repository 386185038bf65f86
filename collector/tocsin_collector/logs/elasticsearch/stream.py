"""The data stream of a record: `logs-{dataset}-{namespace}`, from whatever a sender calls them."""

import re
from functools import lru_cache
from typing import NamedTuple

DEAD_LETTER = "tocsin.deadletter"
UNNAMED = "tocsin"
"""The dataset of records that name none."""
OTHER = "tocsin.other"
"""The dataset of what comes when there are as many data streams as there may be: each costs the server a shard."""

# A dash parts the three of the name; capitals and most punctuation may not stand in an index's name.
_ILLEGAL = re.compile(r"[^a-z0-9_.]")
_LONGEST = 100


class Stream(NamedTuple):
    """A data stream by its parts."""

    dataset: str
    namespace: str

    @property
    def name(self) -> str:
        """The name that Elasticsearch knows."""
        return f"logs-{self.dataset}-{self.namespace}"


@lru_cache(1_024)
def stream(dataset: str, namespace: str, default_namespace: str) -> Stream:
    """The stream of what a sender named. ``default`` or nothing is no namespace of its own: then it is ours."""
    own = cleaned(namespace)
    return Stream(
        cleaned(dataset) or UNNAMED, own if own not in ("", "default") else cleaned(default_namespace) or "default"
    )


def cleaned(part: str) -> str:
    """A part of a stream's name as Elasticsearch takes it: what it does not becomes an underscore."""
    return _ILLEGAL.sub("_", part.strip().lower())[:_LONGEST]
