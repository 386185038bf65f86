"""Energy that CPUs and their memory used, from /sys/class/powercap (Documentation/power/powercap/powercap.rst).

The kernel counts microjoules: they leave as text with the exponent ``e-6``. Only root may read them since Linux 5.10
(CVE-2020-8694), or who was given the right. A read costs about 5 us a zone.
"""

from tocsin_agent.kernelfile import entries, text
from tocsin_agent.readings import Reading, Readings, exponent
from tocsin_schema.metrics.rapl import METRICS, ZONES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

MICRO = exponent(b"e-6")


def split(name: str) -> tuple[str, str]:
    """The kind of a zone and its number, "" without one: ``package-1`` is a package."""
    kind, dash, number = name.rpartition("-")
    return (kind, str(int(number))) if dash and number.isdecimal() and "-" not in kind else (name, "")


class Rapl:
    """``node_rapl_*``; nothing on a host that does not count energy."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._folder = f"{values['sysfs']}/class/powercap"
        self._readings = Readings(self._find)

    def read(self) -> bytes:
        """One read a zone."""
        return self._readings.text()

    def _find(self) -> list[Reading]:
        found, counts = [], dict.fromkeys(ZONES, 0)
        for zone in entries(self._folder):
            kind, index = split(text(f"{self._folder}/{zone}/name"))
            if kind not in ZONES:
                continue
            labels = {"index": index or str(counts[kind]), "path": f"{self._folder}/{zone}"}
            counts[kind] = int(labels["index"]) + 1
            found.append(Reading(ZONES[kind], labels, f"{self._folder}/{zone}/energy_uj", MICRO))
        return found

    def close(self) -> None:
        """Let go of the files."""
        self._readings.close()


SOURCE = Rapl
