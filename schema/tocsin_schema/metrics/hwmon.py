"""Hardware sensors, under node_exporter's names, which follow the files that a driver has."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

CHIPS, SENSORS = 256, 256
_SENSOR = {"chip": CHIPS, "sensor": SENSORS}

CHIP_NAMES = Metric(
    "node_hwmon_chip_names",
    GAUGE,
    "",
    "Annotation metric for human-readable chip names",
    emitter="agent",
    labels={"chip": CHIPS, "chip_name": CHIPS},
)
SENSOR_LABEL = Metric(
    "node_hwmon_sensor_label",
    GAUGE,
    "",
    "Label for given chip and sensor",
    emitter="agent",
    labels={**_SENSOR, "label": 4096},
)


def _metric(name: str, unit: str, help: str, type: str = GAUGE) -> Metric:
    return Metric(f"node_hwmon_{name}", type, unit, help, emitter="agent", labels=_SENSOR)


BEEP = _metric("beep_enabled", "", "Hardware beep enabled")
VRM = _metric("voltage_regulator_version", "", "Hardware voltage regulator")
INTERVAL = _metric("update_interval_seconds", "seconds", "Hardware monitor update interval")
FREQUENCY = _metric("freq_freq_mhz", "", "Hardware monitor for GPU frequency in MHz")
AGE = Metric(
    "tocsin_hwmon_age_seconds",
    GAUGE,
    "seconds",
    "How old what a chip told is, when it is slow to tell it.",
    emitter="agent",
    labels={"device": CHIPS},
)

# Documentation/hwmon/sysfs-interface.rst, and what drivers of the kernel add to it.
_ALARMS = "alarm beep fault min_alarm max_alarm crit_alarm lcrit_alarm"
_LIMITS = "input min max crit lcrit average lowest highest rated_min rated_max reset_history enable"
_POINTS = " ".join(f"auto_point{n}_{what}" for n in range(1, 9) for what in ("pwm", "temp", "temp_hyst"))
ELEMENTS = {
    "temp": f"""{_LIMITS} {_ALARMS} emergency min_hyst max_hyst crit_hyst lcrit_hyst emergency_hyst emergency_alarm
        offset type""",
    "in": f"{_LIMITS} {_ALARMS} max_hyst min_hyst",
    "cpu": "vid",
    "curr": f"{_LIMITS} {_ALARMS} max_hyst",
    "power": f"""{_LIMITS} {_ALARMS} average_interval average_interval_min average_interval_max average_min average_max
        average_lowest average_highest input_lowest input_highest accuracy cap cap_hyst cap_min cap_max cap_default
        cap_alarm is_battery""",
    "energy": "input enable",
    "humidity": f"{_LIMITS} {_ALARMS} max_hyst min_hyst",
    "fan": f"input min max target div pulses output safe manual enable {_ALARMS} diff_alarm",
    "intrusion": "alarm beep",
    "pwm": f"""- enable mode freq min max start stop floor base alarm temp_sel auto_channels_temp auto_channels
        auto_pwm_min auto_start auto_spinup_min auto_spinup_time target_temp temp_tolerance crit_temp_tolerance
        target_speed_tolerance start_time stop_time step_up_time step_down_time stop_output_time start_output
        stop_output max_output step_output weight_temp_sel weight_temp_step weight_temp_step_base
        weight_temp_step_tol weight_duty_step weight_duty_base {_POINTS}""",
}
"""What a sensor's files are called behind its type and number; ``-`` is a file that is called by these alone."""


def name(type: str, element: str) -> str:
    """The metric's name without ``node_hwmon_`` for a file of a sensor."""
    stem = type if element in ("", "input") else f"{type}_{element}"
    if element in ("fault", "alarm"):
        return stem
    if element == "beep":
        return f"{stem}_enabled"
    return stem + _suffix(type, element)


def _suffix(type: str, element: str) -> str:
    if type == "power" and element == "accuracy":
        return ""
    if type == "power" and element.startswith("average_interval"):
        return "_seconds"
    if type == "fan":
        return "_rpm" if element in ("input", "min", "max", "target") else ""
    if type == "temp":
        return "" if element == "type" else "_celsius"
    suffixes = {"in": "_volts", "cpu": "_volts", "curr": "_amps", "energy": "_joule_total", "power": "_watt"}
    return suffixes.get(type, "")


def _help(type: str, element: str) -> str:
    if element in ("fault", "alarm"):
        return f"Hardware sensor {element} status ({type})"
    if element == "beep":
        return "Hardware monitor sensor has beeping enabled"
    quantities = {
        "_volts": "voltage",
        "_celsius": "temperature",
        "_amps": "current",
        "_joule_total": "joules used so far",
        "_watt": "power usage in watts",
        "_rpm": "fan revolutions per minute",
    }
    suffix = _suffix(type, element)
    if suffix in quantities:
        return f"Hardware monitor for {quantities[suffix]} ({element})"
    if suffix == "_seconds":
        return f"Hardware monitor power usage update interval ({element})"
    if (type, element) == ("power", "accuracy"):
        return "Hardware monitor power meter accuracy, as a ratio"
    if type == "humidity":
        return (
            "Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the humidity as a percentage) "
            f"({element})"
        )
    return f"Hardware monitor {type} element {element}".rstrip()


_UNITS = {"_celsius": "celsius", "_joule_total": "joules", "_watt": "watts", "_seconds": "seconds"}


def _sensors() -> dict[str, Metric]:
    found = {}
    for type, elements in ELEMENTS.items():
        for element in (word.replace("-", "") for word in elements.split()):
            key = name(type, element)
            unit = _UNITS.get(_suffix(type, element), "") if element not in ("fault", "alarm", "beep") else ""
            found[key] = _metric(key, unit, _help(type, element), COUNTER if key.endswith("_total") else GAUGE)
    return found


SENSOR_METRICS = _sensors()
"""The metric of each kind of file, by its name without ``node_hwmon_``."""

METRICS = (CHIP_NAMES, SENSOR_LABEL, BEEP, VRM, INTERVAL, FREQUENCY, *SENSOR_METRICS.values(), AGE)
