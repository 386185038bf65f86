"""The exposition as Prometheus' protobuf messages (client_model's ``metrics.proto``), made from the text format.

A value is eight bytes wherever it stands, so the message of a family keeps its length while its series stay the same:
what stands around the values is made once for each set of series, and a scrape writes numbers between those bytes.
Histograms and summaries have no such form; they are written anew from their label sets.
"""

import struct

from tocsin_agent.exposition import Text
from tocsin_schema.native import ZERO_S
from tocsin_schema.protobuf import (
    COUNTER,
    GAUGE,
    HISTOGRAM,
    SUMMARY,
    UNTYPED,
    bucket,
    double,
    label,
    message,
    native,
    plain,
    unsigned,
    varint,
)  # fmt: skip
from tocsin_schema.protobuf import family as family_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    from tocsin_agent.exposition import Natives

    Values: TypeAlias = list[float]

TYPES = {b"counter": COUNTER, b"gauge": GAUGE, b"summary": SUMMARY, b"untyped": UNTYPED, b"histogram": HISTOGRAM}
COMPOUND = {HISTOGRAM: (b"_bucket", b"_sum", b"_count"), SUMMARY: (b"", b"_sum", b"_count")}


# --- a text's parts ---------------------------------------------------------------------------------------------------


def labels(series: bytes) -> list[tuple[bytes, bytes]]:
    """The labels of a series with their values unescaped. Raises ValueError for what is no series."""
    at, end = series.find(b"{"), len(series) - 1
    found: list[tuple[bytes, bytes]] = []
    if at < 0:
        return found
    at += 1
    while at < end:
        equals = series.index(b'="', at)
        close = _closing_quote(series, equals + 2)
        value = series[equals + 2 : close]
        found.append((series[at:equals].strip(b" ,"), _unescaped(value)))
        at = close + 1
        if series[at : at + 1] == b",":
            at += 1
    if at != end or series[end:] != b"}":
        raise ValueError(f'a series `name{{label="value"}}` expected, found {series[:120]!r}')
    return found


def _closing_quote(series: bytes, at: int) -> int:
    while True:
        close = series.index(b'"', at)
        escapes = close - len(series[at:close].rstrip(b"\\")) - at
        if escapes % 2 == 0:
            return close
        at = close + 1


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    parts = text.split(b"\\\\")
    return b"\\".join([part.replace(b"\\n", b"\n").replace(b'\\"', b'"') for part in parts])


