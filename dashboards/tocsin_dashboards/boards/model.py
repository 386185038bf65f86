"""A model: does it answer, are its inputs what they were, is it still right."""

from tocsin_dashboards.board import (
    ANY,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    Board,
    Drill,
    Event,
    Link,
    Panel,
    Query,
    Row,
    Variable,
    above,
)
from tocsin_dashboards.promql import gain, gain_in_range, quantile, rate_by, ratio, series

_MODEL = "{{model}} {{version}}"
_FEATURE = "{{model}} {{version}} {{feature}}"
_BY_MODEL = "project, model, version"
_BY_FEATURE = "project, model, version, feature"
_REQUESTS = "tocsin_inference_requests_total"
_DURATION = "tocsin_inference_request_duration_seconds"
_FIRST_BYTE = "tocsin_inference_time_to_first_byte_seconds"
_ROUTE = "tocsin_inference_route_duration_seconds"
_SCORE, _BOUND = "tocsin_feature_drift_score", "tocsin_feature_drift_threshold"
_WINDOW_END = "tocsin_window_end_timestamp_seconds"
_DRIFT = ratio(_SCORE, _BOUND)
_MISSING = ratio("tocsin_feature_missing_ratio", "tocsin_feature_missing_threshold")
_NEW = ratio("tocsin_feature_new_ratio", "tocsin_feature_new_threshold")
_INVALID = ratio("tocsin_feature_invalid_ratio", "tocsin_feature_invalid_threshold")
_JOINT = ratio("tocsin_joint_drift_score", "tocsin_joint_drift_threshold")
_DAILY = ratio("tocsin_daily_joint_drift_score", "tocsin_daily_joint_drift_threshold")
_OUT = f"{_DRIFT} > bool 1 or ({_MISSING} > bool 1) + ({_NEW} > bool 1) + ({_INVALID} > bool 1)"
_TEXT = ratio("tocsin_text_measure", "tocsin_text_measure_threshold")
_SUMS = "length_chars|tokens_in|tokens_out|cost"
_NO_TEXT = "no model answers in texts"
_FAILED = rate_by(_BY_MODEL, _REQUESTS, 'outcome="server_error"')
_ALL = rate_by(_BY_MODEL, _REQUESTS)

_TO_MODEL = (Drill("Only this model", "tocsin-model", ("project", "model")),)
_TO_FEATURE = (Drill("Only this feature", "tocsin-model", ("project", "model", "feature")),)
_QUIET = "no window was judged yet"
_NO_REQUEST = "no request yet"

_JUDGED = 'metric=~"auc|log_loss|brier|accuracy|mae|rmse|ndcg|jaccard"'
_BY_CLASS = 'metric=~"pr_auc|(precision|recall|f1)_.+"'
_RELATIVE = 'metric=~"calibration_error|mape|smape|mase|r2|bias|pinball|mrr|hit_rate|exact_match|cost"'

