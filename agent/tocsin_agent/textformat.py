"""Metrics in the text format 0.0.4, as other programs write them: read as strictly as Prometheus' own parser does.

What is read leaves again: families whole and once, values and labels in one way of writing.
"""

from tocsin_agent.exposition import escape, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

UNTYPED, HISTOGRAM, SUMMARY = "untyped", "histogram", "summary"
TYPES = ("counter", "gauge", UNTYPED, HISTOGRAM, SUMMARY)
PARTS = {HISTOGRAM: ("_bucket", "_sum", "_count"), SUMMARY: ("_sum", "_count")}
BLANKS = " \t"
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_LABEL = _LETTERS | frozenset("0123456789")
_NAME = _LABEL | {":"}
_NUMBER = frozenset("0123456789+-.eE")
_WORDS = frozenset({"nan", "inf", "infinity"})


class Family:
    """One family of a file; ``samples`` are lines without their ends, by what names the series."""

    __slots__ = ("help", "name", "samples", "type")

    def __init__(self, name: str) -> None:
        self.name = name
        self.type = ""
        self.help: str | None = None
        self.samples: dict[bytes, bytes] = {}


def parse(text: str) -> dict[str, Family]:
    """The families of a file by name. Raises ValueError with the line's number for anything else."""
    found: dict[str, Family] = {}
    if text and not text.endswith("\n"):
        raise ValueError("the last line has no end: the file is torn")
    for index, line in enumerate(text.split("\n"), 1):
        try:
            _line(line.lstrip(BLANKS), found)
        except ValueError as error:
            raise ValueError(f"line {index}: {error}") from None
    return {name: family for name, family in found.items() if family.samples}


def _line(line: str, found: dict[str, Family]) -> None:
    if line.startswith("#"):
        _comment(line[1:].lstrip(BLANKS), found)
    elif line:
        name, rest = _word(line, _NAME)
        if not name or name[0] not in _LETTERS | {":"}:
            raise ValueError(f"a metric's name expected, found {line[:40]!r}")
        labels, rest = _labels(rest.lstrip(BLANKS))
        _sample(name, labels, _value(rest.lstrip(BLANKS)), found)


def _comment(comment: str, found: dict[str, Family]) -> None:
    keyword, _, rest = comment.partition(" ")
    if keyword not in ("HELP", "TYPE"):
        return
    name, rest = _word(rest.lstrip(BLANKS), _NAME)
    if not name:
        raise ValueError(f"a metric's name expected behind {keyword}")
    family = found.setdefault(name, Family(name))
    if keyword == "HELP":
        if family.help is not None:
            raise ValueError(f"{name} has a second HELP")
        family.help = _unescape(rest.lstrip(BLANKS), '\\n"')
        return
    if family.type or family.samples:
        raise ValueError(f"{name} has its TYPE too late, or twice")
    family.type = rest.strip(BLANKS).lower()
    if family.type not in TYPES:
        raise ValueError(f"one of {', '.join(TYPES)} expected, found {family.type[:40]!r}")


def _sample(name: str, labels: dict[str, str], value: bytes, found: dict[str, Family]) -> None:
    family = _owner(name, found)
    if family.type == HISTOGRAM and name.endswith("_bucket") and "le" not in labels:
        return  # as there: what has no limit belongs to no bucket
    key = name.encode() + _written(labels)
    family.samples.setdefault(key, key + b" " + value)


def _owner(name: str, found: dict[str, Family]) -> Family:
    """The family of a sample: ``x_sum`` belongs to the histogram ``x``."""
    for type, parts in PARTS.items():
        for part in parts:
            family = found.get(name.removesuffix(part)) if name.endswith(part) else None
            if family is not None and family.type == type:
                return family
    return found.setdefault(name, Family(name))


def _word(text: str, characters: frozenset[str]) -> tuple[str, str]:
    end = next((index for index, character in enumerate(text) if character not in characters), len(text))
    return text[:end], text[end:]


def _labels(text: str) -> tuple[dict[str, str], str]:
    """The labels in braces, if there are any, and what stands behind them."""
    labels: dict[str, str] = {}
    if not text.startswith("{"):
        return labels, text
    text = text[1:].lstrip(BLANKS)
    while not text.startswith("}"):
        name, text = _word(text, _LABEL)
        text = text.lstrip(BLANKS)
        if not name or name[0] not in _LETTERS or name == "__name__" or name in labels or not text.startswith("="):
            raise ValueError(f"a label that is not there yet and = expected, found {name + text[:40]!r}")
        labels[name], text = _quoted(text[1:].lstrip(BLANKS))
        text = text.lstrip(BLANKS)
        if text.startswith(","):
            text = text[1:].lstrip(BLANKS)
        elif not text.startswith("}"):
            raise ValueError(f", or }} expected, found {text[:40]!r}")
    return labels, text[1:]


def _quoted(text: str) -> tuple[str, str]:
    """A value in quotes, and what stands behind it."""
    end = 1
    while end < len(text) and text[end] != '"':
        end += 2 if text[end] == "\\" else 1
    if not text.startswith('"') or end >= len(text):
        raise ValueError(f"a value in quotes expected, found {text[:40]!r}")
    return _unescape(text[1:end], '\\n"'), text[end + 1 :]


def _unescape(text: str, known: str) -> str:
    if "\\" not in text:
        return text
    parts = text.replace("\\\\", "\\\0").split("\\")
    if any(part[:1] not in {*known, "\0"} or not part for part in parts[1:]):
        raise ValueError(f"an unknown escape in {text[:40]!r}")
    signs = {"n": "\n", "\0": "\\"}
    return parts[0] + "".join([signs.get(part[0], part[0]) + part[1:] for part in parts[1:]])


def _value(text: str) -> bytes:
    """A number, and nothing behind it: a timestamp would make old values look new."""
    if set(BLANKS) & set(text):
        raise ValueError(f"a value and the line's end expected, found {text[:40]!r}: timestamps are not taken")
    if not text or not (_NUMBER.issuperset(text) or text.lower().lstrip("+-") in _WORDS):
        raise ValueError(f"a number expected, found {text[:40]!r}")
    value = float(text)
    return text.encode() if text.isdecimal() else number(value)


def _written(labels: dict[str, str]) -> bytes:
    if not labels:
        return b""
    inside = b",".join([b'%b="%b"' % (name.encode(), escape(value)) for name, value in sorted(labels.items())])
    return b"{%b}" % inside


def write(families: "Iterable[Family]", help: str) -> bytes:
    """The families as text; ``help`` stands where a family has none."""
    parts = []
    for family in families:
        told = (family.help if family.help is not None else help).replace("\\", "\\\\").replace("\n", "\\n")
        head = f"# HELP {family.name} {told}\n# TYPE {family.name} {family.type or UNTYPED}\n"
        parts.append(head.encode("utf-8", "replace") + b"\n".join(family.samples.values()) + b"\n")
    return b"".join(parts)
