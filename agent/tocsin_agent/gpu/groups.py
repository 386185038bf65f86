"""The table of NVML calls: every call that is made on a GPU again and again, by group and period.

At the default of one sample a second they are at most 15 a GPU and second (``docs/reference/nvml-calls.md``).
Instances come first: when a GPU was cut or made whole, every other group is read anew in the same sample.
"""

from tocsin_agent.gpu.clocks import Clocks
from tocsin_agent.gpu.engines import Engines
from tocsin_agent.gpu.fabric import Fabric
from tocsin_agent.gpu.gpm import Gpm
from tocsin_agent.gpu.group import Group
from tocsin_agent.gpu.health import Health
from tocsin_agent.gpu.limits import Limits
from tocsin_agent.gpu.load import Load
from tocsin_agent.gpu.margin import Margin
from tocsin_agent.gpu.mig import Mig
from tocsin_agent.gpu.processes import Processes

GROUPS = (
    Group(
        "instances", 2,
        {
            "nvmlDeviceGetMigMode": 1, "nvmlDeviceGetMigDeviceHandleByIndex": 3, "nvmlDeviceGetUUID": 3,
            "nvmlDeviceGetMemoryInfo_v2": 3, "nvmlGpmMigSampleGet": 2, "nvmlGpmMetricsGet": 2,
        },
        Mig,
    ),
    Group(
        "load", 1,
        {
            "nvmlDeviceGetUtilizationRates": 1, "nvmlDeviceGetMemoryInfo_v2": 1, "nvmlDeviceGetMemoryInfo": 1,
            "nvmlDeviceGetPowerUsage": 1, "nvmlDeviceGetTemperature": 1, "nvmlDeviceGetFieldValues": 1,
            "nvmlDeviceGetCurrentClocksThrottleReasons": 1, "nvmlDeviceGetSamples": 4,
        },
        Load,
    ),
    Group("activity", 10, {"nvmlGpmSampleGet": 1, "nvmlGpmMetricsGet": 1}, Gpm),
    Group("clocks", 10, {"nvmlDeviceGetClockInfo": 3}, Clocks),
    Group("margin", 10, {"nvmlDeviceGetMarginTemperature": 1}, Margin),
    Group(
        "engines", 10,
        {
            "nvmlDeviceGetEncoderUtilization": 1, "nvmlDeviceGetDecoderUtilization": 1,
            "nvmlDeviceGetBAR1MemoryInfo": 1,
        },
        Engines,
    ),
    Group(
        "health", 15,
        {"nvmlDeviceGetFieldValues": 1, "nvmlDeviceGetTotalEccErrors": 2, "nvmlDeviceGetMemoryErrorCounter": 2},
        Health,
    ),
    Group(
        "processes", 10,
        {
            "nvmlDeviceGetComputeRunningProcesses_v3": 2, "nvmlDeviceGetGraphicsRunningProcesses_v3": 2,
            "nvmlDeviceGetProcessUtilization": 2,
        },
        Processes,
    ),
    Group(
        "limits", 60,
        {
            "nvmlDeviceGetPowerManagementLimitConstraints": 1, "nvmlDeviceGetEnforcedPowerLimit": 1,
            "nvmlDeviceGetPowerManagementDefaultLimit": 1, "nvmlDeviceGetTemperatureThreshold": 4,
            "nvmlDeviceGetMaxClockInfo": 3, "nvmlDeviceGetFieldValues": 1,
        },
        Limits,
    ),
    Group("fabric", 30, {"nvmlDeviceGetGpuFabricInfoV": 1}, Fabric),
)  # fmt: skip

PULSE = {
    "nvmlDeviceGetMemoryInfo_v2": 1, "nvmlDeviceGetMemoryInfo": 1, "nvmlDeviceGetUtilizationRates": 1,
    "nvmlDeviceGetPowerUsage": 1,
}  # fmt: skip
"""Asked `sampling.hz` times a second, where that is set: what moves. The last two only where the driver keeps no
samples of them."""
WAITS = 1.0
"""XIDs are waited for apart from the groups (``xid.py``): so many calls of nvmlEventSetWait_v2 a GPU and second."""
