"""A client of D-Bus, as much of it as asking needs: method calls with strings, and replies of any type.

The specification is D-Bus' own (dbus.freedesktop.org/doc/dbus-specification.html). Who imports this file pays for
`socket` and `struct`.
"""

import os
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    Call: TypeAlias = tuple[str, str, str, tuple[str, ...]]
    """Path, interface, member and the arguments, which are all strings."""

CALL, REPLY, ERROR = 1, 2, 3
PATH, INTERFACE, MEMBER, REPLY_SERIAL, DESTINATION, SIGNATURE = 1, 2, 3, 5, 6, 8
FIXED = {"y": "B", "b": "I", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d", "h": "I"}
"""Types of a fixed size, by their letter in struct's language; each is aligned to its size."""
MOST_BYTES = 1 << 27
DEEPEST = 64
ABREAST = 32
"""Calls that are under way at once: so few fit the buffers between, whoever reads first."""
TIMEOUT_S = 5.0


class DbusError(OSError):
    """The bus, or who is asked through it, answers with an error or with nonsense."""


def call(serial: int, destination: str, what: "Call") -> bytes:
    """One method call as a message."""
    path, interface, member, arguments = what
    body = bytearray()
    for argument in arguments:
        _align(body, 4)
        body += _string(argument)
    fields = [(PATH, "o", path), (DESTINATION, "s", destination), (INTERFACE, "s", interface), (MEMBER, "s", member)]
    header = bytearray(struct.pack("<BBBBII", ord("l"), CALL, 0, 1, len(body), serial) + bytes(4))
    for code, type, value in fields:
        _align(header, 8)
        header += bytes([code, 1, ord(type), 0]) + _string(value)
    if arguments:
        _align(header, 8)
        signature = b"s" * len(arguments)
        header += bytes([SIGNATURE, 1, ord("g"), 0, len(signature)]) + signature + b"\0"
    struct.pack_into("<I", header, 12, len(header) - 16)
    _align(header, 8)
    return bytes(header + body)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def _align(data: bytearray, size: int) -> None:
    data += bytes(-len(data) % size)


class Reader:
    """Takes values from a message. Raises ValueError where it is torn."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data = data
        self._order = order
        self._at = 0

    def values(self, signature: str, depth: int = 0) -> "list[Any]":
        """One value for each whole type of a signature."""
        found = []
        while signature:
            one, signature = whole(signature)
            found.append(self._value(one, depth))
        return found

    def _value(self, type: str, depth: int) -> "Any":
        if depth > DEEPEST:
            raise ValueError("a message nested too deep")
        first = type[0]
        if first in FIXED:
            return self._fixed(FIXED[first])
        if first in "so":
            return self._text(self._fixed("I"))
        if first == "g":
            return self._text(self._fixed("B"))
        if first == "v":
            return self.values(self._text(self._fixed("B")), depth + 1)[0]
        if first == "a":
            return self._array(type[1:], depth)
        self.align(8)
        return tuple(self.values(type[1:-1], depth + 1))

    def _array(self, type: str, depth: int) -> "list[Any]":
        size = self._fixed("I")
        self.align(8 if type[0] in "({" else _alignment(type[0]))
        end = self._at + size
        if end > len(self._data):
            raise ValueError("an array longer than its message")
        found = []
        while self._at < end:
            found.append(self._value(type, depth + 1))
        return found

    def _fixed(self, letter: str) -> "Any":
        size = struct.calcsize("=" + letter)
        self.align(size)
        if self._at + size > len(self._data):
            raise ValueError("a value behind the end of its message")
        (value,) = struct.unpack_from(self._order + letter, self._data, self._at)
        self._at += size
        return value

    def _text(self, size: int) -> str:
        end = self._at + size
        if end >= len(self._data):
            raise ValueError("a text behind the end of its message")
        text = self._data[self._at : end].decode("utf-8", "replace")
        self._at = end + 1
        return text

    def align(self, size: int) -> None:
        """Go on at the next multiple of a size."""
        self._at += -self._at % size

    def rest(self) -> bytes:
        """What has not been taken."""
        return self._data[self._at :]


def _alignment(letter: str) -> int:
    if letter in FIXED:
        return struct.calcsize("=" + FIXED[letter])
    return {"s": 4, "o": 4, "a": 4}.get(letter, 1)


def whole(signature: str) -> tuple[str, str]:
    """The first whole type of a signature, and the rest. Raises ValueError when there is none."""
    end = 0
    while signature[end : end + 1] == "a":
        end += 1
    first = signature[end : end + 1]
    if first in ("(", "{"):
        depth = 0
        for index, letter in enumerate(signature[end:], end):
            depth += (letter in "({") - (letter in ")}")
            if not depth:
                if index == end + 1:
                    break
                return signature[: index + 1], signature[index + 1 :]
    elif first and first in "ybnqiuxtdhsogv":
        return signature[: end + 1], signature[end + 1 :]
    raise ValueError(f"no type: {signature[:40]!r}")


def message(data: bytes) -> "tuple[int, int, list[Any]]":
    """Kind of a whole message, the serial that it answers (0: none) and its values. Raises ValueError."""
    order = "<" if data[:1] == b"l" else ">"
    header = Reader(data, order)
    _, kind, _, _, _, _, fields = header.values("yyyyuua(yv)")
    known = dict(fields)
    header.align(8)
    body = Reader(header.rest(), order)
    return kind, int(known.get(REPLY_SERIAL, 0)), body.values(str(known.get(SIGNATURE, "")))


def length(start: bytes) -> int:
    """The size of a message by its first 16 bytes. Raises ValueError for what is none, or is too long."""
    if len(start) < 16 or start[:1] not in (b"l", b"B"):
        raise ValueError(f"a message expected, found {start[:16]!r}")
    order = "<" if start[:1] == b"l" else ">"
    body, _, fields = struct.unpack(order + "III", start[4:16])
    size: int = 16 + fields + (-fields % 8) + body
    if size > MOST_BYTES:
        raise ValueError(f"a message of {size} bytes")
    return size


class Bus:
    """A connection. Every method raises OSError, and the connection is of no use then."""

    def __init__(self, path: str) -> None:
        """``path``: the socket of the bus."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._buffer = b""
        self._serial = 0
        try:
            self._socket.settimeout(TIMEOUT_S)
            self._connect(path)
            self._authenticate()
            bus = "org.freedesktop.DBus"
            self.ask(bus, [("/org/freedesktop/DBus", bus, "Hello", ())])
        except BaseException:
            self._socket.close()
            raise

    def _connect(self, path: str) -> None:
        try:
            self._socket.connect(path)
        except OSError as error:
            raise DbusError(f"no bus at {path}: {error.strerror or error}") from None

    def _authenticate(self) -> None:
        identity = str(os.geteuid()).encode().hex()
        self._socket.sendall(b"\0AUTH EXTERNAL " + identity.encode() + b"\r\n")
        answer = b""
        while not answer.endswith(b"\r\n"):
            part = self._socket.recv(1024)
            if not part or len(answer) > 4096:
                raise DbusError(f"the bus refuses us: {answer[:80]!r}")
            answer += part
        if not answer.startswith(b"OK "):
            raise DbusError(f"the bus refuses us: {answer[:80]!r}")
        self._socket.sendall(b"BEGIN\r\n")

    def ask(self, destination: str, calls: "Iterable[Call]") -> "list[list[Any] | None]":
        """The values of each reply, in the order of the calls; None for an error."""
        found: list[list[Any] | None] = []
        batch: list[Call] = []
        for one in calls:
            batch.append(one)
            if len(batch) == ABREAST:
                found += self._ask(destination, batch)
                batch = []
        return found + self._ask(destination, batch)

    def _ask(self, destination: str, calls: "list[Call]") -> "list[list[Any] | None]":
        first = self._serial + 1
        self._serial += len(calls)
        self._socket.sendall(b"".join([call(first + n, destination, one) for n, one in enumerate(calls)]))
        replies: dict[int, list[Any] | None] = {}
        while len(replies) < len(calls):
            kind, serial, values = self._receive()
            if kind in (REPLY, ERROR) and first <= serial < first + len(calls):
                replies[serial - first] = values if kind == REPLY else None
        return [replies[n] for n in range(len(calls))]

    def _receive(self) -> "tuple[int, int, list[Any]]":
        try:
            size = length(self._fill(16))
            data = self._fill(size)[:size]
            self._buffer = self._buffer[size:]
            return message(data)
        except ValueError as error:
            raise DbusError(f"the bus sends nonsense: {error}") from None

    def _fill(self, size: int) -> bytes:
        while len(self._buffer) < size:
            part = self._socket.recv(65_536)
            if not part:
                raise DbusError("the bus has closed the connection")
            self._buffer += part
        return self._buffer

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()
