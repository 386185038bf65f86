"""Passwords against bcrypt hashes: by the C library's own crypt(3) where it knows bcrypt, else by the package bcrypt.

libxcrypt (Debian, Fedora, SUSE, Arch) and musl know it, so nothing has to be installed there. One hash takes 50 ms and
more, by design, and the interpreter's lock is free meanwhile.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Check: TypeAlias = Callable[[bytes, bytes], bool]
    """``check(password, hash)``"""

LIBRARIES = ("libcrypt.so.1", "libcrypt.so.2", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1")
KNOWN = b"tocsin", b"$2b$04$i6KZeFADfExQtb6cPACcBOccU.LKB4y1/zAAc9a4ehr.RBQRb77AO"
LONGEST_BYTES = 72
"""What bcrypt looks at of a password."""
CRYPT_DATA_BYTES = 1 << 18
"""More than any library's ``struct crypt_data``: 32 KiB, 131 KiB in old glibc."""


def fault(hash: str) -> str:
    """What is wrong with a hash, "" when nothing is."""
    kind, cost, rest = hash[:4], hash[4:7], hash[7:]
    alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    if kind not in ("$2a$", "$2b$", "$2y$") or not cost[:2].isdigit() or cost[2:] != "$":
        return "a bcrypt hash expected, as `htpasswd -nBC 10 NAME` prints it"
    if not 4 <= int(cost[:2]) <= 31:
        return f"a bcrypt hash of a cost from 4 to 31 expected, found {cost[:2]}"
    if len(rest) != 53 or rest.strip(alphabet):
        return f"a bcrypt hash of 60 characters expected, found {len(hash)}: it was cut, or changed by a shell"
    return ""


def checker() -> "Check | None":
    """What checks a password on this host, None when nothing here knows bcrypt."""
    for library in LIBRARIES:
        check = by_crypt(library)
        if check and check(*KNOWN):
            return check
    return by_package()


def by_crypt(library: str) -> "Check | None":
    """``crypt_r`` of a C library; None where there is no such library."""
    from ctypes import CDLL, c_char_p, c_void_p, create_string_buffer

    try:
        crypt_r = CDLL(library).crypt_r
    except (OSError, AttributeError):
        return None
    crypt_r.argtypes, crypt_r.restype = [c_char_p, c_char_p, c_void_p], c_char_p

    def check(password: bytes, hash: bytes) -> bool:
        if b"\0" in password:
            return False  # where the library would see its end
        data = create_string_buffer(CRYPT_DATA_BYTES)
        found = crypt_r(password[:LONGEST_BYTES], hash, data)
        return found is not None and _same(found, hash)

    return check


def by_package() -> "Check | None":
    """The package bcrypt; None where it is not installed."""
    try:
        bcrypt = __import__("bcrypt")  # by name: no dependency, only for who has it
    except ImportError:
        return None

    def check(password: bytes, hash: bytes) -> bool:
        return b"\0" not in password and bool(bcrypt.checkpw(password[:LONGEST_BYTES], hash))

    return check


def _same(left: bytes, right: bytes) -> bool:
    """Equal, in a time that does not tell where they differ."""
    from _operator import _compare_digest

    return _compare_digest(left, right)