BROKEN = (
    Panel(
        1,
        "Alarm",
        "Whether the newest closed window of the model is out of bounds: its data, its drift or its quality.",
        "short",
        (Query(f"max by ({_BY_MODEL}) ({series('tocsin_drift_alarm')})", _MODEL),),
        kind="stat",
        width=4,
        words=((0, "quiet", GREEN), (1, "ALARM", RED)),
        drills=_TO_MODEL,
        no_value=_QUIET,
    ),
    Panel(
        5,
        "Features out of bounds",
        "Features of the newest closed windows that have drifted, or miss more values, or have more new categories or "
        "values of another kind than is normal.",
        "short",
        (Query(f"sum(max by ({_BY_FEATURE}) ({_OUT}) > bool 0)", "features"),),
        kind="stat",
        width=4,
        decimals=0,
        steps=above(1),
        no_value=_QUIET,
    ),
    Panel(
        6,
        "Bad windows in a row",
        "The most windows in a row of one model whose quality is beyond a bound; from the second on it alarms.",
        "short",
        (Query(f"max({series('tocsin_model_quality_bad_windows')})", "windows"),),
        kind="stat",
        width=4,
        decimals=0,
        steps=above(1, 2),
        no_value="no label has come yet",
    ),
    Panel(
        7,
        "Requests that fail",
        "Share of requests that the chosen models answer with an error of their own.",
        "percentunit",
        (
            Query(
                f"sum({_FAILED}) / (sum({_ALL}) > 0) or 0 * sum({_ALL})",
                "fail",
            ),
        ),
        kind="stat",
        width=4,
        decimals=1,
        steps=above(0.05),
        no_value=_NO_REQUEST,
    ),
    Panel(
        8,
        "Alarms raised",
        "Alarms that were raised in the time that the board shows.",
        "short",
        (Query(f"sum({gain_in_range('tocsin_drift_alarms_total')})", "alarms"),),
        kind="stat",
        width=4,
        decimals=0,
        steps=above(ANY),
        no_value="no model yet",
    ),
    Panel(
        9,
        "Judged until",
        "Where the newest window that was judged ends, in the time of the events.",
        "dateTimeAsIso",
        (Query(f"max({series(_WINDOW_END)}) * 1000", "judged until"),),
        kind="stat",
        width=4,
        minimum=None,
        steps=NEUTRAL,
        no_value=_QUIET,
    ),
    Panel(
        15,
        "Since when",
        "Each model over time: red from the close of a window that is out of bounds to the close of the next good one.",
        "short",
        (Query(f"max by ({_BY_MODEL}) ({series('tocsin_drift_alarm')})", _MODEL),),
        kind="state-timeline",
        words=((0, "quiet", GREEN), (1, "ALARM", RED)),
        drills=_TO_MODEL,
        no_value=_QUIET,
    ),
    Panel(
        16,
        "What is out of bounds",
        "Features of the newest closed windows, the most drifted first, as shares of their own bounds: above 100 % a "
        "feature alarms. A click shows it alone.",
        "percentunit",
        (
            Query(f"max by ({_BY_FEATURE}) ({_DRIFT})", "Drift", steps=above(0.8, 1)),
            Query(f"max by ({_BY_FEATURE}) ({_MISSING})", "Missing", steps=above(0.8, 1)),
            Query(f"max by ({_BY_FEATURE}) ({_NEW})", "New categories", steps=above(0.8, 1)),
            Query(f"max by ({_BY_FEATURE}) ({_INVALID})", "Of another kind", steps=above(0.8, 1)),
        ),
        kind="table",
        width=16,
        height=7,
        decimals=0,
        sort_by="Drift",
        drills=_TO_FEATURE,
        no_value=_QUIET,
    ),
)

RIGHT = (
    Panel(
        2,
        "Drift beside its bound",
        "Each feature's distance from the reference, its new categories and its values of another kind, as shares of "
        "their own bounds; above 100 % it alarms.",
        "percentunit",
        (
            Query(_DRIFT, _FEATURE),
            Query(_NEW, f"{_FEATURE} new categories"),
            Query(_INVALID, f"{_FEATURE} of another kind"),
        ),
        width=12,
        steps=above(1),
        drills=_TO_FEATURE,
        no_value=_QUIET,
    ),
    Panel(
        3,
        "Missing values",
        "Share of missing values of each feature in the newest closed window.",
        "percentunit",
        (Query(series("tocsin_feature_missing_ratio"), _FEATURE),),
        width=12,
        drills=_TO_FEATURE,
        no_value=_QUIET,
    ),
    Panel(
        17,
        "Drift, feature by feature",
        "Each feature over time: green well within its bound, orange from 80 % of it on, red beyond it.",
        "percentunit",
        (Query(_DRIFT, _FEATURE),),
        kind="state-timeline",
        width=12,
        height=8,
        decimals=0,
        steps=above(0.8, 1),
        drills=_TO_FEATURE,
        no_value=_QUIET,
    ),
    Panel(
        4,
        "Quality",
        "AUC, log loss, Brier score and accuracy on the labels that came, or what another kind of model is judged by; "
        "dashed: the bound of each. AUC alarms below its bound, losses and errors above.",
        "none",
        (
            Query(series("tocsin_model_quality", _JUDGED), f"{_MODEL} {{{{metric}}}}"),
            Query(series("tocsin_model_quality_threshold"), f"{_MODEL} {{{{metric}}}} bound", bound=True),
        ),
        width=12,
        decimals=2,
        drills=_TO_MODEL,
        no_value="no label has come yet",
    ),
    Panel(
        35,
        "Evidence of drift",
        "The largest evidence of any feature, added up over the windows, as a share of what alarms; above 100 % an "
        "incident opens. Only where the calibrated policy decides.",
        "percentunit",
        (Query(f"{series('tocsin_drift_evidence')} / {series('tocsin_drift_evidence_threshold')}", _MODEL),),
        width=12,
        steps=above(1),
        drills=_TO_MODEL,
        no_value="thresholds decide",
    ),
    Panel(
        36,
        "Open incidents",
        "Incidents that the calibrated policy has open: one a feature and kind of drift, however long it lasts.",
        "short",
        (Query(series("tocsin_drift_incidents"), _MODEL),),
        width=12,
        decimals=0,
        drills=_TO_MODEL,
        no_value="thresholds decide",
    ),
)

