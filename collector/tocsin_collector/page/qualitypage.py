"""The page of a model's quality: what the labels of its newest windows say together."""

from collections.abc import Sequence

from markupsafe import Markup

from tocsin_collector.page import health
from tocsin_collector.page.address import model_path
from tocsin_collector.page.calibrationchart import curve
from tocsin_collector.page.numbers import number
from tocsin_collector.page.qualityapi import by_age, neighbour, newest
from tocsin_collector.quality.curve import AtThreshold
from tocsin_collector.quality.interval import Scored
from tocsin_collector.quality.outcomes import summary as outcomes
from tocsin_collector.quality.summary import Summary, summary
from tocsin_collector.quality.versions import Compared, compare_versions
from tocsin_collector.verdict import ModelView

CLASSES_SHOWN = 12
CURVES_SHOWN = 4
LABELS_SHOWN = 24
_SEGMENT_SCORES = ("auc", "accuracy", "log_loss", "f1_macro", "mae", "bias", "ndcg", "hit_rate", "jaccard", "cost")


def context(view: ModelView, windows: int, views: Sequence[ModelView]) -> dict[str, object]:
    """What the template needs, of at most so many windows. ``views`` are the model's versions, this one among them: it
    is compared with the one before it, or the first with the next."""
    used = newest(view, windows)
    found = summary(verdict.quality for verdict in used if verdict.quality)
    last = used[-1].quality if used else None
    columns = [name for name in _SEGMENT_SCORES if name in found.scores][:4]
    return {
        "view": view,
        "path": model_path(*view.key),
        "found": found,
        "used": used,
        "last": last,
        "scores": [(name, title(name), found.scores[name]) for name in health.in_order(found.scores)],
        "curves": _curves(found),
        "table": _table(found),
        "thresholds": _thresholds(found),
        "labels": _labels(found),
        "title": title,
        "columns": [(name, title(name)) for name in columns],
        "interval": interval,
        "outcomes": outcomes(view.verdicts[-windows:]),
        "compared": _compared(view, views),
    }


def _compared(view: ModelView, views: Sequence[ModelView]) -> tuple[str, dict[str, Compared]] | None:
    other = neighbour(by_age(views), view)
    found = compare_versions(other.verdicts, view.verdicts) if other else {}
    return (other.key.version, found) if other and found else None


def title(name: str) -> str:
    """A score's name as people know it."""
    return health.NAMES.get(name, name.replace("_", " ").capitalize())


def interval(scored: Scored | None) -> str:
    """The ends of an interval; nothing where all rows were equal, since that says nothing of the next."""
    if scored is None or scored.low is None or scored.high is None or scored.low == scored.high:
        return ""
    return f"{number(scored.low)} to {number(scored.high)}"


def _curves(found: Summary) -> list[tuple[str, Markup]]:
    # Of two classes the other's curve is the same, upside down.
    shown = list(found.calibration.items())[: 1 if len(found.calibration) == 2 else CURVES_SHOWN]
    return [(name, curve(points, f"Calibration of {name}")) for name, points in shown if points]


def _thresholds(found: Summary) -> list[tuple[str, list[AtThreshold]]]:
    """Every second threshold of the first classes; of two classes both, since each has its own."""
    return [(name, told[1::2]) for name, told in list(found.thresholds.items())[:CURVES_SHOWN]]


def _labels(found: Summary) -> list[tuple[str, float, int]]:
    """Of several labels each one's F1, and how often it was said or right, the most frequent first."""
    told = [(name, 2 * both / total, total) for name, (both, total) in found.labels.items() if total]
    return sorted(told, key=lambda one: (-one[2], one[0]))[:LABELS_SHOWN]


def _table(found: Summary) -> list[tuple[str, list[tuple[str, int, float]]]]:
    """Rows of the confusion table: label, then predicted class, rows and share of the label's rows."""
    names = found.table.classes[:CLASSES_SHOWN]
    rows = []
    for name, counts in zip(names, found.table.counts.tolist(), strict=False):
        labelled = max(sum(counts), 1)
        rows.append((name, [(said, times, times / labelled) for said, times in zip(names, counts, strict=False)]))
    return rows
