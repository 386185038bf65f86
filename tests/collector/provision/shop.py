"""A small catalogue and a configuration, so that the tests say what they are about."""

import copy
import functools

from tocsin_collector.provision.desired import Catalogue
from tocsin_collector.provision.plan import APPLY, PRUNE, plan, take
from tocsin_collector.provision.stamp import unstamped
from tocsin_dashboards.builder import build
from tocsin_dashboards.generate import found
from tocsin_schema.config import load
from tocsin_schema.settings.collector import COLLECTOR

RECORDING = """\
# Recorded for the alerts.
groups:
  - name: tocsin-recording
    rules:
      - record: model:tocsin_up:sum
        expr: "sum(up)"
"""
ALERTS = """\
# Two alerts.
groups:
  - name: tocsin-host
    rules:
      - alert: HostDown
        expr: "up{job=\\"tocsin-agent\\"} == 0"
        labels:
          severity: critical
        annotations:
          summary: "agent {{ $labels.instance }} is at {{ $value | printf \\"%.4g\\" }}"
          description: "The agent on {{ $labels.instance }} does not answer."
          runbook_url: "http://page/runbooks/HostDown"
          dashboard_url: "http://grafana/d/tocsin-fleet?viewPanel=1&var-instance={{ $labels.instance | urlquery }}"
      - alert: HostMemoryLow
        expr: "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.05"
        for: 90s
        labels:
          severity: warning
        annotations:
          summary: "memory"
          description: "Little is left."
          runbook_url: "http://page/runbooks/HostMemoryLow"
"""
RULES = {"tocsin-host.rules.yml": ALERTS, "tocsin-recording.rules.yml": RECORDING}


@functools.cache
def _boards():
    """Fleet and model with their first panels only: what is proven here does not hang on how many there are."""
    built = [build(board) for name, board in found().items() if name in ("fleet", "model")]
    return {board["uid"]: {**unstamped(board), "links": [], "panels": board["panels"][:3]} for board in built}


def boards():
    """Boards that may be changed."""
    return copy.deepcopy(_boards())


def catalogue(rules=None):
    return Catalogue(boards(), dict(RULES if rules is None else rules))


def values(**given):
    """The collector's configuration; ``grafana__url`` stands for ``grafana.url``."""
    return load(COLLECTOR, None, {}) | {name.replace("__", "."): value for name, value in given.items()}


def applied(configuration, shipped=None, **kwargs):
    """One apply: the plan after it."""
    return _taken(configuration, APPLY, shipped, **kwargs)


def pruned(configuration, shipped=None, **kwargs):
    """One prune."""
    return _taken(configuration, PRUNE, shipped, **kwargs)


def _taken(configuration, actions, shipped, **kwargs):
    kwargs.setdefault("sleep", lambda _: None)
    made = plan(configuration, catalogue=shipped or catalogue(), **kwargs)
    take(made, actions, lambda _: None)
    return made


def planned(configuration, shipped=None, **kwargs):
    """One plan."""
    kwargs.setdefault("sleep", lambda _: None)
    return plan(configuration, catalogue=shipped or catalogue(), **kwargs)


def steps(made, *actions):
    """The steps of a plan as pairs of kind and key."""
    return [(step.kind, step.key) for step in made.steps(*actions)]
