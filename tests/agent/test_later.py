"""Metrics that are imported when somebody asks."""

import subprocess
import sys

from tocsin_agent.later import Later
from tocsin_schema.metrics import hwmon


def test_a_class_has_the_metrics_of_a_group():
    owner = type("Owner", (), {"METRICS": Later("hwmon")})
    assert owner.METRICS == hwmon.METRICS
    assert owner().METRICS == hwmon.METRICS


def test_they_are_not_imported_with_the_source():
    code = "import sys, tocsin_agent.sources.hwmon; assert 'tocsin_schema.metrics.hwmon' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
