"""JSON: a text that begins as an object or a list, also between the fences of Markdown, and whether it is one."""

import json
import re

_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?```", re.DOTALL)
BROKEN, WHOLE = "broken", "whole"


def json_state(text: str) -> str:
    """``whole``, ``broken``, or empty for a text that does not mean to be JSON."""
    inner = text.strip()
    fenced = _FENCED.fullmatch(inner)
    inner = fenced[1].strip() if fenced else inner
    if not re.match(r'\{\s*["}]|\[\s*[\[{"\d\]-]', inner):
        return ""
    return WHOLE if is_json(inner) else BROKEN


def is_json(text: str) -> bool:
    """Whether a text is one JSON value (RFC 8259)."""
    try:
        json.loads(text, parse_constant=_no_constant, parse_int=float)  # of 10,000 digits int() refuses to read one
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> None:
    raise ValueError(name)
