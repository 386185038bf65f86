"""Receipts: what a label needs to know of its prediction, signed by the process that made it.

A receipt is text, ``BODY.MAC``, each base64url without padding. The body is a JSON list::

    ["shop", "credit", "3", "a1", 1764230400000000, "yes", 810, {"country": "fr"}]

project, model, version, id, time in microseconds, predicted class (or null), its score in thousandths (or null) and
segment. The MAC is the first 16 bytes of HMAC-SHA-256 (RFC 2104, section 5 allows half) under the project's key, over
``tocsin receipt 1`` and a line feed, and the body as it is written. Whoever has no key can neither make nor change one.
"""

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_BYTES = 4_096
SCORE_STEPS = 1_000
MAC_BYTES = 16
SHORTEST_KEY = 32
_PREFIX = b"tocsin receipt 1\n"


class ReceiptError(ValueError):
    """A receipt is refused: a stable code, and a sentence."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Receipt:
    """What a receipt says. ``score`` is in thousandths."""

    __slots__ = ("id", "label", "model", "project", "score", "segment", "time_us", "version")

    def __init__(
        self,
        project: str,
        model: str,
        version: str,
        id: str,
        time_us: int,
        label: str | None = None,
        score: int | None = None,
        segment: "Mapping[str, str] | None" = None,
    ) -> None:
        self.project = project
        self.model = model
        self.version = version
        self.id = id
        self.time_us = time_us
        self.label = label
        self.score = score
        self.segment = dict(segment or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Receipt) and self._body() == other._body()

    __hash__ = None  # type: ignore[assignment]  # its segment can be changed

    def __repr__(self) -> str:
        return f"Receipt{tuple(self._body())}"

    def _body(self) -> list[object]:
        return [
            self.project, self.model, self.version, self.id, self.time_us, self.label, self.score, self.segment,
        ]  # fmt: skip

    def mint(self, key: bytes) -> str:
        """Sign it. Raises ValueError when it would be longer than ``MAX_BYTES``."""
        body = json.dumps(self._body(), separators=(",", ":"), ensure_ascii=False).encode()
        token = f"{_text(body)}.{_text(_mac(key, body))}"
        if len(token) > MAX_BYTES:
            raise ValueError(f"a receipt has at most {MAX_BYTES} bytes, this one {len(token)}: shorten id or segment")
        return token


def read(token: str) -> Receipt:
    """What a receipt says, unchecked: for those that were checked before. Raises ReceiptError."""
    return _parse(_split(token)[0])


def verified(token: str, keys: "Iterable[bytes]") -> Receipt:
    """What a receipt says if one of the project's keys signed it. Raises ReceiptError."""
    import hmac

    body, mac = _split(token)
    if not any(hmac.compare_digest(mac, _mac(key, body)) for key in keys):
        raise ReceiptError("receipt_forged", "receipt: it is not signed with a key of this project")
    return _parse(body)


def read_keys(text: str) -> dict[str, list[bytes]]:
    """Keys by project, of a file with a project and a key a line. Raises ValueError that names the line.

    A project may have several: the first one signs, all of them verify, so a key is replaced without a gap.
    """
    keys: dict[str, list[bytes]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        project, _, key = line.strip().rpartition(" ")
        if not project or len(key) < SHORTEST_KEY:
            raise ValueError(
                f"line {number}: a project, a space, a key of at least {SHORTEST_KEY} characters are needed, "
                "such as `openssl rand -hex 32` prints"
            )
        keys.setdefault(project.strip(), []).append(key.encode())
    return keys


def _mac(key: bytes, body: bytes) -> bytes:
    import hmac

    return hmac.digest(key, _PREFIX + body, "sha256")[:MAC_BYTES]


def _split(token: str) -> tuple[bytes, bytes]:
    if len(token) > MAX_BYTES:
        raise _malformed(f"at most {MAX_BYTES} characters, found {len(token)}")
    body, _, mac = token.partition(".")
    found = _bytes(body), _bytes(mac)
    if len(found[1]) != MAC_BYTES:
        raise _malformed(f"BODY.MAC with a MAC of {MAC_BYTES} bytes is needed; was it cut off?")
    return found


def _parse(body: bytes) -> Receipt:
    try:
        fields = json.loads(body)
        sound = _is_sound(*fields)
    except (ValueError, TypeError, RecursionError):
        sound = False
    if not sound:
        raise _malformed("its body is none of this version")
    return Receipt(*fields)


def _is_sound(*fields: object) -> bool:
    *texts, time_us, label, score, segment = fields
    return (
        len(texts) == 4
        and all(isinstance(text, str) for text in texts)
        and type(time_us) is int
        and 0 <= time_us < 1 << 53
        and isinstance(label, str | None)
        and (score is None or (type(score) is int and 0 <= score <= SCORE_STEPS))
        and isinstance(segment, dict)
        and all(isinstance(value, str) for value in segment.values())
    )


def _text(raw: bytes) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    from base64 import b64decode

    try:
        raw = b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        raise _malformed("base64url is needed") from None
    if _text(raw) != text:  # bits of the last character that say nothing: one receipt has one spelling
        raise _malformed("base64url is needed")
    return raw


def _malformed(reason: str) -> ReceiptError:
    return ReceiptError("receipt_malformed", f"receipt: {reason}")
