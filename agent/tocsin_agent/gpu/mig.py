"""Instances of a GPU that is cut into several (MIG): which there are, their memory, what they do.

The mode is asked at every reading. Instances take turns, a third of them at a reading, because each is asked by itself:
seven of them at each reading would be more calls than all other groups make. nvml.h warns that the handle of an
instance that is gone may be another's; so its UUID and its size are asked again with its memory.
"""

from tocsin_agent.gpu.answer import Asked, known, words
from tocsin_agent.gpu.gpm import Activity, supported
from tocsin_agent.gpu.group import Reader
from tocsin_agent.gpu.load import installed
from tocsin_schema.metrics import gpu_mig as metrics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.gpu.group import Key

EVERY = 3
"""Readings between two looks at an instance; its activity is sampled at every second look."""


class Instance:
    """One compute instance as NVML lists it; raises NVMLError when it goes while it is asked."""

    __slots__ = (
        "_asked",
        "_handle",
        "compute_instance",
        "gpu_instance",
        "memory",
        "multiprocessors",
        "profile",
        "uuid",
    )

    def __init__(self, nvml: Asked, handle: object) -> None:
        self._asked = Asked(nvml.session)
        self._handle = handle
        self.uuid = str(nvml.nvmlDeviceGetUUID(handle))
        self.gpu_instance: int = nvml.nvmlDeviceGetGpuInstanceId(handle)
        self.compute_instance: int = nvml.nvmlDeviceGetComputeInstanceId(handle)
        attributes = known(self._asked, "nvmlDeviceGetAttributes_v2", handle)
        self.multiprocessors: int | None = attributes and attributes.multiprocessorCount
        name = words(self._asked, "nvmlDeviceGetName", handle)
        self.profile = profile(name, attributes and attributes.gpuInstanceSliceCount)
        self.memory = self._memory()

    def still(self) -> bool:
        """Whether the handle is that of the same instance; its memory is read anew."""
        if known(self._asked, "nvmlDeviceGetUUID", self._handle) != self.uuid:
            return False
        total, self.memory = self.memory and self.memory[0], self._memory()
        return total == (self.memory and self.memory[0])

    def _memory(self) -> tuple[int, int] | None:
        """Total and used bytes."""
        told = installed(self._asked, self._handle)
        return told and (told.total, told.used)


def profile(name: str, slices: int | None) -> str:
    """``1g.10gb`` and the like, the last part of an instance's name; without it, how many slices it has."""
    _, found, tail = name.rpartition(" MIG ")
    return tail if found else f"{slices}g" if slices else ""


class Mig(Reader):
    """The instances of one GPU, by their places in NVML's list."""

    __slots__ = ("_activities", "_counts", "_cut", "_found", "_places", "_turn")

    def __init__(self, limit_s: float, procfs: str = "/proc") -> None:
        super().__init__(limit_s, procfs)
        self._activities: dict[int, Activity] = {}
        """By GPU instance. They stay when it goes: one that comes again goes on counting."""
        self._found: dict[int, Instance] = {}
        self._cut: bool | None = None
        self._counts = False
        self._places = self._turn = 0

    def restart(self) -> None:
        """Everything is looked for anew."""
        super().restart()
        self._cut = None
        self._found = {}

    def read(self, nvml: "Any", gpu: object, _now: float) -> "dict[Key, float]":
        """Nothing where a GPU cannot be cut."""
        mode = known(nvml, "nvmlDeviceGetMigMode", gpu)
        cut = None if mode is None else mode[0] == nvml.NVML_DEVICE_MIG_ENABLE
        if cut is not self._cut:
            self._change(nvml, gpu, cut=cut)
        if not cut:
            return {} if cut is None else {(metrics.MIG_ENABLED.name,): 0}
        for place in range(self._places):
            # After a change, all at once.
            if not self._turn or (self._turn + place) % EVERY == 0:
                self._look(nvml, gpu, place)
        self._turn += 1
        return {(metrics.MIG_ENABLED.name,): 1} | self._told()

    def _change(self, nvml: Asked, gpu: object, *, cut: bool | None) -> None:
        self._cut, self._found, self._turn = cut, {}, 0
        nvml.change()
        if cut:
            most = known(nvml, "nvmlDeviceGetMaxMigDeviceCount", gpu) or metrics.INSTANCES
            self._places = min(most, metrics.INSTANCES)
            self._counts = supported(nvml, gpu)

    def _look(self, nvml: Asked, gpu: object, place: int) -> None:
        before = instance = self._found.pop(place, None)
        try:
            if instance is None or not instance.still():
                instance = self._find(nvml, gpu, place)
        except nvml.NVMLError as error:
            # An instance that fails goes alone. Should it be the whole GPU, that GPU's own calls tell.
            if error.value == nvml.NVML_ERROR_UNINITIALIZED:
                raise
            return
        except UnicodeDecodeError:  # a UUID that is no text
            return
        if instance is not None:
            self._found[place] = instance
            due = instance is not before or (self._turn + place) % (2 * EVERY) == 0
            if self._counts and due and place == self._first(instance.gpu_instance):
                self._activity(instance.gpu_instance).sample(nvml, gpu)

    def _find(self, nvml: Asked, gpu: object, place: int) -> Instance | None:
        handle = known(nvml, "nvmlDeviceGetMigDeviceHandleByIndex", gpu, place)
        instance = None if handle is None else Instance(nvml, handle)
        if instance is not None and self._first(instance.gpu_instance) is None:
            self._activity(instance.gpu_instance).restart()
        return instance

    def _first(self, gpu_instance: int) -> int | None:
        """The place of the compute instance that stands for a GPU instance, whose counters are one."""
        return min((at for at, one in self._found.items() if one.gpu_instance == gpu_instance), default=None)

    def _activity(self, gpu_instance: int) -> Activity:
        if gpu_instance not in self._activities:
            self._activities[gpu_instance] = Activity(metrics.PARTS, "nvmlGpmMigSampleGet", gpu_instance)
        return self._activities[gpu_instance]

    def _told(self) -> "dict[Key, float]":
        found: dict[Key, float] = {}
        for instance in self._found.values():
            number = str(instance.gpu_instance)
            both = number, str(instance.compute_instance)
            found[metrics.MIG_INFO.name, *both, instance.uuid, instance.profile] = 1
            if instance.multiprocessors is not None:
                found[metrics.MIG_MULTIPROCESSORS.name, *both] = instance.multiprocessors
            if instance.memory is not None:
                total, used = instance.memory
                found[metrics.MIG_MEMORY_TOTAL.name, number], found[metrics.MIG_MEMORY_USED.name, number] = total, used
            activity = self._activity(instance.gpu_instance)
            found |= activity.told(metrics.MIG_ACTIVE.name, metrics.MIG_ACTIVE_S.name, number)
        return found
