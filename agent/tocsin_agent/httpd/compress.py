"""Bodies made small: gzip through zlib; zstd through the system's libzstd, where a client asks for it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARY = "libzstd.so.1"
LEVEL = 1


def gzip(body: bytes) -> bytes:
    """The body as gzip: level 1, and a window of 4 KiB, which is enough for lines that resemble their neighbours.

    The usual 32 KiB take 256 KiB of fresh memory a response, and a third more time, for the same bytes.
    """
    import zlib

    packer = zlib.compressobj(1, zlib.DEFLATED, 28, 6)
    return packer.compress(body) + packer.flush()


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
