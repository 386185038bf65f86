"""NVSwitches, as the kernel's log tells of them."""

from tocsin_schema.metric import COUNTER, Metric

SWITCHES = 32
"""The most NVSwitches of one host."""
SXIDS = 64
"""The most distinct SXIDs kept apart for one switch."""

SXID = Metric(
    "tocsin_nvswitch_sxid_errors_total", COUNTER, "",
    "SXID errors of NVSwitches in the kernel's log since the agent started, by number and gravity (fatal, non_fatal).",
    emitter="agent", labels={"switch": SWITCHES, "sxid": SXIDS, "kind": 2},
)  # fmt: skip

METRICS = (SXID,)
