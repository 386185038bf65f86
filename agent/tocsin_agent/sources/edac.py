"""Memory errors by controller and row, from /sys/devices/system/edac/mc (Documentation/admin-guide/RAS/main.rst).

Nothing where no driver for the memory controller is loaded. The files are counters in memory: about 3 us each.
"""

from tocsin_agent.kernelfile import numbered
from tocsin_agent.readings import Reading, Readings
from tocsin_schema.metrics.edac import CORRECTABLE, METRICS, ROW_CORRECTABLE, ROW_UNCORRECTABLE, UNCORRECTABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

UNKNOWN = "unknown"
"""The row of the errors that no row could be blamed for."""


class Edac:
    """``node_edac_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._folder = f"{values['sysfs']}/devices/system/edac/mc"
        self._rows = values["profile"] != "summary"
        self._readings = Readings(self._find)

    def read(self) -> bytes:
        """One read a counter."""
        return self._readings.text()

    def _find(self) -> list[Reading]:
        found = []
        for controller in numbered(self._folder, "mc"):
            folder, labels = f"{self._folder}/mc{controller}", {"controller": controller}
            found.append(Reading(CORRECTABLE, labels, f"{folder}/ce_count"))
            found.append(Reading(UNCORRECTABLE, labels, f"{folder}/ue_count"))
            rows = [(UNKNOWN, folder, "noinfo_count")] if self._rows else []
            rows += [(row, f"{folder}/csrow{row}", "count") for row in numbered(folder, "csrow") if self._rows]
            for row, path, file in rows:
                found.append(Reading(ROW_CORRECTABLE, labels | {"csrow": row}, f"{path}/ce_{file}"))
                found.append(Reading(ROW_UNCORRECTABLE, labels | {"csrow": row}, f"{path}/ue_{file}"))
        return found

    def close(self) -> None:
        """Let go of the files."""
        self._readings.close()


SOURCE = Edac
