"""OTLP's answers: an ExportLogsServiceResponse, or a google.rpc.Status for a request that failed as a whole.

A sender repeats a request on 429, 502, 503 and 504 only, and never one that succeeded in part (OTLP specification,
OTLP/HTTP response). Both messages are two fields and are written here, so that JSON senders need no package.
"""

import json

from tocsin_schema.protobuf import message, unsigned


def success(rejected: int, reason: str, *, protobuf: bool) -> bytes:
    """The answer to a request of which some records may have been refused."""
    if not rejected:
        return b"" if protobuf else b"{}"
    if not protobuf:
        return json.dumps({"partialSuccess": {"rejectedLogRecords": str(rejected), "errorMessage": reason}}).encode()
    return message(1, unsigned(1, rejected) + _text(reason))


def failure(reason: str, *, protobuf: bool) -> bytes:
    """The answer to a request of which nothing was taken."""
    return _text(reason) if protobuf else json.dumps({"message": reason}).encode()


def _text(text: str) -> bytes:
    return message(2, text.encode("utf-8", "replace"))
