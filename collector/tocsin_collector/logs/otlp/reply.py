"""OTLP's answers: an ExportLogsServiceResponse, or a google.rpc.Status for a request that failed as a whole.

A sender repeats a request on 429, 502, 503 and 504 only, and never one that succeeded in part (OTLP specification,
OTLP/HTTP response). Both messages are two fields and are written here, so that JSON senders need no package.
"""

import json


def success(rejected: int, reason: str, *, protobuf: bool) -> bytes:
    """The answer to a request of which some records may have been refused."""
    if not rejected:
        return b"" if protobuf else b"{}"
    if not protobuf:
        return json.dumps({"partialSuccess": {"rejectedLogRecords": str(rejected), "errorMessage": reason}}).encode()
    partial = b"\x08" + _varint(rejected) + _text(0x12, reason)
    return b"\x0a" + _varint(len(partial)) + partial


def failure(reason: str, *, protobuf: bool) -> bytes:
    """The answer to a request of which nothing was taken."""
    return _text(0x12, reason) if protobuf else json.dumps({"message": reason}).encode()


def _text(tag: int, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return bytes([tag]) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
