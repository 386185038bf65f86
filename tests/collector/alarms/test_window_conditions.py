"""What a window's verdict says of the window alerts."""

import dataclasses

from tocsin_alerts.alert import QUALITY
from tocsin_collector.alarms.window import conditions
from tocsin_collector.verdict import ModelKey, QualityVerdict, WindowVerdict

QUALITY_VERDICT = QualityVerdict(800, 0.9, {"auc": 0.6}, {}, {}, {"auc": 0.65}, ("AUC is low",), strikes=2)
VERDICT = WindowVerdict(ModelKey("demo", "m", "1"), 0.0, 3_600.0, 0, 900, features={}, quality=QUALITY_VERDICT)


def test_a_judged_window_tells_its_quality():
    assert conditions(VERDICT)[QUALITY] == ("AUC is low",)


def test_a_window_whose_labels_are_still_coming_ends_no_alarm():
    early = dataclasses.replace(QUALITY_VERDICT, mature=False, reasons=())
    assert QUALITY not in conditions(dataclasses.replace(VERDICT, quality=early))
