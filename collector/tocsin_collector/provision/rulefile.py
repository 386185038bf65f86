"""A rules file of Prometheus as values, and what is wrong with it.

tocsin writes its rules in a small part of YAML (block maps and lists, scalars that are plain or JSON strings): that
part is read here, strictly, so that no YAML library is needed at run time.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tocsin_schema.metric import HISTOGRAM, Metric

Json = dict[str, Any]

DURATION = re.compile(r"(?:\d+(?:ms|s|m|h|d|w|y))+")
_PAIR = re.compile(r'("[^"\\]*"|[A-Za-z_][\w.-]*):(?:\s+(.*))?')
_TOKEN = re.compile(r"[a-zA-Z_:][\w:]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')
_PAIRS = {")": "(", "]": "[", "}": "{"}
_CATALOGUED = ("node_", "tocsin_")
_SUFFIXES = ("_bucket", "_sum", "_count")
_SEVERITIES = ("critical", "warning", "info", "none")


class RuleFileError(ValueError):
    """A text that is not in tocsin's part of YAML; it names the line."""


def groups(text: str) -> list[Json]:
    """The groups of a rules file, each with its name and its rules. Raises RuleFileError."""
    lines = [
        (number, len(line) - len(line.lstrip(" ")), line.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    found, rest = _block(lines, 0)
    if rest < len(lines):
        raise RuleFileError(f"line {lines[rest][0]}: its indentation fits nothing above it")
    tree = found.get("groups") if isinstance(found, dict) else None
    if not isinstance(tree, list) or not all(isinstance(group, dict) for group in tree):
        raise RuleFileError("no list `groups`")
    return tree


def _block(lines: list[tuple[int, int, str]], at: int) -> tuple[Any, int]:
    """The map or list that begins at a line, and the line after it."""
    if at == len(lines):
        raise RuleFileError("the file is empty, or it ends after a key")
    return _list(lines, at) if lines[at][2].startswith("- ") else _map(lines, at)


def _list(lines: list[tuple[int, int, str]], at: int) -> tuple[list[Any], int]:
    indent, found = lines[at][1], []
    while at < len(lines) and lines[at][1] == indent and lines[at][2].startswith("- "):
        number, _, text = lines[at]
        if _PAIR.fullmatch(text[2:]):
            lines[at] = (number, indent + 2, text[2:].lstrip())
            value, at = _map(lines, at)
        else:
            value, at = _scalar(text[2:], number), at + 1
        found.append(value)
    return found, at


def _map(lines: list[tuple[int, int, str]], at: int) -> tuple[Json, int]:
    indent = lines[at][1]
    found: Json = {}
    while at < len(lines) and lines[at][1] == indent and not lines[at][2].startswith("- "):
        number, _, text = lines[at]
        pair = _PAIR.fullmatch(text)
        if pair is None:
            raise RuleFileError(f"line {number}: `key: value` expected, found {text[:60]!r}")
        name, value = pair[1].strip('"'), pair[2]
        if name in found:
            raise RuleFileError(f"line {number}: {name} stands twice")
        at += 1
        if value:
            found[name] = _scalar(value, number)
        elif at < len(lines) and (lines[at][1] > indent or (lines[at][1] == indent and lines[at][2].startswith("- "))):
            found[name], at = _block(lines, at)
        else:
            raise RuleFileError(f"line {number}: {name} has no value")
    return found, at


def _scalar(text: str, number: int) -> Any:
    if text[0] in '"[{' or re.fullmatch(r"-?\d+(\.\d+)?|true|false|null", text):
        try:
            return json.loads(text)
        except ValueError:
            raise RuleFileError(f"line {number}: {text[:60]!r} is neither a JSON value nor plain text") from None
    if text[0] in "'|>&*!%@`" or ": " in text or " #" in text:
        raise RuleFileError(f"line {number}: {text[:60]!r} must be quoted")
    return text


def rules(tree: Iterable[Json]) -> list[Json]:
    """The rules of all groups."""
    return [rule for group in tree for rule in group.get("rules") or [] if isinstance(rule, dict)]


def names(texts: Iterable[str]) -> frozenset[str]:
    """The names of all rules of some files."""
    return frozenset(str(rule.get("alert") or rule.get("record")) for text in texts for rule in rules(groups(text)))


def has_alerts(text: str) -> bool:
    """Whether a file holds a rule that wakes somebody."""
    return any("alert" in rule for rule in rules(groups(text)))


def faults(files: Mapping[str, str], known: Mapping[str, Metric]) -> list[str]:
    """Every fault of a set of files that Prometheus will load together: file, rule, what."""
    found: list[str] = []
    trees: dict[str, list[Json]] = {}
    for name, text in files.items():
        try:
            trees[name] = groups(text)
        except RuleFileError as error:
            found.append(f"{name}: {error}")
    recorded = {str(rule.get("record")) for tree in trees.values() for rule in rules(tree) if "record" in rule}
    taken: dict[str, str] = {}
    for name, tree in trees.items():
        for group in tree:
            where = f"{name}: group {group.get('name')}"
            if not isinstance(group.get("rules"), list) or not group["rules"]:
                found.append(f"{where}: no rules")
            found += _doubled(f"group {group.get('name')}", name, taken)
        for rule in rules(tree):
            label = str(rule.get("alert") or rule.get("record"))
            found += _doubled(f"alert {label}", name, taken) if "alert" in rule else []
            found += [f"{name}: {label}: {fault}" for fault in _rule_faults(rule, known, recorded)]
    return found


def _doubled(what: str, file: str, taken: dict[str, str]) -> list[str]:
    if what in taken:
        return [f"{file}: {what} stands in {taken[what]} too"]
    taken[what] = file
    return []


def _rule_faults(rule: Json, known: Mapping[str, Metric], recorded: set[str]) -> Iterable[str]:
    if ("alert" in rule) == ("record" in rule):
        yield "exactly one of alert and record is expected"
    expr = rule.get("expr")
    if not isinstance(expr, str) or not expr.strip():
        yield "expr is missing"
    else:
        yield from expression_faults(expr, known, recorded)
    for name in ("for", "keep_firing_for"):
        if name in rule and not DURATION.fullmatch(str(rule[name])):
            yield f"{name}: a duration like 5m expected, found {rule[name]!r}"
    if "alert" in rule:
        yield from _texts_faults(rule)


def _texts_faults(rule: Json) -> Iterable[str]:
    labels, annotations = rule.get("labels") or {}, rule.get("annotations") or {}
    if labels.get("severity") not in _SEVERITIES:
        yield f"severity: one of {', '.join(_SEVERITIES)} expected, found {labels.get('severity')!r}"
    for name in ("summary", "description", "runbook_url"):
        if not annotations.get(name):
            yield f"{name} is missing"
    for name, text in {**labels, **annotations}.items():
        if str(text).count("{{") != str(text).count("}}"):
            yield f"{name}: a template is not closed"


def expression_faults(expr: str, known: Mapping[str, Metric], recorded: set[str]) -> Iterable[str]:
    """What is wrong with a PromQL expression as far as it can be seen without Prometheus."""
    bare = _STRING.sub('""', expr)
    if "'" in bare or bare.count('"') % 2 or "`" in bare:
        yield "expr: a string is not closed"
    stack: list[str] = []
    for character in bare:
        if character in "([{":
            stack.append(character)
        elif character in _PAIRS and (not stack or stack.pop() != _PAIRS[character]):
            yield f"expr: {character} closes nothing"
            return
    if stack:
        yield f"expr: {stack[-1]} is not closed"
    for name in sorted(set(_TOKEN.findall(re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)))):
        if name.startswith(_CATALOGUED) and name not in recorded and not _catalogued(name, known):
            yield f"expr: {name} is not in the catalogue of metrics"
        if ":" in name.strip(":") and name not in recorded:
            yield f"expr: no rule records {name}"


def _catalogued(name: str, known: Mapping[str, Metric]) -> bool:
    family = known.get(name.rpartition("_")[0])
    return name in known or (family is not None and family.type == HISTOGRAM and name.endswith(_SUFFIXES))
