"""How large an Arrow IPC message becomes when its buffers are decompressed, told from its header alone.

pyarrow decompresses each buffer to the length that the buffer itself states, and asks nobody: a message of a few
kilobytes may take gigabytes. The header is a flatbuffer (Message.fbs of Apache Arrow, format 1.5), of which only the
tables on the way to that length are read here. A flatbuffer's table begins with the distance back to its vtable, which
has the place of each field, 0 for one that is absent.
"""

import struct

_DICTIONARY, _RECORD_BATCH = 2, 3  # MessageHeader
_HEADER_TYPE, _HEADER = 1, 2  # fields of Message
_DATA = 1  # of DictionaryBatch
_BUFFERS, _COMPRESSION = 2, 3  # of RecordBatch


def inflated_bytes(metadata: bytes, body: memoryview) -> int:
    """Bytes of a message's buffers after decompression. Raises ValueError when the header is none."""
    try:
        return _inflated(metadata, body)
    except (struct.error, IndexError) as error:
        raise ValueError(f"a message's header points outside of itself: {error}") from None


def _inflated(raw: bytes, body: memoryview) -> int:
    message = _follow(raw, 0)
    kind, at = _field(raw, message, _HEADER_TYPE), _field(raw, message, _HEADER)
    if kind is None or at is None or raw[kind] not in (_DICTIONARY, _RECORD_BATCH):
        return len(body)
    batch = _follow(raw, at)
    if raw[kind] == _DICTIONARY:
        data = _field(raw, batch, _DATA)
        if data is None:
            return len(body)
        batch = _follow(raw, data)
    buffers = _field(raw, batch, _BUFFERS)
    if _field(raw, batch, _COMPRESSION) is None or buffers is None:
        return len(body)
    return _stated(raw, _follow(raw, buffers), body)


def _stated(raw: bytes, vector: int, body: memoryview) -> int:
    """The sum of the lengths at the beginning of each buffer; -1 stands before one that was left as it is."""
    (count,) = struct.unpack_from("<I", raw, vector)
    total = 0
    for number in range(min(count, len(raw) // 16)):
        offset, length = struct.unpack_from("<qq", raw, vector + 4 + 16 * number)
        if length >= 8:
            (stated,) = struct.unpack_from("<q", body, _inside(offset))
            total += length if stated == -1 else max(stated, 0)
    return total


def _follow(raw: bytes, at: int) -> int:
    (distance,) = struct.unpack_from("<I", raw, _inside(at))
    return at + int(distance)


def _field(raw: bytes, table: int, number: int) -> int | None:
    (back,) = struct.unpack_from("<i", raw, _inside(table))
    vtable = _inside(table - back)
    (size,) = struct.unpack_from("<H", raw, vtable)
    if 4 + 2 * number >= size:
        return None
    (offset,) = struct.unpack_from("<H", raw, vtable + 4 + 2 * number)
    return table + offset if offset else None


def _inside(at: int) -> int:
    if at < 0:
        raise IndexError(f"place {at}")
    return at
