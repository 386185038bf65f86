"""InfiniBand and RoCE ports, from /sys/class/infiniband (Documentation/ABI/stable/sysfs-class-infiniband).

A driver asks the device's firmware for its counters, which may keep it waiting for a minute: each device is read aside.
"""

from tocsin_agent.kernelfile import entries, integer, text
from tocsin_agent.later import Later
from tocsin_agent.readings import Reading, Readings, fixed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values
    from tocsin_schema.metric import Metric

LANES = 4
"""Data are counted in words of four octets, one a lane."""
WRAP = 1 << 64
GIGABIT_BYTES = 125_000_000
DATA = frozenset({"port_rcv_data", "port_xmit_data", "port_rcv_data_64", "port_xmit_data_64"})
WITH_HARDWARE_COUNTERS = ("mlx5_", "irdma")
KEPT_IN_SUMMARY = frozenset({"port_rcv_data", "port_xmit_data", "link_downed", "symbol_error", "port_xmit_wait"})


def words(data: bytes) -> bytes:
    """A count of words, in octets."""
    return b"%d" % (int(integer(data)) * LANES % WRAP)


def state(data: bytes) -> bytes:
    """The number of ``4: ACTIVE``. Raises ValueError for anything else."""
    return integer(data.partition(b":")[0])


def rate(data: bytes) -> bytes:
    """``100 Gb/sec (4X EDR)`` in octets a second. Raises ValueError for anything else."""
    number, _, unit = data.partition(b" ")
    if not unit.startswith(b"Gb/sec"):
        raise ValueError(f"a rate in Gb/sec expected, found {data[:80]!r}")
    return b"%d" % int(float(number) * GIGABIT_BYTES)


def seconds(data: bytes) -> bytes:
    """Milliseconds with the exponent of seconds."""
    return integer(data) + b"e-3"


class Infiniband:
    """``node_infiniband_*``; nothing on a host without such a device."""

    METRICS = Later("infiniband")

    def __init__(self, values: "Values") -> None:
        self._folder = f"{values['sysfs']}/class/infiniband"
        self._summary = values["profile"] == "summary"
        self._ports: list[tuple[str, str]] = []
        self._readings = Readings(self._find)

    def read(self) -> bytes:
        """One read a counter and port."""
        return self._readings.text()

    def _find(self) -> list[Reading] | None:
        ports = [
            (device, port) for device in entries(self._folder) for port in entries(f"{self._folder}/{device}/ports")
        ]
        if ports == self._ports:
            return None
        self._ports = ports
        if not ports:
            return []
        from tocsin_schema.metrics import infiniband as metrics

        self._readings.age = metrics.AGE
        found = [self._about(device, metrics.INFO) for device in dict.fromkeys(device for device, _ in ports)]
        for device, port in ports:
            found += self._port(device, port)
        return found

    def _about(self, device: str, metric: "Metric") -> Reading:
        folder = f"{self._folder}/{device}"
        names = {"board_id": "board_id", "firmware_version": "fw_ver", "hca_type": "hca_type"}
        labels = {"device": device} | {label: text(f"{folder}/{file}") for label, file in names.items()}
        return Reading(metric, labels, f"{folder}/fw_ver", fixed(1), device)

    def _port(self, device: str, port: str) -> list[Reading]:
        from tocsin_schema.metrics import infiniband as metrics

        folder, labels = f"{self._folder}/{device}/ports/{port}", {"device": device, "port": port}
        found = [
            Reading(metrics.STATE, labels, f"{folder}/state", state, device),
            Reading(metrics.PHYSICAL_STATE, labels, f"{folder}/phys_state", state, device),
            Reading(metrics.RATE, labels, f"{folder}/rate", rate, device),
        ]
        counters = {"counters": metrics.COUNTERS, "counters_ext": metrics.LEGACY}
        if device.startswith(WITH_HARDWARE_COUNTERS):
            counters["hw_counters"] = metrics.HARDWARE | {"lifespan": metrics.LIFESPAN}
        for name, known in counters.items():
            for file in entries(f"{folder}/{name}"):
                if file in known and (file in KEPT_IN_SUMMARY or not self._summary):
                    value = words if file in DATA else seconds if file == "lifespan" else integer
                    found.append(Reading(known[file], labels, f"{folder}/{name}/{file}", value, device))
        return found

    def close(self) -> None:
        """Let go of the files."""
        self._readings.close()


SOURCE = Infiniband
