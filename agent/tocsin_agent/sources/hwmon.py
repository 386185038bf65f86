"""Hardware sensors: temperatures, fans, voltages, power, from /sys/class/hwmon (hwmon/sysfs-interface.rst).

The kernel counts thousandths and millionths: they leave with an exponent. A chip behind a slow bus, or a disk that is
asked for its temperature, may keep a reader waiting for seconds: only the CPU's own sensors are read within the scrape.
"""

from os import listdir, readlink, scandir
from os.path import basename, dirname, exists, realpath

from tocsin_agent.kernelfile import signed, text
from tocsin_agent.later import Later
from tocsin_agent.readings import Reading, Readings, exponent, fixed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_agent.source import Values
    from tocsin_schema.metric import Metric

_TYPES = "vrm beep_enable update_interval in cpu fan pwm temp curr power energy humidity intrusion freq"
TYPES = frozenset(_TYPES.split())
PROMPT = frozenset({"coretemp", "k10temp", "fam15h_power", "cpu_thermal"})
"""Drivers that read registers of the CPU."""

_LIMITS = """
min max crit lcrit emergency min_hyst max_hyst crit_hyst lcrit_hyst emergency_hyst rated_min rated_max type offset div
pulses
"""
LIMITS = frozenset(_LIMITS.split())
"""Elements that change when somebody sets them."""

SUMMARY = False
MILLI, MICRO = exponent(b"e-3", signed), exponent(b"e-6", signed)


def split(file: str) -> tuple[str, str, str]:
    """Type, sensor and element of a file: ``temp1_max_hyst`` is ``temp``, ``temp1``, ``max_hyst``; "" for any other."""
    type = file.rstrip() if not any(c.isdecimal() for c in file) else file[: _first_digit(file)]
    rest = file[len(type) :]
    number = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    separator, element = rest[len(number) : len(number) + 1], rest[len(number) + 1 :]
    if type not in TYPES or (separator and (separator != "_" or not element)):
        return "", "", ""
    return type, f"{type}{int(number or 0)}", element


def _first_digit(text: str) -> int:
    return next(index for index, character in enumerate(text) if character.isdecimal())


def clean(name: str) -> str:
    """A name as it stands in the label ``chip``."""
    return "".join([c if c.isascii() and (c.isalnum() or c in ":_") else "_" for c in name.lower()]).strip("_")


def chip(folder: str) -> str:
    """What the label ``chip`` says: where the device stands, which no order of loading changes; else its name."""
    device = f"{folder}/device"
    if exists(device):
        path = realpath(device)
        kind, name = clean(basename(dirname(path))), clean(basename(path))
        if name:
            return f"{kind}_{name}" if kind else name
    return clean(text(f"{folder}/name")) or clean(basename(realpath(folder)))


def unit(type: str, element: str) -> "Callable[[bytes], bytes]":
    """How a file's number becomes the metric's."""
    if element in ("fault", "alarm", "beep") or type in ("fan", "pwm", "intrusion", "vrm"):
        return signed
    if type in ("in", "cpu", "curr"):
        return MILLI
    if type == "temp":
        return signed if element == "type" else MILLI
    if type == "power" and element.startswith("average_interval"):
        return MILLI
    return MICRO


def sensors(folder: str) -> dict[str, dict[str, tuple[str, str]]]:
    """Type and path of each file of a chip, by sensor and element; old drivers keep them in the device's folder."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for place in (folder, f"{folder}/device"):
        for file in _files(place):
            type, sensor, element = split(file)
            if type:
                found.setdefault(sensor, {})[element] = (type, f"{place}/{file}")
    return found


def readings(folder: str) -> list[Reading]:
    """Everything that one chip tells."""
    from tocsin_schema.metrics import hwmon as metrics

    name, driver = chip(folder), text(f"{folder}/name")
    device = "" if driver in PROMPT else name
    found = []
    if driver:
        found.append(Reading(metrics.CHIP_NAMES, {"chip": name, "chip_name": driver}, "", fixed(1)))
    for sensor, files in sorted(sensors(folder).items()):
        labels = {"chip": name, "sensor": sensor}
        label = text(files.pop("label")[1]) if "label" in files else ""
        if label:
            found.append(Reading(metrics.SENSOR_LABEL, labels | {"label": label}, "", fixed(1)))
        for element, (type, path) in sorted(files.items()):
            metric, value = _metric(type, element)
            whose = labels if type != "freq" else labels | {"sensor": clean(label)}
            if metric is not None and whose["sensor"]:
                found.append(Reading(metric, whose, path, value, device, seldom=element in LIMITS))
    return found


def _metric(type: str, element: str) -> "tuple[Metric | None, Callable[[bytes], bytes]]":
    from tocsin_schema.metrics import hwmon as metrics

    alone = {
        "beep_enable": (metrics.BEEP, switched_on),
        "vrm": (metrics.VRM, signed),
        "update_interval": (metrics.INTERVAL, MILLI),
    }
    if type in alone:
        return alone[type]
    if type == "freq":
        return (metrics.FREQUENCY if element == "input" else None), MICRO
    return metrics.SENSOR_METRICS.get(metrics.name(type, element)), unit(type, element)


def switched_on(data: bytes) -> bytes:
    """1 for ``1`` and 0 for everything else."""
    return b"%d" % (data.strip() == b"1")


class Hwmon:
    """``node_hwmon_*``; nothing on a host without sensors, as most virtual machines are."""

    METRICS = Later("hwmon")

    def __init__(self, values: "Values") -> None:
        self._folder = f"{values['sysfs']}/class/hwmon"
        self._key: list[tuple[str, str]] = []
        self._readings = Readings(self._find)

    def read(self) -> bytes:
        """One read a file of a sensor."""
        return self._readings.text()

    def _find(self) -> list[Reading] | None:
        try:
            key = [(name, _target(f"{self._folder}/{name}")) for name in sorted(listdir(self._folder))]
        except OSError:
            key = []
        if key == self._key:
            return None
        self._key = key
        if not key:
            return []
        from tocsin_schema.metrics.hwmon import AGE

        self._readings.age = AGE
        return [reading for name, _ in key for reading in readings(f"{self._folder}/{name}")]

    def close(self) -> None:
        """Let go of the files."""
        self._readings.close()


def _target(path: str) -> str:
    try:
        return readlink(path)
    except OSError:  # a folder, in a recorded host
        return ""


def _files(folder: str) -> list[str]:
    try:
        with scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_file()]
    except OSError:
        return []


SOURCE = Hwmon
