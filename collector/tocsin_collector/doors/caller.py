"""Who asks, and what a caller may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

READ, ADMIN = "read", "admin"
PREDICTIONS, LABELS, REFERENCES = "write:predictions", "write:labels", "write:references"
LOGS, NOTIFICATIONS = "write:logs", "write:notifications"
SCOPES = (READ, PREDICTIONS, LABELS, REFERENCES, LOGS, NOTIFICATIONS, ADMIN)
"""``admin`` has all the others in it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """``name`` is for the audit log; ``project`` is the only one that it may see or write to, None for all."""

    name: str
    scopes: frozenset[str]
    project: str | None = None

    @property
    def may_all(self) -> bool:
        """Whether it may do everything everywhere."""
        return self.project is None and ADMIN in self.scopes

    def may(self, scope: str) -> bool:
        """Whether it has a scope."""
        return scope in self.scopes or ADMIN in self.scopes

    def reaches(self, project: str) -> bool:
        """Whether a project is open to it."""
        return self.project is None or self.project == project


ANYONE = Caller("anyone", frozenset({ADMIN}))
"""Who asks a collector that has neither keys nor passwords."""
PLACE = "tocsin.caller"
"""Where the scope of a request that was let in has its Caller."""


def caller_of(scope: Mapping[str, Any]) -> Caller:
    """Who makes a request; an application without a gate before it is open to anyone."""
    found: Caller = scope.get(PLACE, ANYONE)
    return found
