"""A value reads the same from the collector and from Prometheus' templates, to the character."""

import random
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts import promtool
from tocsin_alerts.number import UNITS, template, written

EDGES = [
    0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, 0.05, 0.049, 0.1, 0.3, 1 / 3, 2 / 3, 0.99995, 0.999949, 9_999.5, 9_999.4999,
    99_995.0, 12_345.0, 12_355.0, 123_456.0, 1e-4, 9.9995e-5, 0.00012345, 1e15, 1e16, 123_456_789.0, 2.0**53, 1e21,
    1e22, 1e100, 5e-324, 1.7976931348623157e308, 1.8e306, inf, -inf, nan,
]  # fmt: skip


def _many() -> list[float]:
    made = random.Random(7)
    spread = [made.choice((1, -1)) * 10 ** made.uniform(-9, 18) for _ in range(600)]
    shares = [made.random() for _ in range(200)]
    halves = [made.randrange(20_000) / 2 for _ in range(100)] + [made.randrange(100_000) / 1e5 for _ in range(100)]
    return [*EDGES, *spread, *shares, *halves]


def test_the_collector_and_prometheus_write_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A thousand values, each in each unit."""
    folder = str(tmp_path_factory.mktemp("numbers"))
    values = _many()
    rule = {
        "alert": "Any",
        "expr": "value",
        "annotations": {f"as_{unit or 'number'}": f"{{{{ {template(unit)} }}}}" for unit in UNITS},
    }
    checks = [
        {
            "exp_labels": {"at": str(at)},
            "exp_annotations": {f"as_{unit or 'number'}": written(value, unit) for unit in UNITS},
        }
        for at, value in enumerate(values)
    ]
    series = [{"series": f'value{{at="{at}"}}', "values": promtool.sample(value)} for at, value in enumerate(values)]
    path = promtool.write(folder, "rules.json", promtool.rule_file([rule]))
    test = {
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": [{"eval_time": "0m", "alertname": "Any", "exp_alerts": checks}],
    }
    told = promtool.write(folder, "test.json", promtool.document(path, "1m", [test]))
    assert promtool.run([told]) == {told: ""}


@given(st.floats())
def test_every_number_can_be_written(value: float) -> None:
    for unit in UNITS:
        text = written(value, unit)
        assert text == text.strip()
        assert "inf" not in text
        assert "nan" not in text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.03, "ratio", "3 %"), (0.16349, "ratio", "16.35 %"), (0.31234, "", "0.3123"), (2.9, "count", "3"),
     (1_234_567.0, "count", "1234567"), (nan, "ratio", "NaN %"), (-inf, "count", "-Inf")],
)  # fmt: skip
def test_numbers_read_well(value: float, unit: str, text: str) -> None:
    assert written(value, unit) == text
