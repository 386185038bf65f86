"""The stamp on what tocsin wrote: it says whose an object is, and whether it is still as it was written.

Twelve hex digits of the SHA-256 of the content. A board carries it as a tag, a file in its first line.
"""

import hashlib
import json
import re
from typing import Any

Json = dict[str, Any]
TAG = "tocsin"
_HASH_TAG = "tocsin-hash:"
_FIRST_LINE = "# Written by `tocsin provision`; it is replaced as a whole. "
_UNSTAMPED = ("id", "version")
"""What Grafana sets in a board."""


def digest(content: object) -> str:
    """Twelve hex digits of a text or of a JSON value."""
    text = content if isinstance(content, str) else json.dumps(_plain(content), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _plain(value: Any) -> Any:
    # A server gives 1 back for 1.0.
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def stamped(board: Json) -> Json:
    """The board with its hash as a tag."""
    plain = unstamped(board)
    return {**plain, "tags": [*plain["tags"], _HASH_TAG + digest(plain)]}


def unstamped(board: Json) -> Json:
    """The board without its hash and without what Grafana sets."""
    tags = [tag for tag in _tags(board) if not str(tag).startswith(_HASH_TAG)]
    return {**{name: value for name, value in board.items() if name not in _UNSTAMPED}, "tags": tags}


def board_stamp(board: Json) -> str | None:
    """The hash that a board carries, empty when it is tagged as ours without one, None when it is not ours."""
    tags = [str(tag) for tag in _tags(board)]
    if TAG not in tags or not str(board.get("uid", "")).startswith(f"{TAG}-"):
        return None  # a copy of a board keeps the tags, and gets another uid
    return next((tag.removeprefix(_HASH_TAG) for tag in tags if tag.startswith(_HASH_TAG)), "")


def _tags(board: Json) -> list[Any]:
    tags = board.get("tags")
    return tags if isinstance(tags, list) else []


def with_first_line(text: str) -> str:
    """A file's text under the line that makes it ours. The formats have `#` for comments."""
    return f"{_FIRST_LINE}{digest(text)}\n{text}"


def file_stamp(text: str) -> tuple[str, str] | None:
    """The hash that a file carries and the hash of what is in it now, None when the file is not ours."""
    first, _, rest = text.partition("\n")
    found = re.fullmatch(re.escape(_FIRST_LINE) + "([0-9a-f]{12})", first.rstrip("\r"))
    return (found[1], digest(rest)) if found else None
