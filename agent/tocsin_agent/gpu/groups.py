"""The table of NVML calls: every call that is made on a GPU again and again, by group and period.

At the default of one sample a second they are at most 15 a GPU and second (``docs/reference/nvml-calls.md``).
"""

from tocsin_agent.gpu.group import Group
from tocsin_agent.gpu.health import Health
from tocsin_agent.gpu.load import Load

GROUPS = (
    Group(
        "load", 1,
        {
            "nvmlDeviceGetUtilizationRates": 1, "nvmlDeviceGetMemoryInfo_v2": 1, "nvmlDeviceGetMemoryInfo": 1,
            "nvmlDeviceGetPowerUsage": 1, "nvmlDeviceGetTemperature": 1, "nvmlDeviceGetTotalEnergyConsumption": 1,
            "nvmlDeviceGetEnforcedPowerLimit": 1,
        },
        Load,
    ),
    Group("health", 10, {"nvmlDeviceGetTotalEccErrors": 2}, Health),
)  # fmt: skip

WAITS = 2.0
"""XIDs are waited for apart from the groups (``xid.py``): so many calls of nvmlEventSetWait_v2 a GPU and second."""
