"""Rules: what the rules for its data say of the newest closed window's data."""

from tocsin_schema.metric import GAUGE, Metric

_MODEL = {"project": 100, "model": 100, "version": 20}
_RULE = {**_MODEL, "rule": 500}

METRICS = (
    Metric(
        "tocsin_data_rules_broken",
        GAUGE,
        "",
        "Rules of the model that the newest closed window breaks.",
        emitter="collector",
        labels=_MODEL,
    ),
    Metric(
        "tocsin_data_rule_broken",
        GAUGE,
        "",
        "1 while the newest closed window breaks the rule, else 0.",
        emitter="collector",
        labels=_RULE,
    ),
    Metric(
        "tocsin_data_rule_unexpected_ratio",
        GAUGE,
        "ratio",
        "Share of the values that the rule is about which break it, of the newest closed window; 0 or 1 for a rule "
        "about one figure.",
        emitter="collector",
        labels=_RULE,
    ),
)
