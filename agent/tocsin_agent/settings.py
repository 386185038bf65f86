"""The agent's configuration: defaults, the file, the environment; and what its parts have to say about it."""

import os

from tocsin_agent import listing
from tocsin_agent.httpd import address
from tocsin_schema.config import ConfigError, load, nearest, parsed
from tocsin_schema.settings.agent import AGENT, SAMPLING_HZ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

SOURCES, TASKS = "tocsin_agent.sources", "tocsin_agent.tasks"
SUMMARY = "summary"
LIST = "`tocsin-agent list` tells which there are"


def settings(
    file: str | None, listen: str | None = None, sources: str | None = None, sample_hz: str | None = None
) -> "Values":
    """The value of every key; the command line's words win. Raises ConfigError with all faults at once."""
    values = load(AGENT, None, os.environ) if file is None else _in_child(file)
    faults = []
    if listen is not None:
        values["listen"] = listen
    if sources is not None:
        values["sources"] = [name.strip() for name in sources.split(",") if name.strip()]
    if sample_hz is not None:
        hz, fault = parsed(SAMPLING_HZ, sample_hz)
        values |= {} if fault else {SAMPLING_HZ.path: hz}
        faults += [f"--sample-hz {sample_hz!r:.80}: {fault}"] if fault else []
    faults += _faults(values)
    if faults:
        raise ConfigError(faults)
    return values


def chosen(values: "Values") -> list[str]:
    """The names of the sources to run: those that the configuration names, else those that are on by default."""
    wanted = values["sources"]
    if isinstance(wanted, list) and wanted:
        return list(dict.fromkeys(map(str, wanted)))
    there = [(name, listing.module(SOURCES, name)) for name in listing.names(SOURCES)]
    return [name for name, module in there if by_default(module, str(values["profile"]))]


def by_default(source: object, profile: str) -> bool:
    """Whether a source runs without being named."""
    return bool(getattr(source, "DEFAULT", True)) and (profile != SUMMARY or bool(getattr(source, "SUMMARY", True)))


def _faults(values: "Values") -> list[str]:
    faults = []
    try:
        address.parse(str(values["listen"]))
    except ValueError as error:
        faults.append(f"listen: {error}")
    there = listing.names(SOURCES)
    unknown = [name for name in chosen(values) if name not in there]
    faults += [f"sources: no source {name!r:.80}{nearest(name[:80], there)} ({LIST})" for name in unknown]
    for package, names in ((SOURCES, chosen(values)), (TASKS, listing.names(TASKS))):
        for name in names:
            check = getattr(listing.module(package, name), "check", None) if name not in unknown else None
            faults += check(values) if check else []
    return faults


def _in_child(file: str) -> "Values":
    """Read the file in a short-lived child: the parser's 3 MiB go with it."""
    from tocsin_agent.child import ChildError, in_child

    try:
        values, faults = in_child(lambda: _loaded(file))
    except ChildError as error:
        raise ConfigError([f"{file}: cannot be read: {error}"]) from None
    if faults:
        raise ConfigError(faults)
    return dict(values)


def _loaded(file: str) -> "tuple[Values, list[str]]":
    try:
        return load(AGENT, file, os.environ), []
    except ConfigError as error:
        return {}, error.faults