SERVING = (
    Panel(
        10,
        "Requests",
        "Requests a second by outcome.",
        "reqps",
        (Query(rate_by("project, model, outcome", _REQUESTS), "{{model}} {{outcome}}"),),
        drills=_TO_MODEL,
        no_value=_NO_REQUEST,
    ),
    Panel(
        11,
        "Latency",
        "Median, 90th and 99th percentile of the request's duration.",
        "s",
        (
            Query(quantile(0.5, "project, model", _DURATION), "{{model}} p50"),
            Query(quantile(0.9, "project, model", _DURATION), "{{model}} p90"),
            Query(quantile(0.99, "project, model", _DURATION), "{{model}} p99"),
        ),
        drills=_TO_MODEL,
        no_value=_NO_REQUEST,
    ),
    Panel(
        12,
        "Error ratio",
        "Share of requests that the model answers with an error of its own. The line is where the alert "
        "ServingErrorRatioHigh begins.",
        "percentunit",
        (Query(f"{_FAILED} / ({_ALL} > 0) or 0 * {_ALL}", _MODEL),),
        steps=above(0.05),
        drills=_TO_MODEL,
        no_value=_NO_REQUEST,
    ),
    Panel(
        13,
        "Latency over time",
        "How many requests took how long: two bands are two kinds of requests, a rising one is a queue.",
        "s",
        (Query(f"sum by (le) ({gain(_DURATION + '_bucket')})", "{{le}}"),),
        kind="heatmap",
        width=12,
        minimum=None,
        no_value=_NO_REQUEST,
    ),
    Panel(
        14,
        "Requests in flight",
        "Requests that are being served now.",
        "short",
        (Query(f"sum by ({_BY_MODEL}) ({series('tocsin_inference_in_flight')})", _MODEL),),
        width=12,
        drills=_TO_MODEL,
        no_value=_NO_REQUEST,
    ),
)

