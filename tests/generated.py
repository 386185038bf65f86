"""``python -m tests.generated [--check]``: write every generated file, or fail when one is not fresh."""

import json
import os
import sys

import tocsin_alerts
import tocsin_dashboards.generate
from tocsin_schema.catalogue import groups
from tocsin_schema.config import json_schema, reference, sample
from tocsin_schema.settings.agent import AGENT
from tocsin_schema.settings.collector import COLLECTOR

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SETTINGS = {"agent": AGENT, "collector": COLLECTOR}


def metrics_page() -> str:
    """The reference of all metrics, from the catalogue."""
    lines = [
        "# Metrics",
        "",
        "Generated from the catalogue (`schema/tocsin_schema/metrics/`); a label's bound stands behind it.",
        "",
    ]
    for group, metrics in groups().items():
        lines += [
            f"## {group}",
            "",
            "| name | type | labels | from | OpenTelemetry | meaning |",
            "|---|---|---|---|---|---|",
        ]
        for metric in metrics:
            labels = ", ".join(f"`{label}` ≤ {bound}" for label, bound in metric.labels.items())
            twin = f"`{metric.otel}`" if metric.otel else ""
            help_text = metric.help.replace("|", "\\|")
            lines.append(f"| `{metric.name}` | {metric.type} | {labels} | {metric.emitter} | {twin} | {help_text} |")
        lines.append("")
    return "\n".join(lines)


def alerts_page() -> str:
    """The reference of all alerts, from their catalogue."""
    lines = [
        "# Alerts",
        "",
        "Generated from the catalogue (`alerts/tocsin_alerts/groups/`). *Judged by*: the collector judges most alerts",
        "without a Prometheus; a panel is a board's uid and the panel's id there.",
        "",
    ]
    for group, alerts in tocsin_alerts.catalogue.by_group().items():
        lines += [
            f"## {group}",
            "",
            "| alert | severity | for | expression | judged by | panel | runbook |",
            "|---|---|---|---|---|---|---|",
        ]
        for alert in alerts:
            judges = "Prometheus" if alert.needs_prometheus else "collector, Prometheus"
            after = tocsin_alerts.alert.duration(alert.for_s) if alert.for_s else "at once"
            expr = "`" + alert.expr.replace("|", "\\|") + "`"
            runbook = f"[{alert.name}](../../alerts/tocsin_alerts/runbooks/{alert.name}.md)"
            board, panel = alert.panel
            cells = [f"`{alert.name}`", alert.severity, after, expr, judges, f"`{board}` {panel}", runbook]
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    lines += ["## recording rules", "", "| series | expression |", "|---|---|"]
    for record in tocsin_alerts.recording.RECORDS:
        expr = record.expr.replace("|", "\\|")
        lines.append(f"| `{record.name}` | `{expr}` |")
    return "\n".join([*lines, ""])


def settings_pages() -> dict[str, str]:
    """Reference, sample file and JSON Schema of each process' configuration."""
    pages = {}
    for name, table in SETTINGS.items():
        title = f"Configuration of the {name}"
        pages[f"docs/reference/config-{name}.md"] = f"# {title}\n\n{reference(table)}"
        pages[f"docs/reference/{name}.sample.toml"] = sample(table)
        pages[f"docs/reference/{name}.schema.json"] = json.dumps(json_schema(table, title), indent=1) + "\n"
    return pages


def everything() -> dict[str, str]:
    """The text of every generated file by its path from the root."""
    return {
        "docs/reference/metrics.md": metrics_page(),
        "docs/reference/alerts.md": alerts_page(),
        **settings_pages(),
        **tocsin_dashboards.generate.generated(),
        **tocsin_alerts.generated(),
    }


def stale(texts: dict[str, str]) -> list[str]:
    """The files that differ from what would be generated, or are not there."""
    found = []
    for path, text in texts.items():
        try:
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                fresh = file.read() == text
        except OSError:
            fresh = False
        if not fresh:
            found.append(path)
    return found


def main(arguments: list[str]) -> int:
    """Write, or check with ``--check``. 1 when a file is not fresh."""
    texts = everything()
    old = stale(texts)
    if arguments == ["--check"]:
        for path in old:
            print(f"{path} is not fresh: make generate", file=sys.stderr)
        return 1 if old else 0
    for path in old:
        os.makedirs(os.path.dirname(os.path.join(ROOT, path)), exist_ok=True)
        with open(os.path.join(ROOT, path), "w", encoding="utf-8") as file:
            file.write(texts[path])
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