class _Family:
    """The lines of one family: its name, help, type, and its series by their number among all lines."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.help = b""
        self.type = UNTYPED
        self.series: list[tuple[int, bytes]] = []

    def head(self) -> bytes:
        """The fields of MetricFamily before its metrics."""
        return family_head(self.name, _unescaped(self.help), self.type)


def _families(lines: list[bytes]) -> list[_Family]:
    """The families of a text whose lines have lost their values."""
    found: list[_Family] = []
    for number, line in enumerate(lines):
        if line.startswith((b"# HELP ", b"# TYPE ")):
            name, _, rest = line[7:].partition(b" ")
            if not found or found[-1].name != name:
                found.append(_Family(name))
            if line.startswith(b"# HELP "):
                found[-1].help = rest
            else:
                found[-1].type = TYPES.get(rest, UNTYPED)
        elif line and not line.startswith(b"#"):
            _add(found, number, line)
    return found


def _add(found: list[_Family], number: int, series: bytes) -> None:
    name = series.partition(b"{")[0]
    if b" " in name:
        raise ValueError(f"a series and its value expected, without a timestamp, found {series[:120]!r}")
    last = found[-1] if found else None
    suffixes = COMPOUND.get(last.type, ()) if last else ()
    if last is None or (name != last.name and not any(name == last.name + suffix for suffix in suffixes)):
        last = _Family(name)
        found.append(last)
    last.series.append((number, series))


# --- families as messages ---------------------------------------------------------------------------------------------


class _Plain:
    """Families of counters, gauges and untyped values in a row: fixed bytes with a value between each two."""

    def __init__(self, families: list[_Family]) -> None:
        self.numbers = [number for family in families for number, _ in family.series]
        self._pieces = [b""]
        for family in families:
            self._add(family)

    def _add(self, family: _Family) -> None:
        before = [
            plain(b"".join([label(*pair) for pair in labels(series)]), family.type) for _, series in family.series
        ]
        head = family.head()
        length = len(head) + sum(map(len, before)) + 8 * len(before)
        self._pieces[-1] += varint(length) + head + before[0]
        for piece in before[1:]:
            self._pieces += [b"", piece]
        self._pieces += [b"", b""]

    def encode(self, values: "Values", _natives: "Natives") -> bytes:
        """The messages, each with its length before it."""
        self._pieces[1::2] = map(_eight_bytes, values)
        return b"".join(self._pieces)


_eight_bytes = struct.Struct("<d").pack


class _Compound:
    """A family of histograms or summaries: by label set the numbers of its buckets, its sum and its count."""

    def __init__(self, family: _Family) -> None:
        self._head = family.head()
        self._type = family.type
        self._extra = b"le" if family.type == HISTOGRAM else b"quantile"
        self._rows: dict[bytes, _Row] = {}
        self.numbers = [number for number, _ in family.series]
        for number, series in family.series:
            pairs = labels(series)
            names = b"".join([label(*pair) for pair in pairs if pair[0] != self._extra])
            row = self._rows.setdefault(names, _Row())
            bound = [value for name, value in pairs if name == self._extra]
            if bound:
                row.buckets.append((float(bound[0]), number))
            elif series.partition(b"{")[0] == family.name + b"_sum":
                row.sum = number
            else:
                row.count, row.key = number, series

    def encode(self, values: "Values", natives: "Natives") -> bytes:
        """The message with its length before it."""
        by_number = dict(zip(self.numbers, values, strict=True))
        write = _histogram if self._type == HISTOGRAM else _summary
        metrics = [message(4, names + write(row, by_number, natives)) for names, row in self._rows.items()]
        body = self._head + b"".join(metrics)
        return varint(len(body)) + body


class _Row:
    """One histogram or summary; -1 stands for a line that is not there."""

    __slots__ = ("buckets", "count", "key", "sum")

    def __init__(self) -> None:
        self.buckets: list[tuple[float, int]] = []
        self.sum = self.count = -1
        self.key = b""


def _histogram(row: _Row, values: "Mapping[int, float]", natives: "Natives") -> bytes:
    parts = [unsigned(1, int(values[row.count]))] if row.count >= 0 else []
    if row.sum >= 0:
        parts.append(double(2, values[row.sum]))
    parts += [bucket(int(values[number]), le) for le, number in row.buckets]
    found = natives.get(row.key)
    if found is not None:
        parts.append(native(found, ZERO_S))
    return message(7, b"".join(parts))


def _summary(row: _Row, values: "Mapping[int, float]", _natives: "Natives") -> bytes:
    parts = [unsigned(1, int(values[row.count]))] if row.count >= 0 else []
    if row.sum >= 0:
        parts.append(double(2, values[row.sum]))
    parts += [message(3, double(1, quantile) + double(2, values[number])) for quantile, number in row.buckets]
    return message(4, b"".join(parts))


class _Plan:
    """How the texts of one set of series become messages."""

    def __init__(self, lines: list[bytes], series: list[bytes]) -> None:
        self._series = series
        self._types = [(number, line) for number, line in enumerate(lines) if line.startswith(b"# TYPE ")]
        mixed = [line if line.startswith(b"#") else name for line, name in zip(lines, series, strict=True)]
        self._runs: list[_Plain | _Compound] = []
        plain: list[_Family] = []
        for family in [family for family in _families(mixed) if family.series]:
            if family.type not in COMPOUND:
                plain.append(family)
                continue
            self._end(plain)
            self._runs.append(_Compound(family))
        self._end(plain)

    def _end(self, plain: list[_Family]) -> None:
        if plain:
            self._runs.append(_Plain(plain))
            plain.clear()

    def fits(self, series: list[bytes], lines: list[bytes]) -> bool:
        """Whether a text has the same series of the same types."""
        return self._series == series and all(lines[number] == line for number, line in self._types)

    def encode(self, last: list[bytes], natives: "Natives") -> bytes:
        """The messages; ``last`` has the last word of each line."""
        parts = [run.encode([float(last[number]) for number in run.numbers], natives) for run in self._runs]
        return b"".join(parts)


class Encoder:
    """Turns the texts of one scrape after the other into messages; keeps what the last one's series have in common."""

    def __init__(self) -> None:
        self._plans: dict[int, _Plan] = {}

    def encode(self, texts: "Iterable[bytes]") -> bytes:
        """The families of all texts, each message behind its length. Raises ValueError for what is no such text."""
        return b"".join([self._encoded(place, text) for place, text in enumerate(texts) if text])

    def _encoded(self, place: int, text: bytes) -> bytes:
        lines = text.split(b"\n")
        cut = [line.rpartition(b" ") for line in lines]
        series = [name for name, _, _ in cut]
        plan = self._plans.get(place)
        if plan is None or not plan.fits(series, lines):
            plan = self._plans[place] = _Plan(lines, series)
        natives = text.natives() if isinstance(text, Text) else {}
        return plan.encode([word for _, _, word in cut], natives)
