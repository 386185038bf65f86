"""A unit file as its sections: a key may stand several times."""

from pathlib import Path

Unit = dict[str, dict[str, list[str]]]


def parse(text: str) -> Unit:
    """The values of every key in every section, in order."""
    found: Unit = {}
    section: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            section.setdefault(name, []).append(value)
    return found


def unit(path: Path) -> Unit:
    """The unit in a file."""
    return parse(path.read_text())


def environment(service: dict[str, list[str]]) -> dict[str, str]:
    """What ``Environment=`` sets."""
    return dict(item.split("=", 1) for line in service.get("Environment", []) for item in line.split())
