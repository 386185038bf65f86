"""A file of rules, whichever form it has: tocsin's own in TOML or JSON, or a suite of Great Expectations."""

import json
import re
import tomllib
from collections.abc import Mapping

from tocsin_collector.quality.rules import expectations, form
from tocsin_collector.quality.rules.rule import RuleError, Rules

MOST_BYTES = 1 << 20


def parse(raw: bytes) -> Rules:
    """The rules of a file. Raises RuleError."""
    if len(raw) > MOST_BYTES:
        raise RuleError(f"a file of rules has at most {MOST_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RuleError(f"the file is not UTF-8 at byte {error.start}") from None
    # A list of JSON holds objects; in TOML a bracket is followed by a name, or by another bracket.
    is_json = re.match(r"\s*(\{|\[\s*[{\]])", text)
    return _json_rules(_json(text)) if is_json else form.read(_toml(text))


def _json_rules(found: object) -> Rules:
    if isinstance(found, list):
        return expectations.read(found, "the list")
    if isinstance(found, Mapping) and "expectations" in found:
        return expectations.read(found["expectations"])
    if isinstance(found, Mapping) and "rule" in found:
        return form.read(found)
    raise RuleError("neither `rule` (tocsin's rules) nor `expectations` (a suite of Great Expectations) stands in it")


def _toml(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise RuleError(f"no TOML: {error}; JSON begins with {{") from None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RuleError(f"no JSON: {error!s:.200}") from None
