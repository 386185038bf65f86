"""`PUT` and `GET /v1/constraints/{project}/{model}`: the rules that a model's data must keep."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, HTTPException, Request

from tocsin_collector.monitor.monitor import Name
from tocsin_collector.quality.rules import RuleError, Rules
from tocsin_collector.quality.rules.parse import MOST_BYTES
from tocsin_collector.references.routes import named
from tocsin_collector.wholebody import whole_body

Take = Callable[[Name, bytes], Awaitable[Rules]]
Known = Callable[[Name], Rules | None]

_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "tocsin's rules in TOML or JSON, or the JSON of a Great Expectations suite (0.13 to 1.x).",
        "content": {
            "application/toml": {"example": '[[rule]]\ncolumn = "feature.age"\nbetween = [0, 120]\n'},
            "application/json": {"example": {"rule": [{"column": "feature.age", "between": [0, 120]}]}},
        },
    }
}


def constraints_router(take: Take, rules_of: Known) -> APIRouter:
    """The routes. ``take`` makes a file of rules hold, ``rules_of`` tells those of a model."""
    router = APIRouter(tags=["constraints"])

    @router.put("/v1/constraints/{project}/{model}", openapi_extra=_BODY, summary="Give a model's data its rules")
    async def put_constraints(project: str, model: str, request: Request) -> dict[str, object]:
        """Check every window of all versions of the model by these rules from now on, in the place of those before;
        what is in the journal is counted anew. A file without rules takes them away. The answer lists what was taken
        and, by its name, what was not."""
        name = Name(*named(project, model, "")[:2])
        try:
            return told(await take(name, await whole_body(request, MOST_BYTES, "a file of rules")))
        except RuleError as fault:
            raise HTTPException(400, str(fault)) from None

    @router.get("/v1/constraints/{project}/{model}", summary="The rules of a model's data")
    async def get_constraints(project: str, model: str) -> dict[str, object]:
        """What holds now; empty where nobody gave any."""
        return told(rules_of(Name(*named(project, model, "")[:2])) or Rules())

    return router


def told(rules: Rules) -> dict[str, object]:
    """Rules as JSON tells them."""
    return {
        "rules": [{"name": rule.name, "check": rule.check, "columns": list(rule.columns)} for rule in rules.rules],
        "not_taken": [{"name": name, "reason": reason} for name, reason in rules.not_taken],
    }
