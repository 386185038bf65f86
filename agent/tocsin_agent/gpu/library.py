"""The NVML library, and its Python binding only when the library is there.

`nvidia-ml-py` costs about 5 MiB and 40 ms; a host without a GPU must not pay for it. The library is part of the driver
and may appear later (a driver container starts after the agent), so looking for it is cheap and repeated.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "libnvidia-ml.so.1"


def there() -> bool:
    """Whether the library loads."""
    from _ctypes import (
        dlclose,
        dlopen,
    )  # what ctypes.CDLL calls; without the package around it, 0.3 MiB less on hosts without a GPU

    try:
        dlclose(dlopen(NAME, 0))
    except OSError:
        return False
    return True


def load() -> "Any":
    """The binding, the module ``pynvml``. Raises ImportError when it is not installed."""
    import pynvml

    return pynvml


def unload(nvml: "Any") -> None:
    """Have the next ``nvmlInit`` load the library that is on disk then; nobody may be inside it.

    A driver's upgrade replaces the file, and the library of the old driver refuses the new one for ever. The binding
    has no call for it; NVIDIA's own for Go closes the library at each shutdown. Without these names (another version of
    the binding) the library stays, and an upgrade needs a restart of the agent.
    """
    from _ctypes import dlclose

    library, calls = getattr(nvml, "nvmlLib", None), getattr(nvml, "_nvmlGetFunctionPointer_cache", None)
    if library is None or calls is None:
        return
    calls.clear()
    nvml.nvmlLib = None
    dlclose(library._handle)
