"""The kernel's clock discipline (adjtimex(2)), under node_exporter's names."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric


def _gauge(name: str, unit: str, help: str) -> Metric:
    return Metric(f"node_timex_{name}", GAUGE, unit, help, emitter="agent")


def _counter(name: str, help: str) -> Metric:
    return Metric(f"node_timex_pps_{name}_total", COUNTER, "", f"Pulse per second count of {help}.", emitter="agent")


SYNC = _gauge("sync_status", "", "Is clock synchronized to a reliable server (1 = yes, 0 = no).")
OFFSET = _gauge("offset_seconds", "seconds", "Time offset in between local system and reference clock.")
FREQUENCY = _gauge("frequency_adjustment_ratio", "ratio", "Local clock frequency adjustment.")
MAXERROR = _gauge("maxerror_seconds", "seconds", "Maximum error in seconds.")
ESTERROR = _gauge("estimated_error_seconds", "seconds", "Estimated error in seconds.")
STATUS = _gauge("status", "", "Value of the status array bits.")
CONSTANT = _gauge("loop_time_constant", "", "Phase-locked loop time constant.")
TICK = _gauge("tick_seconds", "seconds", "Seconds between clock ticks.")
PPS_FREQUENCY = _gauge("pps_frequency_hertz", "hertz", "Pulse per second frequency.")
PPS_JITTER = _gauge("pps_jitter_seconds", "seconds", "Pulse per second jitter.")
PPS_SHIFT = _gauge("pps_shift_seconds", "seconds", "Pulse per second interval duration.")
PPS_STABILITY = _gauge(
    "pps_stability_hertz", "hertz", "Pulse per second stability, average of recent frequency changes."
)
PPS_JITTERS = _counter("jitter", "jitter limit exceeded events")
PPS_CALIBRATIONS = _counter("calibration", "calibration intervals")
PPS_ERRORS = _counter("error", "calibration errors")
PPS_UNSTABLE = _counter("stability_exceeded", "stability limit exceeded events")
TAI = _gauge("tai_offset_seconds", "seconds", "International Atomic Time (TAI) offset.")

METRICS = (
    *(SYNC, OFFSET, FREQUENCY, MAXERROR, ESTERROR, STATUS, CONSTANT, TICK, PPS_FREQUENCY, PPS_JITTER, PPS_SHIFT),
    *(PPS_STABILITY, PPS_JITTERS, PPS_CALIBRATIONS, PPS_ERRORS, PPS_UNSTABLE, TAI),
)