WINDOWS = (
    Panel(
        18,
        "Missing values beside their bound",
        "Each feature's share of missing values as a share of its own bound; above 100 % it alarms.",
        "percentunit",
        (Query(_MISSING, _FEATURE),),
        steps=above(1),
        drills=_TO_FEATURE,
        no_value=_QUIET,
    ),
    Panel(
        19,
        "New categories",
        "Share of values that are categories which the reference does not have; dashed: the bound of each feature.",
        "percentunit",
        (
            Query(series("tocsin_feature_new_ratio"), _FEATURE),
            Query(series("tocsin_feature_new_threshold"), f"{_FEATURE} bound", bound=True),
        ),
        drills=_TO_FEATURE,
        no_value=_QUIET,
    ),
    Panel(
        27,
        "Values of another kind",
        "Share of rows where the feature is infinite or not of the reference's kind; dashed: the feature's bound.",
        "percentunit",
        (
            Query(series("tocsin_feature_invalid_ratio"), _FEATURE),
            Query(series("tocsin_feature_invalid_threshold"), f"{_FEATURE} bound", bound=True),
        ),
        drills=_TO_FEATURE,
        no_value=_QUIET,
    ),
    Panel(
        43,
        "Features unlike a further reference",
        "Features of the newest closed windows that are further than usual from each further reference: one that has a "
        "name, the same hours a week before, the last 28 days. Nothing alarms by them.",
        "short",
        (
            Query(
                f"max by ({_BY_MODEL}, reference) ({series('tocsin_reference_features_beyond')})",
                f"{_MODEL} {{{{reference}}}}",
            ),
        ),
        width=12,
        decimals=0,
        drills=_TO_MODEL,
        no_value=_QUIET,
    ),
    Panel(
        44,
        "Distance from each further reference",
        "How far each feature of the newest closed window is from further references: what is far from the training "
        "set and near to last week is not new. Nothing alarms by them.",
        "percentunit",
        (Query(series("tocsin_feature_reference_distance"), f"{_FEATURE} {{{{reference}}}}"),),
        width=12,
        drills=_TO_FEATURE,
        no_value=_QUIET,
    ),
    Panel(
        41,
        "Features that go together otherwise",
        "How far the worst pair of features is from going together as in the reference, as a share of its own bound; "
        "above 100 % it alarms.",
        "percentunit",
        (Query(_JOINT, _MODEL),),
        steps=above(1),
        drills=_TO_MODEL,
        no_value=_QUIET,
    ),
    Panel(
        86,
        "Together over the day",
        "How far the worst two or three features were from going together as in the reference over the newest day, as "
        "a share of their own bound; above 100 % it alarms.",
        "percentunit",
        (Query(_DAILY, _MODEL),),
        steps=above(1),
        drills=_TO_MODEL,
        no_value="no whole day has been looked at yet",
    ),
    Panel(
        42,
        "Quality before labels",
        "What the labels of the newest window would probably show; dashed: the ends of the 95 % interval.",
        "none",
        (
            Query(series("tocsin_model_quality_estimate"), f"{_MODEL} {{{{metric}}}}"),
            Query(series("tocsin_model_quality_estimate_lower"), f"{_MODEL} {{{{metric}}}} low", bound=True),
            Query(series("tocsin_model_quality_estimate_upper"), f"{_MODEL} {{{{metric}}}} high", bound=True),
        ),
        decimals=2,
        drills=_TO_MODEL,
        no_value="no estimate: the reference has no labels",
    ),
    Panel(
        20,
        "Windows with bad quality",
        "Windows in a row whose quality is beyond a bound; from the second on it alarms.",
        "short",
        (Query(series("tocsin_model_quality_bad_windows"), _MODEL),),
        decimals=0,
        steps=above(2),
        drills=_TO_MODEL,
        no_value="no label has come yet",
    ),
    Panel(
        21,
        "Label coverage",
        "Share of the judged window's predictions whose label has come. Quality on few labels says little.",
        "percentunit",
        (Query(series("tocsin_model_label_coverage_ratio"), _MODEL),),
        maximum=1,
        drills=_TO_MODEL,
        no_value="no label has come yet",
    ),
    Panel(
        38,
        "Delay of labels",
        "Time from a prediction to its label: within the lower line half of the labels come, within the upper nine in "
        "ten.",
        "s",
        (Query(series("tocsin_model_label_delay_seconds"), f"{_MODEL} {{{{quantile}}}}"),),
        drills=_TO_MODEL,
        no_value="no label has come yet",
    ),
    Panel(
        39,
        "Precision, recall and F1",
        "Means over the classes, and PR-AUC, on the labels that came. They are told and do not alarm.",
        "none",
        (Query(series("tocsin_model_quality", _BY_CLASS), f"{_MODEL} {{{{metric}}}}"),),
        decimals=2,
        drills=_TO_MODEL,
        no_value="no label has come yet",
    ),
    Panel(
        40,
        "Calibration, relative errors, cost",
        "Calibration error, MAPE, R² and the like, and what a labelled row costs by quality.costs. They are told and "
        "do not alarm.",
        "none",
        (Query(series("tocsin_model_quality", _RELATIVE), f"{_MODEL} {{{{metric}}}}"),),
        decimals=2,
        drills=_TO_MODEL,
        no_value="no label has come yet",
    ),
    Panel(
        22,
        "Rows in the newest window",
        "Predictions in the newest closed window. Bounds are wider for few rows.",
        "short",
        (Query(series("tocsin_window_rows"), _MODEL),),
        drills=_TO_MODEL,
        no_value=_QUIET,
    ),
    Panel(
        23,
        "Age of the newest closed window",
        "Time since the end of the newest judged window; grows when traffic or the collector stops.",
        "s",
        (Query(f"time() - {series(_WINDOW_END)}", _MODEL),),
        minimum=None,
        drills=_TO_MODEL,
        no_value=_QUIET,
    ),
    Panel(
        24,
        "Predictions and labels",
        "Predictions and labels a second that are on the collector's disk.",
        "eps",
        (
            Query(rate_by(_BY_MODEL, "tocsin_predictions_total"), f"{_MODEL} predictions"),
            Query(rate_by(_BY_MODEL, "tocsin_labels_total"), f"{_MODEL} labels"),
        ),
        drills=_TO_MODEL,
    ),
    Panel(
        25,
        "Labels that wait",
        "Ids with a label or an outcome whose prediction has not come yet.",
        "short",
        (Query(series("tocsin_labels_waiting"), "{{model}}"),),
        drills=_TO_MODEL,
    ),
    Panel(
        26,
        "Left out",
        "Predictions a second that came after their window was sealed, and labels whose prediction never came.",
        "eps",
        (
            Query(rate_by("project, model", "tocsin_events_late_total"), "{{model}} late predictions"),
            Query(rate_by("project, model", "tocsin_events_early_total"), "{{model}} predictions far ahead"),
            Query(rate_by("project, model", "tocsin_schema_changes_total"), "{{model}} changes of the schema"),
            Query(rate_by("project, model", "tocsin_labels_unmatched_total"), "{{model}} labels without prediction"),
        ),
        drills=_TO_MODEL,
    ),
    Panel(
        28,
        "Predictions by segment",
        "Predictions in the newest closed window by each segment's values; _other has what is not shown by itself.",
        "short",
        (Query(series("tocsin_window_segment_rows"), f"{_MODEL} {{{{segment}}}} {{{{value}}}}"),),
        drills=_TO_MODEL,
        no_value="no event has a segment",
    ),
    Panel(
        60,
        "Rules broken",
        "How many of the rules for a model's data its newest closed window breaks.",
        "short",
        (Query(series("tocsin_data_rules_broken"), _MODEL),),
        decimals=0,
        steps=above(1),
        drills=_TO_MODEL,
        no_value="no model has rules",
    ),
    Panel(
        61,
        "Which rule, since when",
        "Each rule over time: red from the close of a window that breaks it to the close of the next that keeps it.",
        "short",
        (Query(series("tocsin_data_rule_broken"), f"{_MODEL} {{{{rule}}}}"),),
        kind="state-timeline",
        words=((0, "kept", GREEN), (1, "BROKEN", RED)),
        drills=_TO_MODEL,
        no_value="no model has rules",
    ),
    Panel(
        62,
        "Values that break a rule",
        "Share of the values that a rule is about which break it.",
        "percentunit",
        (Query(series("tocsin_data_rule_unexpected_ratio"), f"{_MODEL} {{{{rule}}}}"),),
        drills=_TO_MODEL,
        no_value="no model has rules",
    ),
    Panel(
        29,
        "Latency that events tell",
        "Median and 99th percentile of the latency that predictions carry, whoever measured it.",
        "s",
        (
            Query(quantile(0.5, "project, model", "tocsin_prediction_latency_seconds"), "{{model}} p50"),
            Query(quantile(0.99, "project, model", "tocsin_prediction_latency_seconds"), "{{model}} p99"),
        ),
        drills=_TO_MODEL,
        no_value="no event has a latency",
    ),
    Panel(
        63,
        "Checks of the data that fail",
        "Learnt checks that the newest closed window fails, by kind: values beyond the reference's range, frozen "
        "features, ids and rows that repeat, and the number of rows.",
        "short",
        (Query(series("tocsin_data_check_failures"), f"{_MODEL} {{{{check}}}}"),),
        width=24,
        decimals=0,
        steps=above(1),
        drills=_TO_MODEL,
        no_value=_QUIET,
    ),
)

