"""NVMe controllers and their namespaces, from /sys/class/nvme (drivers/nvme/host/sysfs.c).

The kernel asks the controller for some of it, which may keep it waiting: each controller is read aside, every 45 s.
"""

from os import fsencode
from time import monotonic

from tocsin_agent.aside import Aside, Errand
from tocsin_agent.exposition import family
from tocsin_agent.kernelfile import LOOK_S, entries, text
from tocsin_agent.readings import OLD_S, WAIT_S
from tocsin_schema.metrics.nvme import AGE, BLOCK_SIZE, CAPACITY, INFO, METRICS, NAMESPACE_INFO, SIZE, USED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values
    from tocsin_schema.metric import Metric

SUMMARY = False
SECTOR_BYTES = 512
"""The unit of `size`, whatever a block is; `nuse` counts blocks. (node_exporter takes both for blocks.)"""
FILES = {"firmware_revision": "firmware_rev"} | {name: name for name in ("model", "serial", "state", "cntlid")}


def namespace(controller: str, name: str) -> str:
    """The number of a namespace, "" for any other entry: ``nvme0n1``, or ``nvme0c1n1`` where many ways lead to it."""
    way, _, number = name.removeprefix(controller).partition("n")
    there = name.startswith(controller) and (not way or (way[0] == "c" and way[1:].isdecimal()))
    return number if there and number.isdecimal() else ""


class Controller:
    """One controller as it was read."""

    __slots__ = ("labels", "namespaces")

    def __init__(self, folder: str, name: str) -> None:
        device = {"device": fsencode(name).decode("utf-8", "replace")}
        self.labels = device | {label: text(f"{folder}/{name}/{file}") for label, file in FILES.items()}
        found = [(namespace(name, entry), f"{folder}/{name}/{entry}") for entry in sorted(entries(f"{folder}/{name}"))]
        self.namespaces = [(device | {"nsid": number}, *_namespace(path)) for number, path in found if number]


def _namespace(folder: str) -> tuple[str, dict["Metric", int]]:
    """The state of the way to a namespace, and those of its sizes that can be read."""
    size, used, block = (text(f"{folder}/{file}") for file in ("size", "nuse", "queue/logical_block_size"))
    sizes = {}
    if size.isdecimal():
        sizes = dict.fromkeys((SIZE, CAPACITY), int(size) * SECTOR_BYTES)
    if block.isdecimal():
        sizes[BLOCK_SIZE] = int(block)
        if used.isdecimal():
            sizes[USED] = int(used) * int(block)
    return text(f"{folder}/ana_state"), sizes


def render(controllers: list[Controller]) -> bytes:
    """The families of all controllers."""
    namespaces = [row for controller in controllers for row in controller.namespaces]
    text = family(INFO, [(controller.labels, 1) for controller in controllers])
    text += family(NAMESPACE_INFO, [(labels | {"ana_state": state}, 1) for labels, state, _ in namespaces])
    for metric in (CAPACITY, SIZE, USED, BLOCK_SIZE):
        text += family(metric, [(labels, sizes[metric]) for labels, _, sizes in namespaces if metric in sizes])
    return text


class Nvme:
    """``node_nvme_*``; nothing on a host without such disks."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._folder = f"{values['sysfs']}/class/nvme"
        self._errands: dict[str, Errand] = {}
        self._aside = Aside()
        self._look_at = 0.0
        self._text = b""

    def read(self) -> bytes:
        """Nothing at most scrapes; every 45 s about 100 us a controller."""
        now = monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_S
            self._look()
        return self._text

    def _look(self) -> None:
        names = sorted(entries(self._folder))
        self._errands = {name: self._errands.get(name) or self._errand(name) for name in names}
        errands = list(self._errands.values())
        self._aside.ask(errands, WAIT_S)
        ages = [({"device": name}, round(errand.age_s, 3)) for name, errand in self._errands.items()]
        self._text = render([errand.answer for errand in errands if isinstance(errand.answer, Controller)])
        self._text += family(AGE, [(labels, age) for labels, age in ages if age > OLD_S])
        if any(not isinstance(errand.answer, Controller) for errand in errands):
            self._look_at = 0.0

    def _errand(self, name: str) -> Errand:
        return Errand(lambda: Controller(self._folder, name))

    def close(self) -> None:
        """Nothing is kept open."""


SOURCE = Nvme
