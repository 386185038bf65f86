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

BYTES: "dict[Field, tuple[Key, int]]" = {
    (197, 0): ((PCIE_BYTES.name, "sent"), 1),
    (198, 0): ((PCIE_BYTES.name, "received"), 1),
    (138, ALL_LINKS): ((NVLINK_BYTES.name, "sent"), KIB),
    (139, ALL_LINKS): ((NVLINK_BYTES.name, "received"), KIB),
}
"""Fields, what they count, and in which unit."""

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
    # Hopper and later count by link, and one kind of CRC error.
    **{(161, link): (NVLINK_ERRORS.name, "replay") for link in LINKS},
    **{(162, link): (NVLINK_ERRORS.name, "recovery") for link in LINKS},
    **{(163, link): (NVLINK_ERRORS.name, "crc_data") for link in LINKS},
}


def moved(fields: "Mapping[Field, float]") -> "dict[Key, float]":
    """Bytes over each kind of wire."""
    return {key: fields[field] * unit for field, (key, unit) in BYTES.items() if field in fields}


def failed(fields: "Mapping[Field, float]") -> "dict[Key, float]":
    """Errors by kind; links are summed, and the older counters of the whole GPU go before."""
    found: dict[Key, float] = {}
    whole = {key for field, key in ERRORS.items() if field in fields and field[0] < 161}
    for field, key in ERRORS.items():
        if field in fields and (field[0] < 161 or key not in whole):
            found[key] = found.get(key, 0.0) + fields[field]
    return found
