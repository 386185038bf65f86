"""A window's texts: what they are like, and what is otherwise than in the reference."""

from math import exp2

from tocsin_collector.drift.shares import percent
from tocsin_collector.quality.text.measure import UNIT, TextCounts
from tocsin_collector.quality.text.reference import (
    FEWEST_TEXTS,
    OTHER_LANGUAGE,
    TextReference,
    foreign,
    length_bounds,
)
from tocsin_collector.verdict import TextVerdict

LENGTH, CHANGE = "length_chars", "length_change"
_WORDS = {
    "empty": "are empty",
    "refusal": "refuse",
    "repetition": "repeat themselves",
    "no_json": "are no JSON",
    "json_broken": "are broken JSON",
    OTHER_LANGUAGE: "are in a language that the reference hardly has",
}


def judge(reference: TextReference | None, counts: TextCounts, *, is_judged: bool) -> TextVerdict | None:
    """The verdict of a window's texts, None where they are none; without a reference, or if not ``is_judged``,
    nothing alarms. Where the reference's are texts, answers that have shrunk to a word are judged, too."""
    if not counts.texts or (reference is None and not counts.is_text):
        return None
    measures = {name: held / counts.texts for name, held in sorted(counts.holds.items())}
    measures |= {f"language_{code}": n / counts.texts for code, n in counts.languages.most_common(5)}
    length = counts.length / UNIT / counts.texts
    measures[LENGTH] = exp2(length) - 1
    if reference is None:
        return TextVerdict(counts.texts, measures, {})
    measures[OTHER_LANGUAGE] = foreign(counts, reference.languages) / counts.texts
    for name in reference.shares:
        measures.setdefault(name, 0.0)
    thresholds = {name: share.threshold(counts.texts) for name, share in reference.shares.items()}
    if not is_judged or counts.texts < FEWEST_TEXTS:
        return TextVerdict(counts.texts, measures, {})
    reasons = [
        f"{percent(measures[name])} of answers {_says(name)}, {percent(share.ratio)} in the reference"
        f" (bound {percent(thresholds[name])})"
        for name, share in reference.shares.items()
        if not measures[name] <= thresholds[name]
    ]
    below, above = length_bounds(reference, counts.texts)
    change = length - reference.length
    measures[CHANGE], thresholds[CHANGE] = abs(change), above if change > 0 else below
    if not -below <= change <= above:
        reasons.append(_length(length, reference.length, below, above))
    return TextVerdict(counts.texts, measures, thresholds, tuple(reasons))


def _says(name: str) -> str:
    return _WORDS.get(name) or f"hold personal data ({name.removeprefix('personal_')})"


def _length(length: float, usual: float, below: float, above: float) -> str:
    how = "longer" if length > usual else "shorter"
    now, normal, least, most = (exp2(one) - 1 for one in (length, usual, usual - below, usual + above))
    told = (
        f"{now:,.0f} characters (geometric mean), {normal:,.0f} in the reference (bounds {least:,.0f} to {most:,.0f})"
    )
    return f"answers are {how}: {told}"
