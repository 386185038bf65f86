"""The log page: a search form and what it finds."""

from dataclasses import dataclass
from urllib.parse import urlencode

from markupsafe import Markup, escape

from tocsin_collector.logs import Found, QueryError, StoreError
from tocsin_collector.logs.contract import MARK_BEGIN, MARK_END
from tocsin_collector.logs.route import moment
from tocsin_collector.page.view import Sources
from tocsin_schema.logrecord import LEVELS

LIMIT = 100
SPANS = (
    ("", "any time"),
    ("15m", "15 minutes"),
    ("1h", "1 hour"),
    ("6h", "6 hours"),
    ("1d", "1 day"),
    ("7d", "7 days"),
)


@dataclass(frozen=True, slots=True)
class Search:
    """What a person asked for."""

    q: str = ""
    since: str = ""
    level: str = ""
    host: str = ""
    before: int | None = None


def context(search: Search, sources: Sources) -> dict[str, object]:
    """What the template needs; a search that cannot be done says why and finds nothing."""
    found, fault, away = Found([], 0, capped=False, next=None), "", False
    try:
        since_s = moment(search.since, sources.clock())
        found = sources.logs.search(
            search.q, since_s, level=search.level, host=search.host, limit=LIMIT, before=search.before
        )
    except (QueryError, ValueError) as error:
        fault = str(error)
    except StoreError as error:
        fault, away = f"The logs cannot be searched now: {error}", True
    return {
        "search": search,
        "found": found,
        "rows": [(row, marked(row.marked)) for row in found.rows],
        "fault": fault,
        "trouble": "" if fault else sources.logs.state().error,
        "levels": LEVELS,
        "spans": SPANS if search.since in dict(SPANS) else (*SPANS, (search.since, search.since)),
        "hosts": [] if away else sources.logs.hosts(),  # to wait once is enough
        "older": _older(search, found),
    }


def marked(text: str) -> Markup:
    """A message, escaped, with what was searched marked."""
    html = str(escape(text)).replace(MARK_BEGIN, "<mark>").replace(MARK_END, "</mark>")
    return Markup(html)  # noqa: S704  # escaped above; the two markers cannot stand in a stored message


def _older(search: Search, found: Found) -> str:
    if found.next is None:
        return ""
    wanted = {
        "q": search.q,
        "since": search.since,
        "level": search.level,
        "host": search.host,
        "before": str(found.next),
    }
    return "/logs?" + urlencode({name: text for name, text in wanted.items() if text}, errors="replace")
