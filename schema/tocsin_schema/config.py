"""Configuration: one TOML file a process, read against one table.

A table is a tuple of keys (path, type, default, help, range). The validator, the environment's overrides, the JSON
Schema for editors, the reference page and the sample file come from it. ``load`` gives every error at once; an unknown
key names its nearest neighbour.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import Any

TYPES = ("text", "integer", "number", "boolean", "list", "table")


class ConfigError(Exception):
    """Every fault of a configuration; ``faults`` has one line each: where, what, and what would be right."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Key:
    """One key of a configuration table.

    ``range`` is (lowest, highest) for numbers, a tuple of allowed texts for ``text``, or None. A secret's key holds the
    path of the file that has it and is named ``*_file``. ``env`` overrides the name of the environment variable.
    """

    __slots__ = ("default", "env", "help", "path", "range", "type")

    def __init__(
        self,
        path: str,
        type: str,
        default: object,
        help: str,
        *,
        range: tuple[object, ...] | None = None,
        env: str = "",
    ) -> None:
        self.path = path
        self.type = type
        self.default = default
        self.help = help
        self.range = range
        self.env = env or "TOCSIN_" + path.upper().replace(".", "_")


def load(table: tuple[Key, ...], file: str | None, environ: "dict[str, str] | os._Environ[str]") -> dict[str, object]:
    """The value of every key by path: default, then file, then environment. Raises ConfigError with all faults."""
    faults: list[str] = []
    values = {key.path: key.default for key in table}
    if file is not None:
        _apply(table, values, _read(file), file, faults)
    for key in table:
        if key.env in environ:
            _apply_environment(key, values, environ[key.env], faults)
    if faults:
        raise ConfigError(faults)
    return values


def secret(path: str) -> str:
    """The content of a secret's file, stripped. Raises ConfigError naming the file, never its content."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError as error:
        raise ConfigError([f"{path}: the secret cannot be read: {error.strerror}"]) from None


def _read(file: str) -> dict[str, object]:
    import tomllib  # 15 ms and 2.7 MiB: only for those who have a file

    try:
        with open(file, "rb") as handle:
            return tomllib.load(handle)
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([f"{file}: no TOML: {error}"]) from None


def _apply(
    table: tuple[Key, ...], values: dict[str, object], tree: dict[str, object], file: str, faults: list[str]
) -> None:
    keys = {key.path: key for key in table}
    for path, value in _flatten(tree, keys):
        if path not in keys:
            faults.append(f"{file}: {path}: unknown key{nearest(path, keys)}")
            continue
        fault = _fault(keys[path], value)
        if fault:
            faults.append(f"{file}: {path}: {fault}")
        else:
            values[path] = value


def _flatten(tree: dict[str, object], keys: dict[str, Key], prefix: str = "") -> "list[tuple[str, object]]":
    found: list[tuple[str, object]] = []
    for name, value in tree.items():
        path = prefix + name
        inner = isinstance(value, dict) and not (path in keys and keys[path].type == "table")
        # A section that is known may be empty, as in the sample file.
        if inner and isinstance(value, dict) and (value or any(key.startswith(path + ".") for key in keys)):
            found.extend(_flatten(value, keys, path + "."))
        else:
            found.append((path, value))
    return found


def parsed(key: Key, text: str) -> tuple[object, str]:
    """A value as the environment or a command line gives it, and what is wrong with it ("": nothing)."""
    value: object = text
    try:
        if key.type == "integer":
            value = int(text)
        elif key.type == "number":
            value = float(text)
        elif key.type == "boolean":
            value = {"true": True, "false": False}[text.lower()]
        elif key.type == "list":
            value = [part.strip() for part in text.split(",") if part.strip()]
    except (ValueError, KeyError):
        return None, f"{key.type} expected"
    return value, _fault(key, value)


def _apply_environment(key: Key, values: dict[str, object], text: str, faults: list[str]) -> None:
    value, fault = parsed(key, text)
    if fault:
        faults.append(f"environment: {key.env}={text!r:.80}: {fault}")
    else:
        values[key.path] = value


def _fault(key: Key, value: object) -> str:
    expected = {
        "text": isinstance(value, str),
        "integer": type(value) is int,
        "number": type(value) is int or (isinstance(value, float) and abs(value) < float("inf")),
        "boolean": isinstance(value, bool),
        "list": isinstance(value, list) and all(isinstance(item, str) for item in value),
        "table": isinstance(value, dict),
    }[key.type]
    if not expected:
        return f"{key.type} expected, found {value!r:.80}"
    if key.range and key.type == "text" and value not in key.range:
        return f"one of {', '.join(map(str, key.range))} expected, found {value!r:.80}"
    numeric: Any = value
    if key.range and key.type in ("integer", "number") and not key.range[0] <= numeric <= key.range[1]:
        return f"from {key.range[0]} to {key.range[1]} expected, found {value!r:.80}"
    return ""


def nearest(word: str, there: "Iterable[str]") -> str:
    """``; did you mean WORD?`` where there is a word that this one may have been meant to be, else ""."""
    best = min(there, key=lambda known: _distance(word, known), default="")
    return f"; did you mean {best}?" if best and _distance(word, best) <= max(3, len(word) // 3) else ""


def _distance(a: str, b: str) -> int:
    """Levenshtein's edit distance."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (left != right))
    return row[-1]


# --- what is generated from a table -----------------------------------------------------------------------------------


def sample(table: tuple[Key, ...]) -> str:
    """A sample file: every key with its default, commented out, under its help."""
    lines: list[str] = []
    section = ""
    for key in sorted(table, key=lambda key: ("." in key.path, key.path.rpartition(".")[0])):
        head, _, name = key.path.rpartition(".")
        if head != section:
            section = head
            lines.append(f"[{head}]")
        lines.append(f"# {key.help}")
        lines.append(f"# {name} = {toml(key.default)}\n")
    return "\n".join(lines)


def json_schema(table: tuple[Key, ...], title: str) -> dict[str, object]:
    """The JSON Schema of the file, for editors."""
    root: dict[str, object] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    root.update(type="object", additionalProperties=False, properties={})
    names = {"text": "string", "list": "array", "table": "object"}
    for key in table:
        node = root
        *heads, last = key.path.split(".")
        for head in heads:
            empty: dict[str, object] = {"type": "object", "additionalProperties": False, "properties": {}}
            node = node["properties"].setdefault(head, empty)  # type: ignore[attr-defined]
        leaf: dict[str, object] = {
            "type": names.get(key.type, key.type),
            "description": key.help,
            "default": key.default,
        }
        if key.type == "list":
            leaf["items"] = {"type": "string"}
        if key.range and key.type == "text":
            leaf["enum"] = list(key.range)
        elif key.range:
            leaf["minimum"], leaf["maximum"] = key.range[0], key.range[1]
        node["properties"][last] = leaf  # type: ignore[index]
    return root


def reference(table: tuple[Key, ...]) -> str:
    """The reference as a Markdown table."""
    lines = ["| key | type | default | environment | what it does |", "|---|---|---|---|---|"]
    for key in sorted(table, key=lambda key: key.path):
        allowed = ""
        if key.range:
            allowed = " (" + (", " if key.type == "text" else " to ").join(map(str, key.range)) + ")"
        lines.append(f"| `{key.path}` | {key.type}{allowed} | `{toml(key.default)}` | `{key.env}` | {key.help} |")
    return "\n".join(lines) + "\n"


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        import json  # it brings re: only for those who write files

        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON's escapes are TOML's too
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {toml(item)}" for name, item in value.items()) + " }" if value else "{}"
    return str(value)
