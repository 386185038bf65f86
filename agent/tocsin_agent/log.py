"""The agent's log: one event a line on standard error, a snake_case name and key=value. (logging costs 2.4 MiB.)"""

import os

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./:@,%[]")

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def event(name: str, **fields: object) -> None:
    """Write one line; a value with other than plain characters stands in quotes, as JSON would write it."""
    line = " ".join([name, *(f"{key}={_quoted(str(value))}" for key, value in fields.items())])
    try:
        os.write(2, f"{line}\n".encode("utf-8", "replace"))
    except OSError:
        pass  # nobody reads: the log must never end the agent


def _quoted(text: str) -> str:
    if text and _PLAIN.issuperset(text):
        return text
    return '"' + "".join([_ESCAPES.get(c) or (c if c.isprintable() else f"\\u{ord(c):04x}") for c in text]) + '"'
