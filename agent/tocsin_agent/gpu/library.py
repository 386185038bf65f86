"""The NVML library, and its Python binding only when the library is there.

`nvidia-ml-py` costs about 5 MiB and 40 ms; a host without a GPU must not pay for it. The library is part of the driver
and may appear later (a driver container starts after the agent), so looking for it is cheap and repeated.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "libnvidia-ml.so.1"


def load() -> "Any":
    """The module ``pynvml`` when the library loads, else None. ImportError when the binding itself is not installed."""
    from _ctypes import (
        dlopen,
    )  # what ctypes.CDLL calls; without the package around it, 0.3 MiB less on hosts without a GPU

    try:
        dlopen(NAME, 0)
    except OSError:
        return None
    import pynvml

    return pynvml
