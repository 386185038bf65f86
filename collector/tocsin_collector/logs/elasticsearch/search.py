"""A search as Elasticsearch takes it, and its hits as rows: the words mean what they mean in the embedded store.

A record's place among all (``tocsin.order``) is sorted by, paged by, and bounds the time; it also tells our records
from those that others ship to the same cluster.
"""

from datetime import UTC, datetime
from typing import Any

from tocsin_collector.logs.contract import COUNT_LIMIT, MARK_BEGIN, MARK_END, ORDER_SLOT, Found, Row
from tocsin_collector.logs.query import Term, terms
from tocsin_collector.logs.record import ORDER, visible
from tocsin_schema.logrecord import LEVELS

EVERYWHERE = "/logs-*-*/_search?ignore_unavailable=true&allow_no_indices=true&allow_partial_search_results=false"
MOST_HOSTS = 200
_MOST_ENDINGS = 1_000
_LATEST_MS = 1 << 42
_OURS = ("@timestamp", "message", "host.name", "service.name", ORDER)


def request(
    query: str,
    since_s: float | None,
    until_s: float | None,
    level: str,
    host: str,
    limit: int,
    before: int | None,
) -> dict[str, Any]:
    """The body of a search. Raises QueryError, ValueError."""
    words = [_term(term) for term in terms(query)]
    filters: list[dict[str, Any]] = [{"range": {ORDER: _bounds(since_s, until_s)}}, *words]
    if level:
        if level not in LEVELS:
            raise ValueError(f"level {level!r:.40}: one of {', '.join(LEVELS)} expected")
        filters.append({"terms": {"log.level": LEVELS[LEVELS.index(level) :]}})
    if host:
        filters.append({"term": {"host.name": host}})
    marks = {"pre_tags": [MARK_BEGIN], "post_tags": [MARK_END], "fields": {"message": {"number_of_fragments": 0}}}
    body = {
        "query": {"bool": {"filter": filters}},
        "sort": [{ORDER: {"order": "desc", "unmapped_type": "long"}}],
        "size": limit + 1,
        "track_total_hits": COUNT_LIMIT + 1,
        **({"highlight": marks} if words else {}),
    }
    return body | ({"search_after": [before]} if before is not None else {})


def hosts() -> dict[str, Any]:
    """The body of a search for the hosts that records came from."""
    return {
        "size": 0,
        "query": {"exists": {"field": ORDER}},
        "aggs": {"hosts": {"terms": {"field": "host.name", "size": MOST_HOSTS, "order": {"_key": "asc"}}}},
    }


def found(answer: Any, limit: int) -> Found:
    """One page of an answer. Raises KeyError, TypeError, ValueError when it is none."""
    hits = answer["hits"]["hits"]
    total = answer["hits"]["total"]["value"]
    following = int(hits[limit - 1]["sort"][0]) if len(hits) > limit else None
    return Found([_row(hit) for hit in hits[:limit]], min(total, COUNT_LIMIT), total > COUNT_LIMIT, following)


def names(answer: Any) -> list[str]:
    """The hosts of an answer. Raises KeyError, TypeError when it is none."""
    return [str(bucket["key"]) for bucket in answer["aggregations"]["hosts"]["buckets"] if bucket["key"]]


def _bounds(since_s: float | None, until_s: float | None) -> dict[str, int]:
    given = (("gte", since_s), ("lt", until_s))
    bounds = {op: max(0, min(int(bound * 1000), _LATEST_MS)) * ORDER_SLOT for op, bound in given if bound is not None}
    return bounds or {"gte": 0}


def _term(term: Term) -> dict[str, Any]:
    if not term.prefix:
        return {"match_phrase": {"message": term.text}}
    if term.text.isalnum():
        return {"match_bool_prefix": {"message": {"query": term.text, "operator": "and"}}}
    # Several words of which the last may go on: the first so many endings of it that the index has.
    return {"match_phrase_prefix": {"message": {"query": term.text, "max_expansions": _MOST_ENDINGS}}}


def _row(hit: Any) -> Row:
    fields = _flat(hit["_source"])
    message = visible(str(fields.get("message", "")))
    marked = hit.get("highlight", {}).get("message", [message])[0]
    level = fields.pop("log.level", "")
    known = {name: fields.pop(name, "") for name in _OURS}
    for name in [name for name in fields if name.startswith("data_stream.")]:
        del fields[name]
    if level not in LEVELS and level != "":
        fields["log.level"] = level
    moment = datetime.fromisoformat(str(known["@timestamp"]))
    return Row(
        (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(),
        str(level),
        str(known["host.name"]),
        str(known["service.name"]),
        message,
        str(marked),
        str(hit["_id"]),
        fields,
    )


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted names, for sources that were written nested."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
