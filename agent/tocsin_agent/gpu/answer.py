"""What an NVML call may answer: a value, that there is none here, or that the GPU fails."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.driver import Session

ABSENT = frozenset({2, 3, 4, 6, 7, 13, 21, 22, 25, 26})
"""NVML return codes that concern one value: invalid argument, not supported, no permission, not found, size changed
between two calls, function not found, no data, vGPU ECC not supported, argument version mismatch, deprecated."""

REFUSED = frozenset({3, 13, 25})
"""Those that stay while GPU, driver and mode stay: not supported, function not found, argument version mismatch."""

AGAIN_S = 10.0
"""What was refused is asked again after so long: the GPU may have been given another mode meanwhile."""

REASONS = {
    1: "uninitialized", 9: "driver_not_loaded", 10: "timeout", 11: "irq", 15: "lost", 16: "reset_required",
    17: "system", 18: "version_mismatch", 27: "not_ready", 999: "unknown",
}  # fmt: skip
"""What ``tocsin_gpu_errors_total`` calls an NVML return code; the rest is ``other``."""


class Asked:
    """NVML as one GPU (or an instance of one) is asked in one session; it knows what was refused.

    A GPU that is cut into instances refuses a fifth of what a whole one is asked each second, an old one still more.
    """

    __slots__ = ("changed", "nvml", "refused", "session")

    def __init__(self, session: "Session") -> None:
        self.nvml = session.nvml
        self.session = session
        self.refused: set[tuple[object, ...]] = set()
        self.changed = False

    def change(self) -> None:
        """The GPU was given another mode: what it refused and what it told are of the past."""
        self.refused.clear()
        self.changed = True

    def __getattr__(self, name: str) -> "Any":
        return getattr(self.nvml, name)


def refusals(nvml: "Any") -> set[tuple[object, ...]]:
    """What a GPU has refused, to be looked into and added to; the binding itself knows of none."""
    return nvml.refused if isinstance(nvml, Asked) else set()


def known(nvml: "Any", call: str, *arguments: object, **named: object) -> "Any":
    """What the call answers, or None where this GPU, driver or user has no such value; NVMLError when the GPU fails.

    ``nvml`` is the binding, or what a GPU is asked through, which is not asked twice what it has refused.
    """
    refused = refusals(nvml)
    # A kind or a place may be refused alone; handles and buffers are not part of what is asked.
    question = (call, *(value for value in (*arguments, *named.values()) if isinstance(value, int)))
    if question in refused:
        return None
    try:
        return getattr(nvml, call)(*arguments, **named)
    except nvml.NVMLError as error:
        if error.value not in ABSENT:
            raise
        if error.value in REFUSED:
            refused.add(question)
        return None


def words(nvml: "Any", call: str, *arguments: object) -> str:
    """A name or a version; "" where there is none, or where it is no text. NVMLError when the GPU fails."""
    try:
        return str(known(nvml, call, *arguments) or "")
    except UnicodeDecodeError:
        return ""
