"""The power of CPUs, from the energy counters of /sys/class/powercap (Documentation/power/powercap/powercap.rst).

Only root may read them since Linux 5.10 (CVE-2020-8694), or who was given the right. A read costs about 5 us a package.
"""

from os import R_OK, access

from tocsin_agent.kernelfile import entries, integer, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.sampling.kind import Found


def found(sysfs: object) -> "Found":
    """The packages by the number behind their name; the zones inside of one (core, dram) are in it, or beside it."""
    folder = f"{sysfs}/class/powercap"
    names = {zone: text(f"{folder}/{zone}/name") for zone in entries(folder)}
    files = {
        name.removeprefix("package-"): f"{folder}/{zone}/energy_uj"
        for zone, name in names.items()
        if name.startswith("package-") and ":" in zone and not zone.startswith("intel-rapl-mmio")
    }
    return {package: [file] for package, file in files.items() if access(file, R_OK)}


def counts(contents: list[bytes]) -> list[int]:
    """Microjoules. The counter begins anew every few minutes; a look in which it did tells nothing."""
    return [int(integer(contents[0]))]
