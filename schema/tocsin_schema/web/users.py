"""HTTP's basic authentication (RFC 7617) against users with bcrypt hashes.

A hash takes 50 ms by design, so verdicts are remembered: under a key that this process alone has, never the passwords
themselves. What is not remembered is checked in a thread, one at a time; an unknown user costs as much as the dearest
of those that are known.
"""

import os
from _thread import allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin_schema.web.password import Check

MOST_VERDICTS = 128
NOBODY = "$2b$10$abcdefghijklmnopqrstuuAqGYQ0PzBzZVhI2ZYFzVV7dVRNCLHqS"
"""A hash that no password has in practice, for users that do not exist."""


class Users:
    """Who may come in. ``known`` is for the thread that serves, ``check`` for one that may wait."""

    def __init__(self, hashes: "Mapping[str, str]", check: "Check") -> None:
        self._hashes = {user.encode(): hash.encode() for user, hash in hashes.items()}
        self._nobody = NOBODY[:4] + max([hash[4:6] for hash in hashes.values()], default="10") + NOBODY[6:]
        self._check = check
        self._secret = os.urandom(32)
        self._verdicts: dict[bytes, bool] = {}
        self._lock = allocate_lock()

    def known(self, authorization: str) -> bool | None:
        """The verdict on an Authorization header, None when it takes a ``check``."""
        given = credentials(authorization)
        return False if given is None else self._verdicts.get(self._key(*given))

    def check(self, authorization: str) -> bool:
        """The verdict on an Authorization header, which takes a while and is remembered."""
        given = credentials(authorization)
        if given is None:
            return False
        user, password = given
        with self._lock:
            key = self._key(user, password)
            if key not in self._verdicts:
                right = self._check(password, self._hashes.get(user, self._nobody.encode()))
                if len(self._verdicts) >= MOST_VERDICTS:
                    self._forget()
                self._verdicts[key] = right and user in self._hashes
            return self._verdicts[key]

    def _forget(self) -> None:
        """Make room: a flood of wrong passwords must not cost those who have the right one their place."""
        wrong = [key for key, right in self._verdicts.items() if not right]
        for key in wrong or list(self._verdicts):
            self._verdicts.pop(key, None)

    def _key(self, user: bytes, password: bytes) -> bytes:
        from _blake2 import blake2b

        text = len(user).to_bytes(4, "big") + user + password
        return blake2b(text, key=self._secret, digest_size=32).digest()


def credentials(authorization: str) -> tuple[bytes, bytes] | None:
    """User and password of an Authorization header, None when it has none."""
    from binascii import Error, a2b_base64

    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = a2b_base64(text.strip(), strict_mode=True).partition(b":")
    except (Error, ValueError):
        return None
    return (user, password) if colon else None
