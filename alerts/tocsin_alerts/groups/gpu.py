"""GPUs: faults that the driver reports, and devices that are gone."""

from tocsin_alerts.alert import CRITICAL, FLEET, INCREASE, WARNING, Alert, Comparison, Match, Term

# XIDs after which the device needs a reset, a reboot or a replacement (NVIDIA, "XID Errors"): uncorrected memory
# (48, 64, 95, 140), firmware and copy engines (62, 119, 120), NVLink (74), off the bus (79).
_DEVICE = "48|62|64|74|79|95|119|120|140"

ALERTS = (
    Alert(
        name="GpuXid",
        severity=CRITICAL,
        summary="GPU {gpu} on {instance} reports XID {xid}",
        description="The driver of {instance} reported XID {xid} on GPU {gpu} ({uuid}): the device is at fault.",
        panel=(FLEET, 23),
        comparison=Comparison(
            Term("tocsin_gpu_xid_errors_total", (Match("xid", "=~", _DEVICE),), INCREASE, 600), ">", 0
        ),
    ),
    Alert(
        name="GpuLost",
        severity=CRITICAL,
        summary="GPU {gpu} on {instance} does not answer",
        description="GPU {gpu} ({uuid}) on {instance} does not answer the driver: hung, or fallen off the bus.",
        panel=(FLEET, 24),
        for_s=60,
        comparison=Comparison(Term("tocsin_gpu_up"), "==", 0),
    ),
    Alert(
        name="GpusReleased",
        severity=WARNING,
        summary="The GPUs of {instance} are {state} on request, and nobody watches them",
        description="The agent of {instance} was asked to let go of its GPUs an hour ago, and they are {state} still.",
        panel=(FLEET, 66),
        for_s=3600,
        comparison=Comparison(Term("tocsin_gpu_driver_state", (Match("state", "=~", "releasing|released"),)), "==", 1),
    ),
)
