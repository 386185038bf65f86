"""The rules against the catalogue of metrics; and each check against a rule that it must refuse."""

from typing import Any

import pytest

from tests.alerts import promtool
from tests.alerts.lint import faults
from tocsin_alerts import alerts
from tocsin_alerts.recording import RECORDS

RULES, _ = promtool.the_rules()
TEXTS = {"summary": "a", "description": "b", "runbook_url": "c"}


@pytest.mark.parametrize("name", list(alerts()))
def test_a_rule_has_no_fault(name: str) -> None:
    assert faults({**RULES[name], "expr": alerts()[name].expr}) == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_recording_rule_has_no_fault(record: Any) -> None:
    assert faults({"record": record.name, "expr": record.expr}) == []


def test_no_two_rules_are_alike() -> None:
    told = [alert.expr for alert in alerts().values()] + [record.expr for record in RECORDS]
    assert len(told) == len(set(told))
    runbooks = [rule["annotations"]["runbook_url"] for rule in RULES.values()]
    assert len(runbooks) == len(set(runbooks))


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        ("up == ", "does not parse"),
        ("tocsin_nothing > 0", "not in the catalogue"),
        ("sum by (gpu) (tocsin_server_up) == 0", "not there to group by"),
        ("tocsin_server_up == tocsin_gpu_up", "on one side only"),
        ("tocsin_server_up == on (gpu) tocsin_gpu_up", "not on both sides"),
        ('tocsin_server_up{gpu="0"} == 0', "has no label gpu"),
        ('up{job=~"tocsin-agent"} == 0', "no pattern"),
        ('tocsin_inference_request_duration_seconds_bucket{le="1"} > 0', "Prometheus 3"),
        ("up offset -5m == 0", "into the future"),
        ("rate(tocsin_server_up[5m]) > 0", "no counter"),
        ("deriv(tocsin_events_late_total[5m]) > 0", "which falls to 0"),
        ("increase(tocsin_events_late_total[30s]) > 0", "fewer than four scrapes"),
        ("topk(3, tocsin_server_up) == 0", "from one evaluation to the next"),
        ("sum without (job) (tocsin_server_up) == 0", "alerts double"),
        ("tocsin_server_up", "always fires"),
        ("tocsin_server_up == bool 0", "always fires"),
        ("absent(tocsin_server_up)", "every restart"),
    ],
)
def test_a_faulty_expression_is_refused(expr: str, said: str) -> None:
    found = faults({"alert": "A", "expr": expr, "annotations": TEXTS})
    assert any(said in fault for fault in found), found


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"labels": {"level": "{{ $value }}"}}, "each evaluation begins another alert"),
        ({"annotations": {**TEXTS, "summary": "{{ $labels.gpu }}"}}, "name gpu"),
        ({"annotations": {"summary": "a", "description": "b"}}, "no runbook_url"),
        ({"expr": "tocsin_server_up == 0 or on (job) tocsin_gpu_up == 0",
          "annotations": {**TEXTS, "summary": "{{ $labels.server }}"}}, "name server"),
    ],
)  # fmt: skip
def test_a_faulty_text_is_refused(more: dict[str, Any], said: str) -> None:
    rule = {"alert": "A", "expr": "tocsin_server_up == 0", "annotations": TEXTS}
    assert faults(rule) == []
    assert any(said in fault for fault in faults({**rule, **more})), faults({**rule, **more})