ANSWERS = (
    Panel(
        64,
        "Answers beside their bounds",
        "Measures of answers that are texts, as shares of their own bounds; above 100 % they alarm.",
        "percentunit",
        (Query(_TEXT, f"{_MODEL} {{{{measure}}}}"),),
        steps=above(1),
        drills=_TO_MODEL,
        no_value=_NO_TEXT,
    ),
    Panel(
        65,
        "What answers are like",
        "Shares of answers that refuse, repeat themselves, hold personal data, are of a language; likeness to "
        "reference answers and judges' scores.",
        "none",
        (Query(series("tocsin_text_measure", f'measure!~"{_SUMS}"'), f"{_MODEL} {{{{measure}}}}"),),
        decimals=2,
        drills=_TO_MODEL,
        no_value=_NO_TEXT,
    ),
    Panel(
        66,
        "Length, tokens and cost",
        "Characters of an answer (geometric mean), and tokens and cost of the newest closed window.",
        "none",
        (Query(series("tocsin_text_measure", f'measure=~"{_SUMS}"'), f"{_MODEL} {{{{measure}}}}"),),
        drills=_TO_MODEL,
        no_value=_NO_TEXT,
    ),
)

SERVING_IN_DETAIL = (
    Panel(
        30,
        "Time to the first byte",
        "Median and 99th percentile from the start of a request to the first byte of its answer.",
        "s",
        (
            Query(quantile(0.5, "project, model", _FIRST_BYTE), "{{model}} p50"),
            Query(quantile(0.99, "project, model", _FIRST_BYTE), "{{model}} p99"),
        ),
        drills=_TO_MODEL,
        no_value=_NO_REQUEST,
    ),
    Panel(
        31,
        "Requests by route",
        "Requests a second by route or watched function.",
        "reqps",
        (Query(rate_by("project, model, route", f"{_ROUTE}_count"), "{{model}} {{route}}"),),
        drills=_TO_MODEL,
        no_value=_NO_REQUEST,
    ),
    Panel(
        32,
        "Latency by route",
        "99th percentile of the duration by route or watched function.",
        "s",
        (Query(quantile(0.99, "project, model, route", _ROUTE), "{{model}} {{route}}"),),
        drills=_TO_MODEL,
        no_value=_NO_REQUEST,
    ),
    Panel(
        33,
        "Requests by host",
        "Requests a second by the host that serves them: one that gets none is out of the balance. A click shows it.",
        "reqps",
        (Query(rate_by("instance, model", _REQUESTS), "{{instance}} {{model}}"),),
        width=12,
        drills=(Drill("This host", "tocsin-fleet", ("instance",)),),
        no_value=_NO_REQUEST,
    ),
    Panel(
        34,
        "Time in requests",
        "Seconds of request a second: how many requests are served at once, on average.",
        "none",
        (Query(rate_by(_BY_MODEL, f"{_DURATION}_sum"), _MODEL),),
        width=12,
        decimals=2,
        drills=_TO_MODEL,
        no_value=_NO_REQUEST,
    ),
)

