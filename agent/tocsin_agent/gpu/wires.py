"""What a GPU sent and received over PCIe and NVLink, and what went wrong on the way: all from field values.

nvmlDeviceGetPcieThroughput is not used: it measures for 20 ms and blocks as long. The byte counters of PCIe are there
from Hopper on.
"""

from tocsin_agent.gpu.fields import ALL_LINKS
from tocsin_schema.metrics.gpu import NVLINK_BYTES, NVLINK_ERRORS, PCIE_BYTES, PCIE_ERRORS, PCIE_REPLAYS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from tocsin_agent.gpu.fields import Field
    from tocsin_agent.gpu.group import Key

KIB = 1024
LINKS = range(18)
"""The most NVLinks of a GPU."""
BY_LINK = {161: "replay", 162: "recovery", 163: "crc_data"}
"""From Hopper on; of CRC errors there is one kind."""

BYTES: "dict[Field, tuple[Key, int]]" = {
    (197, 0): ((PCIE_BYTES.name, "sent"), 1),
    (198, 0): ((PCIE_BYTES.name, "received"), 1),
    (138, ALL_LINKS): ((NVLINK_BYTES.name, "sent"), KIB),
    (139, ALL_LINKS): ((NVLINK_BYTES.name, "received"), KIB),
    (202, ALL_LINKS): ((NVLINK_BYTES.name, "sent"), 1),
    (204, ALL_LINKS): ((NVLINK_BYTES.name, "received"), 1),
}
"""Fields, what they count, and in which unit; of two that count the same, the first that answers is taken."""

ERRORS: "dict[Field, Key]" = {
    (94, 0): (PCIE_REPLAYS.name,),
    (173, 0): (PCIE_ERRORS.name, "correctable"),
    (179, 0): (PCIE_ERRORS.name, "non_fatal"),
    (180, 0): (PCIE_ERRORS.name, "fatal"),
    (38, 0): (NVLINK_ERRORS.name, "crc_flit"),
    (45, 0): (NVLINK_ERRORS.name, "crc_data"),
    (52, 0): (NVLINK_ERRORS.name, "replay"),
    (59, 0): (NVLINK_ERRORS.name, "recovery"),
    (160, 0): (NVLINK_ERRORS.name, "ecc"),
    **{(number, link): (NVLINK_ERRORS.name, kind) for number, kind in BY_LINK.items() for link in LINKS},
    # Blackwell counts over all links again, and other kinds: those of the symbols are mended on the way.
    (206, ALL_LINKS): (NVLINK_ERRORS.name, "malformed"),
    (207, ALL_LINKS): (NVLINK_ERRORS.name, "overrun"),
    (208, ALL_LINKS): (NVLINK_ERRORS.name, "receive"),
    (211, ALL_LINKS): (NVLINK_ERRORS.name, "integrity"),
    (212, ALL_LINKS): (NVLINK_ERRORS.name, "discard"),
    (213, ALL_LINKS): (NVLINK_ERRORS.name, "recovery"),
    (214, ALL_LINKS): (NVLINK_ERRORS.name, "recovery_failed"),
    (219, ALL_LINKS): (NVLINK_ERRORS.name, "effective"),
    (221, ALL_LINKS): (NVLINK_ERRORS.name, "symbol"),
}


def moved(fields: "Mapping[Field, float]") -> "dict[Key, float]":
    """Bytes over each kind of wire."""
    found: dict[Key, float] = {}
    for field, (key, unit) in BYTES.items():
        if field in fields:
            found.setdefault(key, fields[field] * unit)
    return found


def failed(fields: "Mapping[Field, float]") -> "dict[Key, float]":
    """Errors by kind; links are summed, and what the GPU counts over all links goes before."""
    linked: dict[Key, float] = {}
    for field, key in ERRORS.items():
        if field in fields and field[0] in BY_LINK:
            linked[key] = linked.get(key, 0.0) + fields[field]
    return linked | {key: fields[field] for field, key in ERRORS.items() if field in fields and field[0] not in BY_LINK}
