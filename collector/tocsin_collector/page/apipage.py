"""The API's description as a page, from the same OpenAPI document that programs read."""

import json
from typing import Any, NamedTuple


class Operation(NamedTuple):
    """One method of one path. ``examples`` are bodies by their content type."""

    method: str
    path: str
    summary: str
    description: str
    parameters: list[tuple[str, str, str]]
    examples: list[tuple[str, str]]


def operations(document: dict[str, Any]) -> list[Operation]:
    """Every operation, in the document's order."""
    return [
        Operation(
            method.upper(),
            path,
            found.get("summary", ""),
            found.get("description", ""),
            [_parameter(parameter) for parameter in found.get("parameters", [])],
            _examples(found.get("requestBody", {})),
        )
        for path, methods in document["paths"].items()
        for method, found in methods.items()
    ]


def _parameter(parameter: dict[str, Any]) -> tuple[str, str, str]:
    needed = "needed" if parameter.get("required") else "optional"
    return parameter["name"], f"{parameter['in']}, {needed}", parameter.get("description", "")


def _examples(body: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for media_type, content in body.get("content", {}).items():
        several = [example.get("value") for example in content.get("examples", {}).values()]
        shown = [*([content["example"]] if "example" in content else []), *several]
        found += [(media_type, one if isinstance(one, str) else json.dumps(one, indent=1)) for one in shown]
    return found
