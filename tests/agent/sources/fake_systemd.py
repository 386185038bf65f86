"""A process that plays systemd on a real bus: ``fake_systemd.py SOCKET``. It says `ready`, and serves until its end.

It writes D-Bus in its own words, so that the agent's reader is not its own judge; the bus itself refuses what is wrong.
"""

import os
import socket
import struct
import sys

ROOT = "/org/freedesktop/systemd1"
UNITS = [
    ("ssh.service", "loaded", "active", "running", {"Type": "notify"}),
    ("backup.service", "loaded", "failed", "failed", {"Type": "oneshot"}),
    ("starting@a-b.service", "loaded", "activating", "start", {"Type": "simple"}),
    ("gone.service", "not-found", "inactive", "dead", {"Type": "simple"}),
    ("backup.timer", "loaded", "active", "waiting", {"LastTriggerUSec": 1_700_000_000_500_000}),
    ("ssh.socket", "loaded", "active", "listening", {"NAccepted": 7, "NConnections": 2, "NRefused": 1}),
    ("old.socket", "loaded", "inactive", "dead", {"NAccepted": 0, "NConnections": 0}),
    ("multi-user.target", "loaded", "active", "active", {}),
    ("srv.mount", "loaded", "active", "mounted", {"Type": "ext4"}),
    ("user-0.slice", "loaded", "active", "active", {}),
    *((f"worker@{n}.service", "loaded", "active", "running", {"Type": "exec"}) for n in range(40)),
]
MANAGER = {"Version": "252.39-1~deb12u2", "Virtualization": "", "SystemState": "degraded"}


def path(name: str) -> str:
    """A unit's object, escaped as systemd escapes names."""
    plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    escaped = (c if c in plain and not (i == 0 and c.isdigit()) else f"_{ord(c):02x}" for i, c in enumerate(name))
    return f"{ROOT}/unit/{''.join(escaped)}"


def pad(data: bytes, size: int) -> bytes:
    return data + bytes(-len(data) % size)


def text(data: bytes, value: str) -> bytes:
    raw = value.encode()
    return pad(data, 4) + struct.pack("<I", len(raw)) + raw + b"\0"


def variant(value: object, wide: bool) -> bytes:
    if isinstance(value, str):
        return text(b"\1s\0", value)
    return pad(b"\1t\0", 8) + struct.pack("<Q", value) if wide else pad(b"\1u\0", 4) + struct.pack("<I", value)


def list_units() -> bytes:
    array = b""
    for name, load, active, sub, _ in UNITS:
        array = pad(array, 8)
        for word in (name, f"About {name}", load, active, sub, "", path(name)):
            array = text(array, word)
        array = pad(array, 4) + struct.pack("<I", 0)  # no job
        array = text(text(array, ""), "/")
    return pad(struct.pack("<I", len(array)), 8) + array


def message(kind: int, serial: int, fields: list[tuple[int, str, object]], body: bytes) -> bytes:
    header = b""
    for code, signature, value in fields:
        header = pad(header, 8) + bytes([code, 1, ord(signature), 0])
        if signature == "u":
            header = pad(header, 4) + struct.pack("<I", value)
        elif signature == "g":
            header += bytes([len(value)]) + value.encode() + b"\0"
        else:
            header = text(header, value)
    start = struct.pack("<BBBBIII", ord("l"), kind, 1, 1, len(body), serial, len(header))
    return pad(start + header, 8) + body


def read(sock: socket.socket, buffer: bytearray) -> tuple[int, int, dict[int, str], list[str]]:
    """Kind, serial, the header's texts and the body's texts of the next message."""

    def need(size: int) -> None:
        while len(buffer) < size:
            part = sock.recv(65536)
            if not part:
                raise SystemExit(0)
            buffer.extend(part)

    need(16)
    _, kind, _, _, body, serial, length = struct.unpack_from("<BBBBIII", buffer)
    begin = 16 + length + (-length % 8)
    need(begin + body)
    fields, at = {}, 16
    while at < 16 + length:
        at += -at % 8
        code, sign = buffer[at], chr(buffer[at + 2])
        at += 4
        if sign == "g":
            fields[code] = bytes(buffer[at + 1 : at + 1 + buffer[at]]).decode()
            at += buffer[at] + 2
        else:
            (size,) = struct.unpack_from("<I", buffer, at)
            if sign != "u":
                fields[code] = bytes(buffer[at + 4 : at + 4 + size]).decode()
            at += 4 if sign == "u" else 5 + size
    words, at, data = [], 0, bytes(buffer[begin : begin + body])
    while fields.get(8, "").startswith("s") and at < len(data):
        at += -at % 4
        (size,) = struct.unpack_from("<I", data, at)
        words.append(data[at + 4 : at + 4 + size].decode())
        at += 5 + size
    del buffer[: begin + body]
    return kind, serial, fields, words


def answer(fields: dict[int, str], words: list[str]) -> tuple[str, bytes] | None:
    """Signature and body of the reply, None for an error."""
    if fields.get(3) == "ListUnits":
        return "a(ssssssouso)", list_units()
    interface, name = words
    if fields[1] == ROOT:
        return "v", variant(MANAGER[name], wide=False)
    known = {path(unit): properties for unit, *_, properties in UNITS}.get(fields[1], {})
    kind = interface.rpartition(".")[2].lower()
    there = name in known and any(path(unit) == fields[1] and unit.endswith(kind) for unit, *_ in UNITS)
    return ("v", variant(known[name], wide=name.endswith("USec"))) if there else None


def main(address: str) -> None:
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(address)
    sock.sendall(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n")
    assert sock.recv(1024).startswith(b"OK")
    sock.sendall(b"BEGIN\r\n")
    bus, place = "org.freedesktop.DBus", "/org/freedesktop/DBus"
    target = [(1, "o", place), (2, "s", bus), (6, "s", bus)]
    sock.sendall(message(1, 1, [*target, (3, "s", "Hello")], b""))
    name = pad(text(b"", "org.freedesktop.systemd1"), 4) + struct.pack("<I", 0)
    sock.sendall(message(1, 2, [*target, (3, "s", "RequestName"), (8, "g", "su")], name))
    buffer, serial = bytearray(), 2
    print("ready", flush=True)
    while True:
        kind, asked, fields, words = read(sock, buffer)
        if kind != 1:
            continue
        serial += 1
        found = answer(fields, words)
        to = [(5, "u", asked), (6, "s", fields[7])]
        if found is None:
            sock.sendall(message(3, serial, [*to, (4, "s", "org.freedesktop.DBus.Error.UnknownProperty")], b""))
        else:
            sock.sendall(message(2, serial, [*to, (8, "g", found[0])], found[1]))


if __name__ == "__main__":
    main(sys.argv[1])
