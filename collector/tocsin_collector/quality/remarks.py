"""What keeps scores of labelled rows from being told, or believed: a sentence each."""

from collections.abc import Iterator

from tocsin_collector.quality.labelled import Labelled
from tocsin_collector.quality.measure import Measured
from tocsin_collector.quality.tally import Tally
from tocsin_collector.verdict import NUMBER


def remarks(rows: Labelled, found: Measured, tally: Tally) -> Iterator[str]:
    """The remarks on a window's rows, what was measured of them, and their tally."""
    labelled = int(rows.label.valid.sum())
    if labelled and not found.rows:
        kind = "numbers" if rows.label.kind == NUMBER else "texts"
        yield f"{labelled} labels ({kind}), and no prediction that they could be compared with"
    elif found.rows < labelled:
        left = labelled - found.rows
        yield f"{left} labelled rows are left out: a prediction or score is missing or no finite number"
    classes = [name for name, share in found.constant.items() if share]
    if tally["classified",] and len(classes) == 1:
        yield f"all labels are {classes[0]!r:.80}: there is no AUC of one class"
    unknown = sum(times for key, times in tally.items() if key[:2] == ("pair", "_other"))
    if unknown and rows.scores:
        yield f"{unknown} labels are classes that the model has no score for: each counts as a miss"
    kinds = {rows.label.kind, rows.prediction.kind if rows.prediction else rows.label.kind}
    if tally["classified",] and not tally["hits",] and len(kinds) == 2:
        yield "labels and predictions are of different types (numbers, texts) and never equal: are they of one model?"
