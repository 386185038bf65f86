"""Personal data in a text: mail addresses, telephone numbers, cards, IBANs, IP addresses. It is only counted.

Cards pass Luhn's check (ISO/IEC 7812-1), IBANs their own (ISO 13616); telephone numbers need a ``+`` or a form with
separators, so that dates and amounts are none. A pattern finds candidates in time linear to the text (RE2).
"""

from collections.abc import Callable, Iterator
from ipaddress import ip_address

from tocsin_collector.quality.pattern import pattern

KINDS = "mail", "phone", "card", "iban", "ip"
MOST_FOUND = 32
"""Candidates of a kind that are looked at."""


def private(text: str) -> Iterator[str]:
    """The kinds of personal data that a text holds."""
    for kind, (candidate, holds) in _PATTERNS.items():
        if any(holds(found) for found in pattern(candidate).all(text, MOST_FOUND)):
            yield kind


def _is_card(text: str) -> bool:
    digits = [int(character) for character in text if character.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [
        digit if at % 2 == 0 else (digit * 2 - 9 if digit > 4 else digit * 2) for at, digit in enumerate(digits[::-1])
    ]
    return sum(doubled) % 10 == 0


def _is_iban(text: str) -> bool:
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def _is_phone(text: str) -> bool:
    return 8 <= sum(character.isdigit() for character in text) <= 15


def _is_ip(text: str) -> bool:
    try:
        return not ip_address(text).is_loopback
    except ValueError:
        return False


def _always(_: str) -> bool:
    return True


_PHONE = (
    r"(?:\+\d{1,3}[ .\-]?(?:\(\d{1,4}\)[ .\-]?)?\d{1,4}(?:[ .\-]?\d{2,4}){2,4}"
    r"|\(\d{2,4}\) ?\d{3,4}[ .\-]?\d{3,4}|\b0\d{1,4}[ /]\d{2,4}(?:[ .\-]?\d{2,4}){1,3})\b"
)
_PATTERNS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "mail": (r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24}", _always),
    "phone": (_PHONE, _is_phone),
    "card": (r"\b\d{4}(?:[ -]?\d{4}){2}[ -]?\d{1,7}\b|\b3\d{3}[ -]?\d{6}[ -]?\d{5}\b", _is_card),
    "iban": (r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", _is_iban),
    "ip": (r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){3,7}", _is_ip),
}
