"""A real collector's second opinion of a day: three features that only together are odd, from events to the alarm."""

import os
import sys
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest

from tests.servers.process import free_port, serving, until

ROWS = 60
AT = "/v1/models/shop/credit"


def _hours(first, hours, *, changed, seed):
    """Rows of three numbers, each pair as ever; ``changed`` of them have the third's sign from the others'."""
    rng = np.random.default_rng(seed)
    for hour in range(hours):
        a, b, c = rng.normal(size=(3, ROWS))
        c = np.where(rng.random(ROWS) < changed, np.abs(c) * np.sign(a * b), c)
        at = first + timedelta(hours=hour)
        yield [
            (f"{seed}-{hour}-{row}", (at + timedelta(seconds=59 * row)).isoformat(), a[row], b[row], c[row])
            for row in range(ROWS)
        ]


def _events(rows):
    return [
        {"type": "prediction", "project": "shop", "model": "credit", "version": "3", "id": event, "time": time}
        | {"features": {"a": a, "b": b, "c": c}, "prediction": "yes"}
        for event, time, a, b, c in rows
    ]


@pytest.mark.system
@pytest.mark.timeout(400)
def test_what_no_pair_shows_is_found_over_the_day_and_told_everywhere(tmp_path):
    # Just after midnight the last window of yesterday still waits for late rows.
    today = (datetime.now(UTC) - timedelta(hours=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [os.path.join(os.path.dirname(sys.executable), "tocsin"), "collector"]
    command += ["--data", str(tmp_path / "data"), "--listen", f"127.0.0.1:{port}"]
    known = [row for hour in _hours(today - timedelta(days=20), 10 * 24, changed=0, seed=1) for row in hour]
    lines = [f"{time},{a},{b},{c}" for _, time, a, b, c in known]
    with (
        serving(command, url, ready="/-/healthy", log=str(tmp_path / "log")) as server,
        httpx.Client(base_url=url, timeout=120) as ask,
    ):
        body = "\n".join(["time,feature.a,feature.b,feature.c", *lines, ""])
        assert ask.put("/v1/references/shop/credit?version=3", content=body).status_code == 200
        for rows in _hours(today - timedelta(days=1), 24, changed=0.8, seed=2):
            assert ask.post("/v1/events", json=_events(rows)).json()["accepted"] == ROWS
        now = [("now", datetime.now(UTC).isoformat(), 0.0, 0.0, 0.0)]  # the model's time has come to today
        assert ask.post("/v1/events", json=_events(now)).json()["accepted"] == 1

        def told():
            windows = ask.get(AT).json()["versions"][0]["windows"]
            return [window for window in windows if window["daily"]]

        (window,) = until(told, "the day was looked at", 120)
        assert window["daily"]["together"][0]["features"] == ["a", "b", "c"]
        assert window["daily"]["rows"] == 24 * ROWS
        assert any("went together otherwise over the day" in reason for reason in window["reasons"])
        assert "a, b and c went together otherwise" in ask.get("/alarms").text
        assert [a["alert"] for a in ask.get("/v1/alarms").json()["firing"] if "Joint" in a["alert"]] == [
            "DailyJointDrift"
        ]
        assert "Over the day that ended with the window of" in ask.get("/models/shop/credit/3").text
        figures = ask.get("/metrics").text
        assert 'tocsin_daily_joint_drift_score{project="shop",model="credit",version="3"}' in figures
        assert "\ntocsin_daily_looks_total 1\n" in figures
        before = window["daily"]
        server.kill()
        server.start()
        (window,) = until(told, "the day was looked at after kill -9", 120)
        assert window["daily"] == before
