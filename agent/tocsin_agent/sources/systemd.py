"""The units of systemd and their states, over D-Bus (org.freedesktop.systemd1(5)).

Five series a unit, so one has to ask for it. The bus is asked aside: systemd answers nobody while it reloads.
"""

import os

from tocsin_agent.aside import Aside, Errand
from tocsin_agent.later import Later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tocsin_agent.dbus import Bus, Call
    from tocsin_agent.source import Values

DEFAULT = False
SYSTEMD, ROOT = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
PROPERTIES = "org.freedesktop.DBus.Properties"
MANAGER = f"{SYSTEMD}.Manager"
SOCKET = "/run/dbus/system_bus_socket"
LEFT_OUT = (".automount", ".device", ".mount", ".scope", ".slice")
"""As in node_exporter: there are many, and they come and go."""
SERVICE, TIMER, SOCKET_UNIT = ".service", ".timer", ".socket"
WAIT_S = 0.5
OLD_S = 1.0
NAME, LOADED, ACTIVE, PATH = 0, 2, 3, 6
"""The places in what ListUnits tells of a unit."""


def socket_path(values: "Values") -> str:
    """Where the system's bus listens: as the environment says, else in its usual place under the host's root."""
    address = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", "")
    for option in address.removeprefix("unix:").split(","):
        if address.startswith("unix:") and option.startswith("path="):
            return option.removeprefix("path=")
    return str(values["rootfs"]).rstrip("/") + SOCKET


def number(version: str) -> float:
    """The number in a version, 0 without one: ``252.39-1~deb12u2`` is 252.39."""
    digits = "".join([c if c.isdecimal() or c == "." else " " for c in version]).split()
    for word in digits:
        major, _, minor = word.partition(".")
        if len(major) >= 3:
            return float(f"{major}.{minor.partition('.')[0] or 0}")
    return 0.0


def get(path: str, interface: str, name: str) -> "Call":
    """The call that asks for one property."""
    return path, PROPERTIES, "Get", (f"{SYSTEMD}.{interface}", name)


class Units:
    """What systemd has told."""

    __slots__ = ("all", "properties", "running", "version", "virtualization")

    def __init__(self, bus: "Bus", types: dict[str, str]) -> None:
        """``types`` has the types of services that are known, and learns the others: a unit's does not change."""
        manager = [get(ROOT, "Manager", name) for name in ("Version", "Virtualization", "SystemState")]
        version, virtualization, state, units = bus.ask(SYSTEMD, [*manager, (ROOT, MANAGER, "ListUnits", ())])
        self.version, self.virtualization = _first(version, ""), _first(virtualization, "unknown") or "none"
        self.running = _first(state, "") == "running"
        self.all: list[Any] = _first(units, [])
        if units is None:
            raise OSError("systemd does not list its units")
        wanted = [(unit, name) for unit in self.shown() for name in _wanted(unit[NAME], types)]
        calls = [get(unit[PATH], _interface(unit[NAME]), name) for unit, name in wanted]
        answers = bus.ask(SYSTEMD, calls)
        self.properties: dict[tuple[str, str], Any] = {}
        for (unit, name), answer in zip(wanted, answers, strict=True):
            if answer:
                self.properties[unit[NAME], name] = answer[0]
                if name == "Type":
                    types[unit[NAME]] = str(answer[0])
        for gone in types.keys() - {unit[NAME] for unit in self.all}:
            del types[gone]

    def shown(self) -> "list[Any]":
        """The units that have series of their own."""
        return [unit for unit in self.all if unit[LOADED] == "loaded" and not unit[NAME].endswith(LEFT_OUT)]

    def property(self, name: str) -> list[tuple[dict[str, str], float]]:
        """The rows of a number that some units have."""
        found = [(unit, value) for (unit, what), value in self.properties.items() if what == name]
        return [({"name": unit}, value) for unit, value in found if isinstance(value, int)]


def _first(answer: "list[Any] | None", default: "Any") -> "Any":
    return answer[0] if answer else default


def _interface(name: str) -> str:
    return name.rpartition(".")[2].capitalize()


def _wanted(name: str, types: dict[str, str]) -> tuple[str, ...]:
    """The properties to ask of a unit."""
    if name.endswith(SERVICE):
        return () if name in types else ("Type",)
    if name.endswith(TIMER):
        return ("LastTriggerUSec",)
    return ("NAccepted", "NConnections", "NRefused") if name.endswith(SOCKET_UNIT) else ()


def render(units: Units, types: dict[str, str]) -> bytes:
    """The families of all units."""
    from tocsin_agent.exposition import family
    from tocsin_schema.metrics import systemd as metrics

    states = [
        ({"name": unit[NAME], "state": state, "type": types.get(unit[NAME], "")}, int(unit[ACTIVE] == state))
        for unit in units.shown()
        for state in metrics.STATES
    ]
    counts = dict.fromkeys(metrics.STATES, 0)
    for unit in units.all:
        counts[unit[ACTIVE]] = counts.get(unit[ACTIVE], 0) + 1
    triggers = [(labels, value / 1e6) for labels, value in units.property("LastTriggerUSec")]
    return (
        family(metrics.UNIT_STATE, states)
        + family(metrics.SUMMARY, [({"state": state}, count) for state, count in counts.items()])
        + family(metrics.RUNNING, [({}, int(units.running))])
        + family(metrics.VERSION, [({"version": units.version}, number(units.version))])
        + family(metrics.VIRTUALIZATION, [({"virtualization_type": units.virtualization}, 1)])
        + family(metrics.LAST_TRIGGER, triggers)
        + family(metrics.ACCEPTED, units.property("NAccepted"))
        + family(metrics.CONNECTIONS, units.property("NConnections"))
        + family(metrics.REFUSED, units.property("NRefused"))
    )


class Systemd:
    """``node_systemd_*``."""

    METRICS = Later("systemd")

    def __init__(self, values: "Values") -> None:
        self._path = socket_path(values)
        self._bus: Bus | None = None
        self._types: dict[str, str] = {}
        self._errand = Errand(self._ask)
        self._aside = Aside()

    def read(self) -> bytes:
        """About 100 us a hundred units of waiting, and four calls and one a timer, three a socket."""
        self._aside.ask([self._errand], WAIT_S)
        answer = self._errand.answer
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, bytes):
            raise TimeoutError(f"systemd has not answered for {self._errand.age_s:.1f} s")
        if self._errand.age_s <= OLD_S:
            return answer
        from tocsin_agent.exposition import family
        from tocsin_schema.metrics.systemd import AGE

        return answer + family(AGE, [({}, round(self._errand.age_s, 3))])

    def _ask(self) -> bytes:
        """In the errand's thread: on a connection that is kept, or on a new one."""
        from tocsin_agent.dbus import Bus

        bus, self._bus = self._bus or Bus(self._path), None
        try:
            text = render(Units(bus, self._types), self._types)
        except BaseException:
            bus.close()
            raise
        self._bus = bus
        return text

    def close(self) -> None:
        """Let go of the connection; an errand that waits ends with its own timeout."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()


SOURCE = Systemd
