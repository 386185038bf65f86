"""What each route of the collector needs: one table, so that it can be read as a whole.

A request that is not in it needs ``admin``: a route that somebody forgot is closed, not open. A test walks the
application and fails for a route without an entry.
"""

from typing import NamedTuple

from starlette.routing import compile_path

from tocsin_collector.doors.caller import ADMIN, LABELS, LOGS, NOTIFICATIONS, PREDICTIONS, READ, REFERENCES
from tocsin_collector.page.address import name_of

EVENTS = "/v1/events"
ALL, OF_PATH, OWN = "all", "of the path", "own"
"""Whose data a route is about: all projects', that of the project in its path, or what of the caller's it is asked."""


class Need(NamedTuple):
    """One of ``scopes``, none for whoever reaches the socket, and in which projects."""

    scopes: tuple[str, ...]
    whose: str = ALL
    project: str = ""
    """The project of the path."""
    audit: str = ""
    """What the audit log says of it: ``read`` of data, ``change`` of what the collector does; "" is not recorded."""
    metered: bool = False
    """Whether the quota of a project is for it."""


TABLE = {
    "GET /-/healthy": Need(()),  # for probes of hosts that have no key; it tells nothing else
    "GET /metrics": Need((READ,)),
    "GET /openapi.json": Need((READ,)),
    f"POST {EVENTS}": Need((PREDICTIONS, LABELS), OWN, metered=True),
    "POST /v1/logs": Need((LOGS,), OWN),  # a log record is of no project
    "GET /v1/logs": Need((READ,), audit="read"),
    "POST /v1/notifications": Need((NOTIFICATIONS,)),
    "PUT /v1/references/{project}/{model}": Need((REFERENCES,), OF_PATH, audit="change"),
    "DELETE /v1/references/{project}/{model}": Need((REFERENCES,), OF_PATH, audit="change"),
    "GET /v1/references/{project}/{model}": Need((READ,), OF_PATH, audit="read"),
    "PUT /v1/constraints/{project}/{model}": Need((REFERENCES,), OF_PATH, audit="change"),
    "GET /v1/constraints/{project}/{model}": Need((READ,), OF_PATH, audit="read"),
    "POST /v1/deployments/{project}/{model}": Need((PREDICTIONS, REFERENCES), OF_PATH, audit="change"),
    "GET /v1/deployments/{project}/{model}": Need((READ,), OF_PATH, audit="read"),
    "GET /v1/reports/{project}/{model}": Need((READ,), OF_PATH, audit="read"),
    "GET /v1/reports/{project}/{model}/kept": Need((READ,), OF_PATH, audit="read"),
    "GET /v1/reports/{project}/{model}/kept/{name}": Need((READ,), OF_PATH, audit="read"),
    "GET /v1/models": Need((READ,), OWN, audit="read"),
    "GET /v1/models/{project}/{model_name}": Need((READ,), OF_PATH, audit="read"),
    "GET /v1/models/{project}/{model_name}/quality": Need((READ,), OF_PATH, audit="read"),
    "GET /v1/models/{project}/{model_name}/comparison": Need((READ,), OF_PATH, audit="read"),
    "GET /v1/alarms": Need((READ,), audit="read"),
    "GET /v1/servers": Need((READ,)),
    # The pages show the alarms of all projects in their head.
    "GET /": Need((READ,), audit="read"),
    "GET /docs": Need((READ,)),
    "GET /logs": Need((READ,), audit="read"),
    "GET /alarms": Need((READ,), audit="read"),
    "GET /runbooks/{name}": Need((READ,)),
    "GET /models/{project}/{model_name}/{version}": Need((READ,), audit="read"),
    "GET /models/{project}/{model_name}/{version}/quality": Need((READ,), audit="read"),
    "GET /models/{project}/{model_name}/{version}/features/{feature_name}": Need((READ,), audit="read"),
    "GET /static/{name}": Need((READ,)),
    "GET /favicon.ico": Need((READ,)),
}
_FORGOTTEN = Need((ADMIN,))
_PLAIN = {entry: found for entry, found in TABLE.items() if "{" not in entry}
_PATTERNS = [
    (entry.split()[0], compile_path(entry.split()[1])[0], found) for entry, found in TABLE.items() if "{" in entry
]


def need(method: str, path: str) -> Need:
    """What a request needs; ``path`` is decoded once, as a router sees it."""
    method = "GET" if method == "HEAD" else method
    plain = _PLAIN.get(f"{method} {path}")
    if plain:
        return plain
    for verb, pattern, found in _PATTERNS:
        matched = pattern.match(path) if verb == method else None
        if matched:
            return found._replace(project=name_of(matched["project"])) if found.whose == OF_PATH else found
    return _FORGOTTEN
