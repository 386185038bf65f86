"""Bodies made small: gzip through zlib; zstd through the system's libzstd, where a client asks for it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from zlib import _Compress

LIBRARY = "libzstd.so.1"
LEVEL = 1


GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""RFC 1952: deflate, no name, no time, the fastest algorithm, an unknown system."""


def gzip(pieces: "Iterable[tuple[bytes, bytes]]") -> bytes:
    """The pieces of a body as gzip, each with its own blocks, if they are known already (``blocks``), or b"".

    Level 1, and a window of 8 KiB, which is enough for lines that resemble their neighbours.
    """
    from zlib import Z_FULL_FLUSH, crc32

    packer, found, size, check, open = _packer(), [GZIP_HEAD], 0, 0, False
    for text, known in pieces:
        size, check = size + len(text), crc32(text, check)
        if known and open:
            found.append(packer.flush(Z_FULL_FLUSH))
        found.append(known or packer.compress(text))
        open = not known
    return b"".join([*found, packer.flush(), check.to_bytes(4, "little"), size.to_bytes(4, "little")])


def blocks(text: bytes) -> bytes:
    """A text in blocks that can stand anywhere in a stream: they end at a byte, and refer to nothing before them."""
    from zlib import Z_FULL_FLUSH

    packer = _packer()
    return packer.compress(text) + packer.flush(Z_FULL_FLUSH)


def _packer() -> "_Compress":
    from zlib import DEFLATED, compressobj

    return compressobj(1, DEFLATED, -13, 6)


_zstd: "list[Callable[[bytes], bytes] | None]" = []


def zstd() -> "Callable[[bytes], bytes] | None":
    """What makes a body zstd (RFC 8878), None where the library is missing. ctypes is loaded for who asks first."""
    if not _zstd:
        _zstd.append(_bound(LIBRARY))
    return _zstd[0]


def _bound(library: str) -> "Callable[[bytes], bytes] | None":
    """One call of ``ZSTD_compress``, the simple API of zstd.h, which every version has."""
    from ctypes import CDLL, c_char_p, c_int, c_size_t, c_uint, create_string_buffer

    try:
        functions = CDLL(library)
    except OSError:
        return None
    bound, compress, is_error = functions.ZSTD_compressBound, functions.ZSTD_compress, functions.ZSTD_isError
    bound.argtypes, bound.restype = [c_size_t], c_size_t
    compress.argtypes, compress.restype = [c_char_p, c_size_t, c_char_p, c_size_t, c_int], c_size_t
    is_error.argtypes, is_error.restype = [c_size_t], c_uint

    def packed(body: bytes) -> bytes:
        buffer = create_string_buffer(bound(len(body)))
        size = compress(buffer, len(buffer), body, len(body), LEVEL)
        if is_error(size):
            raise OSError(f"{library} cannot compress {len(body)} bytes")
        return buffer.raw[:size]

    return packed
