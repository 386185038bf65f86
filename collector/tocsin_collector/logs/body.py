"""A request's body as lines, with a bound on what is received and on what gzip makes of it."""

import zlib
from collections.abc import AsyncIterator


class BodyError(Exception):
    """A body that is not read. ``status`` is the answer's: 400, 413 or 415."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code


async def read(chunks: AsyncIterator[bytes], encoding: str, max_body: int, max_decompressed: int) -> bytes:
    """The whole body. Raises BodyError before it holds more than a bound."""
    if encoding not in ("", "identity", "gzip"):
        raise BodyError(415, "encoding", f"Content-Encoding {encoding!r:.40}: gzip or none expected")
    raw = bytearray()
    async for chunk in chunks:
        raw += chunk
        if len(raw) > max_body:
            raise BodyError(413, "too_large", f"the body has more than {max_body} bytes")
    return gunzip(bytes(raw), max_decompressed) if encoding == "gzip" else bytes(raw)


def gunzip(data: bytes, limit: int) -> bytes:
    """What a gzip body holds, members joined. Raises BodyError at ``limit`` bytes, on damage, and when it is cut
    short."""
    out = bytearray()
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            out += member.decompress(data, limit - len(out) + 1)
        except zlib.error as error:
            raise BodyError(400, "gzip", f"the body is no gzip: {error}") from None
        if len(out) > limit:
            raise BodyError(413, "too_large", f"the body has more than {limit} bytes after gzip")
        if not member.eof:
            raise BodyError(400, "gzip", "the gzip body ends early")
        data = member.unused_data
    return bytes(out)
