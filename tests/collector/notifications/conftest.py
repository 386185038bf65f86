"""Notifications over the alarms' bench, and how Alertmanager writes them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.collector.alarms.conftest import Bench, _apprise_loaded, bench, http_server
from tocsin_collector.notifications.inbox import Inbox

__all__ = ["_apprise_loaded", "bench", "http_server"]


@pytest.fixture
def inbox(bench: Bench) -> Inbox:
    """An inbox over the bench's alarms."""
    return inbox_of(bench)


def inbox_of(bench: Bench) -> Inbox:
    return Inbox(bench.alarms, page_url="http://tocsin.example/", clock=bench.clock)


def go_time(time_s: float) -> str:
    """A time as Go writes it, to the nanosecond."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"


def alert(name: str, labels: dict[str, str], starts_s: float, ends_s: float | None = None, **said: str) -> Any:
    """One alert of a notification."""
    return {
        "status": "firing" if ends_s is None else "resolved",
        "labels": {"alertname": name, **labels},
        "annotations": said,
        "startsAt": go_time(starts_s),
        "endsAt": "0001-01-01T00:00:00Z" if ends_s is None else go_time(ends_s),
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        "fingerprint": "c4ca4238a0b92382",
    }


def document(*alerts: Any, **more: Any) -> dict[str, Any]:
    """A notification of Alertmanager, as its documentation shows it."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="x"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "tocsin",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
        **more,
    }


Alert = Callable[..., Any]
