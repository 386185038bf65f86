"""A Dockerfile as its stages: each a list of instructions with what follows them."""

from pathlib import Path

Stage = list[tuple[str, str]]


def stages(path: Path) -> list[Stage]:
    """The stages in order; what stands before the first is a stage too."""
    found: list[Stage] = [[]]
    for line in path.read_text().replace("\\\n", " ").splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, rest = line.partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


def only(stage: Stage, name: str) -> str:
    """What follows the one instruction of this name."""
    (rest,) = [rest for instruction, rest in stage if instruction == name]
    return rest
