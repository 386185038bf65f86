"""Values as YAML text in block style, the same bytes each time: every string is a JSON string, which YAML reads too."""

import json
import re
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


def yaml(value: Any) -> str:
    """The text of a document."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for name, each in value.items() for line in _pair(_scalar(name), each)]
    if isinstance(value, list) and value:
        return [line for each in value for line in _entry(_lines(each))]
    return [_scalar(value)]


def _pair(name: str, value: Any) -> list[str]:
    if isinstance(value, str) and _fits_literal(value):
        return [f"{name}: |", *("  " + line if line else "" for line in value[:-1].split("\n"))]
    lines = _lines(value)
    if isinstance(value, (dict, list)) and value:
        return [f"{name}:", *("  " + line if line else "" for line in lines)]
    return [f"{name}: {lines[0]}"]


def _entry(lines: list[str]) -> list[str]:
    return ["- " + lines[0], *("  " + line if line else "" for line in lines[1:])]


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return "".join(_escaped(each) for each in json.dumps(value, ensure_ascii=False))


def _escaped(character: str) -> str:
    # YAML allows fewer characters to stand for themselves than JSON; beyond the first plane it allows all.
    return character if character.isprintable() or ord(character) >= 1 << 16 else f"\\u{ord(character):04x}"


def _fits_literal(text: str) -> bool:
    """Whether a text of several lines reads well as it stands, and comes back as it was."""
    lines = text.split("\n")
    return (
        len(lines) > 2
        and not lines[-1]
        and bool(lines[-2])
        and lines[0][:1].isprintable()
        and lines[0][:1] not in ("", " ")
        and all(line.isprintable() for line in lines)
    )
