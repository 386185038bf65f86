"""``tocsin-agent list``: the sources and tasks that this agent has, which are on by default, and what they emit."""

from tocsin_agent import listing
from tocsin_agent.settings import SOURCES, SUMMARY, TASKS, by_default


def list_all(as_json: bool) -> None:
    """Print a line each: the name and what it tells; with ``as_json`` the metrics' names too."""
    found = [(kind, name, listing.module(package, name)) for kind, package, name in _modules()]
    if as_json:
        import json

        rows = [
            {"kind": kind, "name": name, "about": _about(module), "default": _when(module), "metrics": _metrics(module)}
            for kind, name, module in found
        ]
        print(json.dumps(rows, indent=1))
        return
    for kind, name, module in found:
        print(f"{kind:6}  {name:12}  {_about(module)}{_WHEN[_when(module)]}")


_WHEN = {
    "always": "",
    "full": "; not in the profile `summary`, unless `sources` names it",
    "named": "; only when `sources` names it",
}


def _when(module: object) -> str:
    if by_default(module, SUMMARY):
        return "always"
    return "full" if by_default(module, "full") else "named"


def _modules() -> list[tuple[str, str, str]]:
    kinds = (("source", SOURCES), ("task", TASKS))
    return [(kind, package, name) for kind, package in kinds for name in listing.names(package)]


def _about(module: object) -> str:
    """The first sentence of a file, without where it reads it."""
    line = (module.__doc__ or "").partition("\n")[0]
    return line.partition(". ")[0].partition(", from ")[0].rstrip(".")


def _metrics(module: object) -> list[str]:
    owner = getattr(module, "SOURCE", module)
    return [metric.name for metric in getattr(owner, "METRICS", ())]
