"""What the collector says of a model: plain values that the monitor makes; page, API, /metrics and alarms read them."""

from dataclasses import dataclass, field
from typing import NamedTuple

NUMBER, CATEGORY = "number", "category"


def embedding_kind(dimensions: int) -> str:
    """The kind of a column of vectors: those of another length are another kind."""
    return f"embedding[{dimensions}]"


def dimensions_of(kind: str) -> int:
    """The length of a kind's vectors, 0 where it is none of embeddings."""
    return int(kind[10:-1]) if kind.startswith("embedding[") else 0


class ModelKey(NamedTuple):
    """One version of one model of one project."""

    project: str
    model: str
    version: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """A feature's shares by cell, reference beside current; both sum to 1 or are all 0.

    ``cells`` are the names of the cells in order. For numbers ``edges`` has the inner edges between them (one fewer
    than cells; the outer cells are open); for categories it is None and the cell ``_other`` takes the rest.
    """

    cells: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]
    edges: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class FeatureVerdict:
    """One feature in one window. ``score`` is None where window or reference were too small to judge by.

    By method ``ks``, ``js`` or ``hotelling`` it is a distance; by ``evidence``, where the calibrated policy decides, a
    share of the evidence that alarms, and no share of rows has a bound but that of missing values while an incident of
    them is open.
    """

    name: str
    kind: str
    method: str
    rows: int
    score: float | None
    threshold: float | None
    missing_ratio: float
    missing_reference: float
    missing_threshold: float
    new_ratio: float
    new_threshold: float
    distribution: Distribution
    reasons: tuple[str, ...] = ()
    """Why it alarms, one sentence each, empty when it does not."""
    invalid_ratio: float = 0.0
    """Share of rows whose value is infinite or of another kind."""
    invalid_threshold: float = 1.0
    distances: dict[str, float] = field(default_factory=dict)
    """What else can be said of how far it moved, by the name of the distance; see docs/reference/distances.md."""

    @property
    def alarmed(self) -> bool:
        """Whether any of its bounds is exceeded."""
        return bool(self.reasons)

    @property
    def judged(self) -> bool:
        """Whether the window could tell anything of it: a distance, or a bound that it is beyond."""
        return self.score is not None or self.alarmed


class Onset(NamedTuple):
    """A drift of one kind of one feature (None: of all together) begins, or goes on. Score and threshold in nats: minus
    the logarithm of how often chance alone brings this; ``since_s`` is where the evidence begins.

    The score of an incident is the most that it had. Kinds: mean, spread, shape, location, missing, filled (fewer are
    missing), invalid, new, category.
    """

    feature: str | None
    kind: str
    score: float
    threshold: float
    since_s: float

    @property
    def id(self) -> str:
        """The name of its incident."""
        return f"{self.feature or ''}:{self.kind}"


class Decision(NamedTuple):
    """What the calibrated policy decided of one window. ``score`` is the largest evidence, None where the window has
    too few rows to tell; ``onsets`` are the incidents that began with it, ``incidents`` all that are open after it."""

    start_s: float
    rows: int
    score: float | None
    level: float
    onsets: tuple[Onset, ...]
    incidents: tuple[Onset, ...]
    evidence: tuple[float, ...] = ()
    """The largest of each feature's values (missing ones apart), in the order of the layout."""

    @property
    def open(self) -> tuple[str, ...]:
        """The names of all open incidents."""
        return tuple(incident.id for incident in self.incidents)


