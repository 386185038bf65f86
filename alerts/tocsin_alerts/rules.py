"""The catalogue as a rules file of Prometheus. The same catalogue gives the same bytes.

YAML is a superset of JSON: a JSON string is a YAML string, so a few lines write it without a YAML library.
"""

import json
import re

from tocsin_alerts.alert import Alert, duration
from tocsin_alerts.catalogue import by_group
from tocsin_schema.ports import COLLECTOR_LISTEN

PATH = "alerts/tocsin_alerts/generated/tocsin.rules.yml"
_HUMANIZE = {"ratio": "humanizePercentage", "bytes": "humanize1024"}


def generated() -> dict[str, str]:
    """Every generated file of this room by its path from the repository's root."""
    return {PATH: rules()}


def rules(page_url: str = f"http://{COLLECTOR_LISTEN}") -> str:
    """The rules file; ``page_url`` is where the collector's page is reached, for the links to runbooks."""
    lines = ["# Generated from tocsin_alerts; change groups/ and run `make generate`.", "groups:"]
    for name, group in by_group().items():
        lines += [f"  - name: {_text('tocsin-' + name)}", "    rules:"]
        for alert in group:
            lines += _rule(alert, page_url)
    return "\n".join(lines) + "\n"


def _rule(alert: Alert, page_url: str) -> list[str]:
    return [
        f"      - alert: {alert.name}",
        f"        expr: {_text(alert.expr)}",
        *([f"        for: {duration(alert.for_s)}"] if alert.for_s else []),
        "        labels:",
        f"          severity: {alert.severity}",
        "        annotations:",
        f"          summary: {_text(_template(alert.summary, alert.unit))}",
        f"          description: {_text(_template(alert.description, alert.unit))}",
        f"          runbook_url: {_text(f'{page_url}/runbooks/{alert.name}')}",
    ]


def _template(text: str, unit: str) -> str:
    value = "{{ $value | " + _HUMANIZE.get(unit, "humanize") + " }}"
    return re.sub(r"\{(\w+)\}", lambda m: value if m[1] == "value" else "{{ $labels." + m[1] + " }}", text)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
