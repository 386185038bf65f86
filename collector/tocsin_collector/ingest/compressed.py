"""Bodies that came compressed (gzip, or Zstandard with an extra), decompressed within bounds.

What counts is the size, not the ratio: a small body that becomes 32 MiB is a bomb or a good column of zeros, and both
cost the same. Zstandard's window is what it costs beside its output: 8 MiB, as RFC 8878 advises.
"""

import zlib
from collections.abc import Callable
from typing import Any

from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.package import package

MAX_WINDOW_BYTES = 8 << 20
_STEP = 256
"""zstandard takes no bound of what it gives back. A block of at least 4 bytes becomes 128 KiB at most: 8 MiB a step."""


def gunzip(pieces: list[bytes], most: int) -> bytes:
    """Decompress gzip, one member or several, but never to more than ``most`` bytes."""
    found: list[bytes] = []
    left = most
    decoder = zlib.decompressobj(wbits=31)
    begun = False
    for piece in pieces:
        while piece:
            if decoder.eof:
                decoder = zlib.decompressobj(wbits=31)
            begun = True
            try:
                chunk = decoder.decompress(piece, left + 1)
            except zlib.error as error:
                raise Refusal(400, "malformed_gzip", f"the body is no gzip: {error}") from None
            left -= len(chunk)
            if left < 0:
                raise Refusal(413, "too_large", f"more than {most} bytes after gzip; send less in one request")
            found.append(chunk)
            piece = decoder.unused_data if decoder.eof else decoder.unconsumed_tail  # noqa: PLW2901 - what is left
    if not begun or not decoder.eof:
        raise Refusal(400, "malformed_gzip", "the gzip data ends too early")
    return b"".join(found)


def unzstd(pieces: list[bytes], most: int) -> bytes:
    """Decompress Zstandard, one frame or several, but never to more than ``most`` bytes (and a step)."""
    zstandard = package("zstandard", "zstd", "content-encoding zstd")
    frames = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    found: list[bytes] = []
    left = most
    decoder: Any = None
    for piece in pieces:
        at = 0
        while at < len(piece):
            if decoder is None or decoder.eof:
                decoder = frames.decompressobj()
            step = piece[at : at + _STEP]
            try:
                chunk = decoder.decompress(step)
            except zstandard.ZstdError as error:
                raise Refusal(400, "malformed_zstd", f"the body is no Zstandard: {error}"[:200]) from None
            at += len(step) - len(decoder.unused_data)
            left -= len(chunk)
            if left < 0:
                raise Refusal(413, "too_large", f"more than {most} bytes after zstd; send less in one request")
            found.append(chunk)
    if decoder is None or not decoder.eof:
        raise Refusal(400, "malformed_zstd", "the Zstandard data ends too early")
    return b"".join(found)


DECODERS: dict[bytes, Callable[[list[bytes], int], bytes]] = {b"gzip": gunzip, b"zstd": unzstd}
