"""`tocsin provision`: boards, data sources, rules and routes from one catalogue into the servers that people run."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

CONFIG = click.option("--config", "file", type=click.Path(dir_okay=False), help="The collector's TOML file.")
JSON = click.option("--json", "as_json", is_flag=True, help="Steps, reasons and counts as JSON.")
FAILED, MISCONFIGURED = 1, 78
Values = dict[str, Any]


@click.group("provision")
def command() -> None:
    """Bring boards, data sources, rules and routes into Grafana and Prometheus, and keep them as tocsin has them.

    Where to is in the collector's configuration: `grafana.url` with its credentials, `prometheus.rules_dir` and
    `prometheus.url`. Who judges alerts (`alerting.judge`) gets the alert rules, and nobody else. What is not tocsin's
    is never changed. Exit codes: 0 done, 1 failed, 78 configuration.

    \b
    Example:
      tocsin provision plan --config collector.toml      what would be written, and why
      tocsin provision apply --config collector.toml     write it; a second time nothing is written
      tocsin provision prune --config collector.toml     remove what is tocsin's and no longer wanted
      tocsin provision export --format grafana DIR       the same as files, for others to install
    """


@command.command("plan")
@CONFIG
@JSON
def plan_command(file: str | None, as_json: bool) -> None:
    """Show what apply and prune would do, and why. Nothing is written.

    \b
    Example:
      tocsin provision plan --config collector.toml
    """
    _run(file, (), as_json)


@command.command("apply")
@CONFIG
@JSON
def apply_command(file: str | None, as_json: bool) -> None:
    """Create what is missing and change what differs. Everything is validated before the first write.

    \b
    Example:
      TOCSIN_GRAFANA_URL=http://127.0.0.1:3000 TOCSIN_GRAFANA_TOKEN_FILE=token \\
      TOCSIN_PROMETHEUS_URL=http://127.0.0.1:9090 tocsin provision apply
    """
    from tocsin_collector.provision.plan import APPLY

    _run(file, APPLY, as_json)


@command.command("prune")
@CONFIG
@JSON
def prune_command(file: str | None, as_json: bool) -> None:
    """Remove what tocsin wrote and no longer wants.

    Nothing else is touched: what is somebody else's stays.

    \b
    Example:
      tocsin provision prune --config collector.toml
    """
    from tocsin_collector.provision.plan import PRUNE

    _run(file, PRUNE, as_json)


@command.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
@click.option(
    "--format",
    "format_",
    type=click.Choice(("grafana", "prometheus", "kubernetes")),
    required=True,
    help="grafana: its provisioning folder; prometheus: rule files; kubernetes: ConfigMaps and PrometheusRules.",
)
@click.option("--seen-as", help="Where Grafana sees DIR, when that is elsewhere (a container). [default: DIR]")
@CONFIG
@JSON
def export_command(folder: str, format_: str, seen_as: str | None, file: str | None, as_json: bool) -> None:
    """Write files into DIR for others to install. No server is asked, no secret is written.

    \b
    Example:
      TOCSIN_PROMETHEUS_URL=http://prometheus:9090 \\
      tocsin provision export --format grafana --seen-as /etc/grafana/provisioning ./grafana
      tocsin provision export --format kubernetes ./k8s && kubectl apply -f ./k8s
    """

    def work(values: Values) -> None:
        from tocsin_collector.provision import export, settings
        from tocsin_collector.provision.desired import check, shipped
        from tocsin_collector.provision.difference import KEEP, UNCHANGED

        settings.check(values, targets=False)
        catalogue = shipped(values)
        check(catalogue)
        made = export.files(format_, catalogue, values, os.path.abspath(seen_as or folder))
        steps = export.write_all(folder, made)
        if as_json:
            click.echo(json.dumps([{"action": step.action, "file": step.key, "reason": step.reason} for step in steps]))
            return
        for step in steps:
            click.echo(f"  {step.action:<10}{os.path.join(folder, step.key)}")
        written = sum(step.action not in (UNCHANGED, KEEP) for step in steps)
        click.echo(f"{written} written, {sum(step.action == UNCHANGED for step in steps)} unchanged in {folder}")
        if format_ == "grafana" and not values["prometheus.url"]:
            click.echo("note: prometheus.url is not set: no data source of it was written", err=True)
        if format_ == "grafana" and values["alerting.judge"] == "grafana":
            click.echo("note: Grafana's alert rules come by `tocsin provision apply`, not by files", err=True)

    _guarded(file, work)


def _run(file: str | None, actions: Sequence[str], as_json: bool) -> None:
    def work(values: Values) -> None:
        from tocsin_collector.provision import report
        from tocsin_collector.provision.difference import CONFLICT, Step
        from tocsin_collector.provision.fault import ProvisionError
        from tocsin_collector.provision.plan import plan, take

        found = plan(values)

        def told(step: Step) -> None:
            text, colour = report.line(step, done=bool(actions))
            click.echo(click.style(text, fg=colour))

        try:
            if not as_json and not actions:
                for part in found.parts:
                    click.echo(part.title)
                    for step in part.steps:
                        told(step)
            if actions:
                take(found, actions, (lambda _: None) if as_json else told)
        except ProvisionError as error:
            if as_json:
                click.echo(json.dumps({**report.as_json(found), "faults": error.faults}))
            _fail(error.faults, FAILED)
        if as_json:
            click.echo(json.dumps(report.as_json(found)))
        else:
            click.echo(report.outcome(found) if actions else report.summary(found))
            for note in found.notes:
                click.echo(f"note: {note}", err=True)
        if found.steps(CONFLICT):
            sys.exit(FAILED)

    _guarded(file, work)


def _guarded(file: str | None, work: Callable[[Values], None]) -> None:
    from tocsin_collector.provision.fault import ProvisionError
    from tocsin_schema.config import ConfigError, load
    from tocsin_schema.settings.collector import COLLECTOR

    try:
        work(load(COLLECTOR, file, os.environ))
    except ConfigError as error:
        _fail(error.faults, MISCONFIGURED)
    except ProvisionError as error:
        _fail(error.faults, FAILED)


def _fail(faults: Sequence[str], code: int) -> NoReturn:
    for fault in faults:
        click.echo(fault, err=True)
    sys.exit(code)