@dataclass(frozen=True, slots=True)
class QualityVerdict:
    """A window's quality on the labels that have come. Ratios are in 0..1; log loss in nats.

    ``scores`` holds what was measured (auc, log_loss, brier, accuracy…; mae, rmse… for numbers), ``baseline`` some of
    the same of always predicting the reference's majority class or rate, ``reference`` the reference's own,
    ``thresholds`` the bound that each should keep. One window beyond is a bad day and shown; it alarms from the second
    in a row on: ``strikes`` counts them, this window included. While labels are still coming in it is not ``mature``:
    told and not judged, since the labels that come first are not like the others.

    ``intervals`` are the scores' 95 % intervals, with None for an end that is not known; ``floors`` what the operator
    stated. ``tally`` and, by name and value, ``segments`` are the packed counts of ``quality.tally``, which can be
    added over windows. ``remarks`` say what keeps scores from being told or believed.
    """

    labelled: int
    coverage: float
    scores: dict[str, float]
    baseline: dict[str, float]
    reference: dict[str, float]
    thresholds: dict[str, float]
    reasons: tuple[str, ...] = ()
    strikes: int = 0
    mature: bool = True
    intervals: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    floors: dict[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    tally: bytes = b""
    segments: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def alarmed(self) -> bool:
        """Whether any of its bounds is exceeded."""
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class EstimateVerdict:
    """What a window's quality probably is, told of all its rows before their labels have come.

    ``scores`` are those that the labels would show, ``bounds`` the ends of their 95 % interval, ``chosen`` the
    estimator of each, ``answers`` what every estimator said, by its name.
    """

    rows: int
    scores: dict[str, float]
    bounds: dict[str, tuple[float, float]]
    chosen: dict[str, str]
    answers: dict[str, dict[str, float]]
    shifts: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Once the labels have come: how much of each score's change is covariate shift, and how much concept shift."""


@dataclass(frozen=True, slots=True)
class JointVerdict:
    """How far the worst pair of features is from going together as in the reference, as a normal deviate.

    ``pairs`` are those beyond ``threshold`` with their own scores, the worst first.
    """

    score: float
    threshold: float
    pairs: tuple[tuple[str, str, float], ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DailyVerdict:
    """The second opinion of a day on how its features go together, from a sample of ``rows``.

    ``score`` is that of the two or three features that are farthest from the reference, as a normal deviate;
    ``p_value`` the chance that anything is as far in a day without a change, if days differ by sampling alone
    (Bonferroni's bound); ``threshold`` also knows by how much the reference's days differ. ``beyond`` are the features
    beyond it with their scores, the worst first.
    """

    rows: int
    score: float
    threshold: float
    p_value: float
    beyond: tuple[tuple[tuple[str, ...], float], ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutcomeVerdict:
    """A business outcome's window: how many came and their mean, beside the reference's; and their sum a prediction.

    Both with 95 % intervals, None for an end that is not known. ``tally`` and, by name and value, ``segments`` are the
    packed counts of ``quality.tally``, which can be added over windows.
    """

    count: int
    mean: float
    reference_mean: float | None
    interval: tuple[float | None, float | None] = (None, None)
    per_prediction: float | None = None
    per_prediction_interval: tuple[float | None, float | None] = (None, None)
    tally: bytes = b""
    segments: dict[str, dict[str, bytes]] = field(default_factory=dict)


class RuleVerdict(NamedTuple):
    """What one rule of a user says of a window: ``rows`` were looked at, ``unexpected`` of them break it; ``value`` is
    the figure that was compared where it is about one. ``reason`` is a sentence where it is broken, else empty."""

    name: str
    check: str
    rows: int
    unexpected: int
    value: float | None
    reason: str = ""
    examples: tuple[tuple[str, int], ...] = ()
    """Values that break it with how often they came, the most frequent first."""


class CheckVerdict(NamedTuple):
    """One learnt check of a window's data: ``check`` is range, frozen, unique, duplicates or volume, ``feature`` is
    empty where it is about the rows. ``reason`` is a sentence where it fails, else empty."""

    check: str
    feature: str
    value: float
    bound: float
    reason: str = ""


class TextVerdict(NamedTuple):
    """What a window's answers are like where they are texts. ``texts`` of them were looked at; ``measures`` are shares
    of them (refusal, repetition, json, personal_mail, language_en…), ``length_chars`` their length, ``tokens_in``,
    ``tokens_out`` and ``cost`` sums, ``exact_match``, ``token_f1`` and ``rouge_l`` means against reference answers,
    ``judge.NAME`` the mean of a judge's scores. ``thresholds`` are the bounds of those that may alarm."""

    texts: int
    measures: dict[str, float]
    thresholds: dict[str, float]
    reasons: tuple[str, ...] = ()


class Apart(NamedTuple):
    """A feature's distance from a further reference by ``method`` (ks or js), and how far is usual; None where too few
    windows have shown it."""

    method: str
    distance: float
    bound: float | None

    @property
    def beyond(self) -> bool:
        """Whether it is further than usual."""
        return self.bound is not None and not self.distance <= self.bound

    @property
    def alike(self) -> bool:
        """Whether it is at most half as far as is still usual; what is neither this nor beyond cannot be told."""
        return self.bound is not None and self.distance <= self.bound / 2


class Beside(NamedTuple):
    """A window beside a further reference, by which nothing alarms: so many rows in so many windows, of which so many
    had drifted themselves."""

    reference: str
    rows: int
    windows: int
    drifted: int
    features: dict[str, Apart]

    @property
    def beyond(self) -> tuple[str, ...]:
        """The features that are further from it than usual."""
        return tuple(name for name, one in self.features.items() if one.beyond)


@dataclass(frozen=True, slots=True)
class WindowVerdict:
    """One window of event time of one model version. Times are seconds since the Unix epoch, end excluded.

    ``revision`` rises each time that late rows, labels or corrections changed a window that was closed before.
    ``final`` says that the time for labels is over too.
    """

    key: ModelKey
    start_s: float
    end_s: float
    revision: int
    rows: int
    features: dict[str, FeatureVerdict]
    quality: QualityVerdict | None = None
    outcomes: dict[str, OutcomeVerdict] = field(default_factory=dict)
    latency_s: dict[str, float] = field(default_factory=dict)
    """Quantiles of the latency that the events carried: p50, p99."""
    classes: dict[str, float] = field(default_factory=dict)
    """Share of each predicted class."""
    segments: dict[str, dict[str, int]] = field(default_factory=dict)
    """Rows by segment name and value: the 64 values with the most rows, largest first, and `_other` for the rest."""
    final: bool = False
    decision: Decision | None = None
    """What the calibrated policy decided; None where each window is held against thresholds."""
    joint: JointVerdict | None = None
    """None where the window has too few rows, or the reference no two features."""
    daily: DailyVerdict | None = None
    """The second opinion of the day whose last window this is."""
    estimate: EstimateVerdict | None = None
    rules: tuple[RuleVerdict, ...] = ()
    """What the user's rules say of its data."""
    checked: tuple[str, ...] = ()
    """The learnt checks of its data that it could be judged by."""
    checks: tuple[CheckVerdict, ...] = ()
    """Those of them that fail."""
    text: TextVerdict | None = None
    """What its answers are like, where they are texts."""
    beside: tuple[Beside, ...] = ()
    """How far it is from further references: those that were given a name, and the stream's own past."""

    @property
    def drifted(self) -> bool:
        """Whether a feature alarms, or how they go together."""
        return any(one.alarmed for one in self.features.values()) or bool(self.joint and self.joint.reasons)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason to alarm: the data's first, then the model's."""
        features = tuple(reason for feature in self.features.values() for reason in feature.reasons)
        return self._of_rows() + features + self._of_model()

    @property
    def reasons_beside_features(self) -> tuple[str, ...]:
        """Those that are about no feature's drift."""
        return self._of_rows() + self._of_model()

    def _of_rows(self) -> tuple[str, ...]:
        return (*(rule.reason for rule in self.rules if rule.reason), *(check.reason for check in self.checks))

    def _of_model(self) -> tuple[str, ...]:
        told = [one.reasons for one in (self.joint, self.daily, self.text, self.quality) if one is not None]
        return tuple(reason for reasons in told for reason in reasons)


@dataclass(frozen=True, slots=True)
class FeatureSchema:
    """A feature as the stream shows it: since when it came as which kind, and whether it has vanished."""

    name: str
    kinds: dict[str, float]
    """The event time of its first value by kind (number, category, embedding[N]), the kind that was first in front."""
    gone_s: float | None = None
    """Start of the window since which it has no values any more."""

    @property
    def kind(self) -> str:
        """The kind that it had first."""
        return next(iter(self.kinds))

    @property
    def since_s(self) -> float:
        """The event time of its first value."""
        return min(self.kinds.values())


class SchemaChange(NamedTuple):
    """Something about the features became different, at an event time. ``what`` is new, vanished, returned, kind, or
    version or deployed (then ``feature`` is empty)."""

    time_s: float
    what: str
    feature: str
    text: str


@dataclass(frozen=True, slots=True)
class ModelView:
    """What can be told of one model version now; the page's and the API's read model."""

    key: ModelKey
    rows_total: int
    labels_total: int
    outcomes_total: int
    first_event_s: float | None
    last_event_s: float | None
    watermark_s: float | None
    open_windows: int
    reference: dict[str, object] | None
    """``{"source": text, "rows": n, "windows": n, "start_s": t, "end_s": t}``, None while there is no reference."""
    features: dict[str, str]
    """Kind (number, category, embedding[N]) by feature, in the order of the first block."""
    verdicts: tuple[WindowVerdict, ...]
    """Closed windows, oldest first, bounded by ``windows.keep``."""
    schema: tuple[FeatureSchema, ...] = ()
    """The features with since when, in the same order."""
    changes: tuple[SchemaChange, ...] = ()
    """What changed about the features, the newest last, bounded."""
    deployments: tuple[SchemaChange, ...] = ()
    """What was deployed of all versions of the model, as its people told."""
    late_total: int = 0
    """Predictions that are in no window: theirs was sealed, or they are too far behind the stream's watermark."""
    early_total: int = 0
    """Predictions that are in no window: they are so far ahead that the rest of the stream contradicted them."""
