"""Receipts of this process's predictions, signed with the project's key; the format is ``tocsin_schema.receipt``."""

from tocsin_agent.capture.columns import plain
from tocsin_agent.capture.rows import micros
from tocsin_schema.receipt import SCORE_STEPS, Receipt, read_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def key_of(path: str, project: str) -> bytes:
    """The key that signs for a project. Raises OSError, and ValueError when the file has none."""
    with open(path, encoding="utf-8") as file:
        keys = read_keys(file.read()).get(project)
    if not keys:
        raise ValueError(f"{path}: no key of project {project!r}; a line with the project and its key is needed")
    return keys[0]


def receipt(
    names: tuple[str, str, str],
    id: object,
    prediction: object,
    scores: "Mapping[str, float] | None",
    segment: "Mapping[str, object] | None",
    time: object,
) -> Receipt:
    """What is to be signed; ``names`` are project, model, version. A number without scores is no class and left out."""
    label = _class(plain(prediction))
    known = {_class(plain(name)): value for name, value in (scores or {}).items()}
    score = known.get(label)
    if not scores and not isinstance(plain(prediction), str | bool):
        label = None
    bucket = None if score is None else min(max(round(float(score) * SCORE_STEPS), 0), SCORE_STEPS)
    told = {str(name): str(value) for name, value in (segment or {}).items() if value is not None}
    return Receipt(*names, str(id), micros(time), label, bucket, told)


def _class(value: object) -> str | None:
    """The name of a class as the collector has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}"
    return None if value is None else str(value)
