"""Counts as bits: of each thirty-two in a row the smallest, then how much larger the others are, as narrow as the
largest of them allows. The same bytes from every machine; those of general compression change with its version.

A byte with the width of each block comes first, then the blocks' bits, the narrow ones in front.
"""

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
_POWERS = np.uint64(1) << np.arange(63, dtype=np.uint64)

Whole = NDArray[np.int64]


def pack(values: Whole) -> bytes:
    """The bytes of whole numbers from 0 to 2^63 - 1."""
    padded = np.append(values, np.zeros(-len(values) % BLOCK, np.int64)).reshape(-1, BLOCK)
    lows = padded.min(axis=1, initial=np.iinfo(np.int64).max)
    return _pack(lows) + _pack((padded - lows[:, None]).ravel())


def unpack(raw: bytes, count: int) -> tuple[Whole, bytes]:
    """So many numbers from the front, and the bytes that follow them. Raises ValueError where they end too soon."""
    blocks = -(-count // BLOCK)
    lows, rest = _unpack(raw, blocks)
    above, rest = _unpack(rest, blocks * BLOCK)
    return (above.reshape(-1, BLOCK) + lows[:, None]).ravel()[:count], rest


def _pack(values: Whole) -> bytes:
    padded = np.zeros(-(-len(values) // BLOCK) * BLOCK, np.uint64)
    padded[: len(values)] = values
    blocks = padded.reshape(-1, BLOCK)
    widths = np.searchsorted(_POWERS, blocks.max(axis=1, initial=0), "right")
    parts = [widths.astype(np.uint8).tobytes()]
    for width in np.unique(widths[widths > 0]).tolist():
        bits = blocks[widths == width, :, None] >> np.arange(width, dtype=np.uint64) & np.uint64(1)
        parts.append(np.packbits(bits.astype(np.uint8)).tobytes())
    return b"".join(parts)


def _unpack(raw: bytes, count: int) -> tuple[Whole, bytes]:
    head = -(-count // BLOCK)
    widths = np.frombuffer(raw[:head], np.uint8)
    sizes = widths.astype(np.int64) * (BLOCK // 8)
    end = head + int(sizes.sum())
    if len(widths) < head or len(raw) < end or (widths > 63).any():
        raise ValueError(f"{count} counts do not end within {len(raw)} bytes")
    blocks = np.zeros((head, BLOCK), np.int64)
    at = head
    for width in np.unique(widths[widths > 0]).tolist():
        size = int(sizes[widths == width].sum())
        bits = np.unpackbits(np.frombuffer(raw[at : at + size], np.uint8)).reshape(-1, BLOCK, width)
        blocks[widths == width] = bits.astype(np.int64) @ (1 << np.arange(width, dtype=np.int64))
        at += size
    return blocks.reshape(-1)[:count], raw[end:]


def folded(values: Whole) -> Whole:
    """Signed numbers as unsigned ones, small where they were near 0: 0, -1, 1, -2, 2…"""
    return (values << 1) ^ (values >> 63)


def unfolded(values: Whole) -> Whole:
    """What ``folded`` took."""
    return (values >> 1) ^ -(values & 1)