BOARD = Board(
    uid="tocsin-model",
    title="tocsin / Model",
    description="Traffic, latency, drift and quality of each model. Drift and quality are of the newest closed window.",
    variables=(
        Variable("job", "Job", "up", match='job=~"tocsin-.+"'),
        Variable("instance", "Instance", "up", match='job=~"tocsin-.+"', after=("job",)),
        Variable("project", "Project", "tocsin_predictions_total"),
        Variable("model", "Model", "tocsin_predictions_total", after=("project",)),
        Variable("feature", "Feature", _SCORE, after=("project", "model")),
    ),
    links=(Link("Fleet", "tocsin-fleet"), Link("Pipeline", "tocsin-pipeline")),
    events=(
        Event("Windows closed", f"{series(_WINDOW_END)} * 1000", f"{_MODEL}: a window ends", ORANGE, at_value=True),
        Event("Alarm", f"{series('tocsin_drift_alarm')} == 1", f"{_MODEL} is out of bounds", RED),
    ),
    rows=(
        Row(100, "Is a model broken, which, since when", BROKEN),
        Row(101, "Is it still right", RIGHT),
        Row(102, "Does it answer", SERVING),
        Row(103, "Windows, features and labels in detail", WINDOWS, collapsed=True),
        Row(105, "Answers that are texts", ANSWERS, collapsed=True),
        Row(104, "Serving in detail", SERVING_IN_DETAIL, collapsed=True),
    ),
)
