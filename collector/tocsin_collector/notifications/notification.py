"""A webhook's body into plain values: Alertmanager's (version 4) and Grafana's, which has the same shape and more.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tocsin_collector.ingest.answer import Refusal

MAX_ALERTS = 1_000
MAX_LABELS = 100
MAX_NAME, MAX_VALUE = 256, 2_048
MAX_ANNOTATION = 4_096
"""Characters; an annotation is cut there, a label is refused: it tells alerts apart."""
_SENDERS = {"4": "Alertmanager", "1": "Grafana"}
_LATEST_S = 7_258_118_400  # the year 2200


@dataclass(frozen=True, slots=True)
class Notified:
    """One alert of a notification. Times are seconds since the Unix epoch; ``ends_s`` is None while it fires."""

    name: str
    firing: bool
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_s: float
    ends_s: float | None
    source_url: str = ""


@dataclass(frozen=True, slots=True)
class Notification:
    """A group of alerts. ``left_out`` counts alerts that the sender did not put in (its ``max_alerts``)."""

    sender: str
    alerts: tuple[Notified, ...]
    left_out: int = 0


def notification(body: bytes) -> Notification:
    """The notification in a body. Raises Refusal 400 with the one thing that is wrong."""
    try:
        document = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _wrong("utf8", f"byte {error.start} of the body is no UTF-8") from None
    except RecursionError:
        raise _wrong("depth", "the body is nested too deep") from None
    except ValueError as error:
        raise _wrong("json", f"the body is no JSON: {error!s:.120}") from None
    if not isinstance(document, dict):
        raise _wrong("object", "a JSON object expected, as Alertmanager's webhook sends it")
    version = document.get("version")
    if not isinstance(version, str) or version not in _SENDERS:
        raise _wrong("version", f'version {version!r:.40}: "4" (Alertmanager) or "1" (Grafana) expected')
    alerts = document.get("alerts")
    if not isinstance(alerts, list) or not alerts:
        raise _wrong("alerts", "alerts: a list with at least one alert expected")
    if len(alerts) > MAX_ALERTS:
        raise _wrong("alerts", f"{len(alerts)} alerts, at most {MAX_ALERTS}: set max_alerts or group more finely")
    left_out = document.get("truncatedAlerts", 0)
    return Notification(
        _SENDERS[version],
        tuple(_alert(alert, f"alerts[{index}]") for index, alert in enumerate(alerts)),
        left_out if type(left_out) is int and 0 < left_out < 1 << 31 else 0,
    )


def _alert(alert: object, at: str) -> Notified:
    if not isinstance(alert, dict):
        raise _wrong("alert", f"{at}: an object expected")
    labels = _texts(alert.get("labels"), f"{at}.labels", MAX_VALUE, cut=False)
    name = labels.get("alertname", "")
    if not name:
        raise _wrong("labels", f"{at}.labels: alertname is missing")
    status = alert.get("status")
    if status not in ("firing", "resolved"):
        raise _wrong("status", f"{at}.status {status!r:.40}: firing or resolved expected")
    starts_s = _time(alert.get("startsAt"), f"{at}.startsAt")
    if starts_s is None:
        raise _wrong("time", f"{at}.startsAt: a time expected")
    source = alert.get("generatorURL")
    return Notified(
        name=name,
        firing=status == "firing",
        labels=labels,
        annotations=_texts(alert.get("annotations", {}), f"{at}.annotations", MAX_ANNOTATION, cut=True),
        starts_s=starts_s,
        ends_s=_time(alert.get("endsAt"), f"{at}.endsAt") if status == "resolved" else None,
        source_url=_clean(source)[:MAX_VALUE] if isinstance(source, str) else "",
    )


def _texts(found: object, at: str, longest: int, *, cut: bool) -> dict[str, str]:
    if found is None and cut:
        return {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise _wrong("labels", f"{at}: an object with texts expected")
    if len(found) > MAX_LABELS:
        raise _wrong("labels", f"{at}: {len(found)} entries, at most {MAX_LABELS}")
    _check_lengths(found, at, None if cut else longest)
    return {_clean(name): _clean(value)[:longest] for name, value in found.items()}


def _check_lengths(found: Mapping[Any, Any], at: str, longest: int | None) -> None:
    for name, value in found.items():
        if len(name) > MAX_NAME:
            raise _wrong("labels", f"{at}: a name of {len(name)} characters, at most {MAX_NAME}")
        if longest is not None and len(value) > longest:
            raise _wrong("labels", f"{at}.{name:.60}: {len(value)} characters, at most {longest}")


def _clean(text: str) -> str:
    # JSON can carry half of a surrogate pair, which no file and no socket takes.
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _time(text: object, at: str) -> float | None:
    """Seconds since the Unix epoch, None for no time and for Go's time without a value, year 1."""
    if text is None or (isinstance(text, str) and text.startswith("0001-01-01T")):
        return None
    try:
        moment = datetime.fromisoformat(str(text))
        seconds = moment.timestamp() if moment.tzinfo else -1.0
    except (ValueError, OverflowError):
        seconds = -1.0
    if not isinstance(text, str) or not 0 <= seconds < _LATEST_S:
        raise _wrong("time", f"{at} {text!r:.60}: a time like 2013-12-05T10:00:00Z expected")
    return seconds


def _wrong(code: str, reason: str) -> Refusal:
    return Refusal(400, code, reason)
