"""How much a JSON text becomes in memory, told before it is decoded.

An empty list is three bytes of text and 64 of memory, so 16 MiB could become 350. Each value but the last of its list
or object has a comma behind it, and each list and object an opening bracket: their number bounds the values, at about
90 bytes each. Those inside of texts count too, which only makes the bound earlier.
"""

MAX_VALUES = 700_000
_SMALL = MAX_VALUES // 2


def too_many_values(raw: bytes) -> bool:
    """Whether a text may hold more than MAX_VALUES values."""
    return len(raw) > _SMALL and raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MAX_VALUES
