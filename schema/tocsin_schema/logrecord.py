"""Log records: flat ECS documents, one JSON object a line, with an id that re-reading cannot change.

The id names the line, not the file's name or inode, which both change under rotation: 16 hex digits of the SHA-256 of
the file's first line, the line's offset (10 hex digits) and the CRC-32 of the line (8). A copy made by copytruncate
gives the same ids; the crc keeps two files with equal first lines from swallowing each other's lines.
"""

import hashlib
import zlib

MEDIA_TYPE = "application/x-ndjson"
REQUIRED = ("@timestamp", "message")
LEVELS = ("debug", "info", "warning", "error", "critical")
MAX_MESSAGE = 65_536
MAX_ID = 64

FIELDS = {
    "@timestamp": "time of the event, RFC 3339, UTC",
    "message": "the line as it was written, without its end",
    "event.id": "the record's id; the same id twice is one record",
    "event.dataset": "what wrote it, lower case; the middle part of the data stream's name",
    "data_stream.namespace": "the last part of the data stream's name",
    "host.name": "the host that read it",
    "service.name": "the service that wrote it",
    "log.level": "debug, info, warning, error or critical",
    "log.file.path": "the file it was read from",
    "log.offset": "its first byte in that file",
    "log.flags": "`truncated` when the line was longer than MAX_MESSAGE and was cut",
    "trace.id": "W3C trace id, 32 hex digits",
}
"""The fields that tocsin writes; others are kept as they come."""


def file_key(first_line: bytes) -> str:
    """16 hex digits that name a file by its content: of the first line, without its end."""
    return hashlib.sha256(first_line).hexdigest()[:16]


def line_id(key: str, offset: int, line: bytes) -> str:
    """The id of one line (without its end) at a byte offset of the file named by ``file_key``."""
    return f"{key}{offset:010x}{zlib.crc32(line):08x}"
