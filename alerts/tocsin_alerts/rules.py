"""The catalogue as rules files of Prometheus, one a group. The same catalogue gives the same bytes.

YAML is a superset of JSON: a JSON string is a YAML string, so a few lines write it without a YAML library.
"""

import json
import re
from collections.abc import Iterable

from tocsin_alerts import number
from tocsin_alerts.alert import FLEET, MODEL, PIPELINE, Alert, duration
from tocsin_alerts.catalogue import by_group
from tocsin_alerts.recording import RECORDS, Record, recorded
from tocsin_schema.ports import COLLECTOR_LISTEN

FOLDER = "alerts/tocsin_alerts/generated"
VARIABLES = {
    FLEET: ("instance",),
    # Not the instance: there it would choose among the hosts that serve, and these alerts come from the collector.
    MODEL: ("project", "model", "feature"),
    PIPELINE: ("instance",),
}
"""The variables of each board that an alert's labels may set."""
_HEAD = ["# Generated from tocsin_alerts; change its Python files and run `make generate`.", "groups:"]


def generated() -> dict[str, str]:
    """Every generated file of this room by its path from the repository's root."""
    return {f"{FOLDER}/{name}": text for name, text in rules().items()}


def rules(page_url: str = f"http://{COLLECTOR_LISTEN}", grafana_url: str = "") -> dict[str, str]:
    """The rules files by name. ``page_url`` is where people reach the collector's page, for the links to runbooks;
    ``grafana_url`` where they reach Grafana, for those to panels, or empty."""
    links = page_url.rstrip("/"), grafana_url.rstrip("/")
    files = {name: [_alert(alert, *links) for alert in group] for name, group in by_group().items()}
    files["recording"] = [_record(record, RECORDS[:at]) for at, record in enumerate(RECORDS)]
    return {f"tocsin-{name}.rules.yml": _file(f"tocsin-{name}", files[name]) for name in sorted(files)}


def annotations(alert: Alert, page_url: str, grafana_url: str = "") -> dict[str, str]:
    """The annotations of an alert's rule, as templates of Prometheus."""
    found = {
        "summary": _template(alert.summary, alert.unit),
        "description": _template(alert.description, alert.unit),
        "runbook_url": f"{page_url}/runbooks/{alert.name}",
    }
    return found | ({"dashboard_url": _panel_url(alert, grafana_url)} if grafana_url else {})


def _panel_url(alert: Alert, grafana_url: str) -> str:
    board, panel = alert.panel
    chosen = [name for name in VARIABLES[board] if name in alert.labels]
    variables = "".join(f"&var-{name}={{{{ $labels.{name} | urlquery }}}}" for name in chosen)
    return f"{grafana_url}/d/{board}?viewPanel={panel}{variables}"


def _file(group: str, entries: Iterable[list[str]]) -> str:
    lines = [*_HEAD, f"  - name: {group}", "    rules:", *(line for entry in entries for line in entry)]
    return "\n".join(lines) + "\n"


def _record(record: Record, before: tuple[Record, ...]) -> list[str]:
    return [f"      - record: {record.name}", f"        expr: {_text(recorded(record.expr, before))}"]


def _alert(alert: Alert, page_url: str, grafana_url: str) -> list[str]:
    said = annotations(alert, page_url, grafana_url)
    return [
        f"      - alert: {alert.name}",
        f"        expr: {_text(recorded(alert.expr))}",
        *([f"        for: {duration(alert.for_s)}"] if alert.for_s else []),
        "        labels:",
        f"          severity: {alert.severity}",
        "        annotations:",
        *(f"          {name}: {_text(text)}" for name, text in said.items()),
    ]


def _template(text: str, unit: str) -> str:
    value = f"{{{{ {number.template(unit)} }}}}"
    return re.sub(r"\{(\w+)\}", lambda m: value if m[1] == "value" else "{{ $labels." + m[1] + " }}", text)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
