"""Each rule of the lint catches a fault that is planted into a good board."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_dashboards.builder import build
from tocsin_dashboards.generate import found
from tocsin_dashboards.lint import all_faults, faults
from tocsin_dashboards.lint import query as query_lint
from tocsin_schema.catalogue import catalogue

GOOD = {name: build(board) for name, board in found().items()}
KNOWN = catalogue()
VARIABLES = {"job", "instance"}
ALL = 'job=~"$job",instance=~"$instance"'


def _panel(board, number):
    every = [panel for panel in board["panels"] for panel in (panel, *panel.get("panels", []))]
    return next(panel for panel in every if panel["id"] == number)


def _variable(board, name):
    return next(item for item in board["templating"]["list"] if item["name"] == name)


def _twice(board):
    board["templating"]["list"].append(copy.deepcopy(_variable(board, "job")))


def _swap(board, number, **changes):
    _panel(board, number).update(changes)


def _field(board, number, **changes):
    _panel(board, number)["fieldConfig"]["defaults"].update(changes)


def _steps(board, number, *values):
    steps = [{"color": "green", "value": value} for value in values]
    _field(board, number, thresholds={"mode": "absolute", "steps": steps})


BOARD = {
    "no uid": (lambda board: board.pop("uid"), "uid is missing"),
    "no description": (lambda board: board.update(description=""), "description is missing"),
    "an exported board": (lambda board: board.update(__inputs=[]), "__inputs is for boards of one Grafana"),
    "a database's id": (lambda board: board.update(id=7), "id is for boards of one Grafana"),
    "editable": (lambda board: board.update(editable=True), "editable is not false"),
    "a long uid": (lambda board: board.update(uid="u" * 41), "longer than the 40"),
    "an id twice": (lambda board: _swap(board, 2, id=1), "2 panels share the id 1"),
    "no id": (lambda board: _panel(board, 2).pop("id"), "has no id of its own"),
    "an id of text": (lambda board: _swap(board, 2, id="2"), "has no id of its own"),
    "a title twice": (lambda board: _swap(board, 2, title="Hosts that answer"), "share the title"),
    "beyond the grid": (lambda board: _panel(board, 2)["gridPos"].update(x=20), "leaves the grid"),
    "no width": (lambda board: _panel(board, 2)["gridPos"].update(w=0), "leaves the grid"),
    "overlapping": (lambda board: _panel(board, 5)["gridPos"].update(x=2), "overlaps another"),
    "overlapping in a collapsed row": (lambda board: _panel(board, 31)["gridPos"].update(x=2), "overlaps another"),
    "an open row with panels": (lambda board: _panel(board, 103).update(collapsed=False), "an open one has them after"),
    "a row without title": (lambda board: _swap(board, 100, title=""), "row 100 has no title"),
    "too many queries": (
        lambda board: _panel(board, 2)["targets"].extend(
            {**_panel(board, 2)["targets"][0], "refId": f"X{number}"} for number in range(30)
        ),
        "queries run when the board opens",
    ),
    "no variable instance": (
        lambda board: board["templating"]["list"].remove(_variable(board, "instance")),
        "there is no variable instance",
    ),
    "no data source": (
        lambda board: board["templating"]["list"].remove(_variable(board, "datasource")),
        "there is no variable datasource",
    ),
    "a data source of logs": (lambda board: _variable(board, "datasource").update(query="loki"), "of Prometheus"),
    "a variable twice": (_twice, "two variables are called job"),
    "a variable's own source": (
        lambda board: _variable(board, "job").update(datasource={"type": "prometheus", "uid": "P1"}),
        "variable job: it asks a data source of its own",
    ),
    "a variable of text": (lambda board: _variable(board, "job").update(type="custom"), "it is a custom"),
    "values of another label": (
        lambda board: _variable(board, "job")["query"].update(query="label_values(up{}, instance)"),
        "the values of the label of its name",
    ),
    "a variable loaded once": (lambda board: _variable(board, "job").update(refresh=1), "refresh is not 2"),
    "one value only": (lambda board: _variable(board, "job").update(multi=False), "multi is not True"),
    "no All": (lambda board: _variable(board, "job").update(includeAll=False), "includeAll is not True"),
    "All as a list": (lambda board: _variable(board, "job").pop("allValue"), "allValue is not"),
    "a small label": (lambda board: _variable(board, "job").update(label="job"), "does not begin with a capital"),
    "a written value": (lambda board: _variable(board, "job").update(current={"value": "x"}), "is written into"),
    "a variable for nothing": (
        lambda board: board["templating"]["list"].append({**_variable(board, "job"), "name": "pod", "label": "Pod"}),
        "variable pod is not used",
    ),
    "no title": (lambda board: _swap(board, 2, title=""), "title is missing"),
    "no description of a panel": (lambda board: _swap(board, 2, description=""), "description is missing"),
    "half a description": (lambda board: _swap(board, 2, description="memory"), "no sentence"),
    "an old panel": (lambda board: _swap(board, 2, type="graph"), "graph is none of the kinds"),
    "a source of its own": (
        lambda board: _swap(board, 2, datasource={"type": "prometheus", "uid": "P1"}),
        "not ${datasource}",
    ),
    "a query's own source": (
        lambda board: _panel(board, 2)["targets"][0].update(datasource={"type": "prometheus", "uid": "P1"}),
        "not ${datasource}",
    ),
    "no unit": (lambda board: _field(board, 2, unit=""), "unit is missing"),
    "an unknown unit": (lambda board: _field(board, 2, unit="percentage"), "percentage is no unit"),
    "an unknown unit of a column": (
        lambda board: _panel(board, 9)["fieldConfig"]["overrides"][0]["properties"].append(
            {"id": "unit", "value": "hours"}
        ),
        "hours is no unit",
    ),
    "no text without data": (lambda board: _field(board, 2, noValue=""), "noValue is missing"),
    "half a decimal": (lambda board: _field(board, 2, decimals=1.5), "decimals"),
    "min above max": (lambda board: _field(board, 2, min=2), "min is not below max"),
    "falling steps": (lambda board: _steps(board, 2, None, 3, 1), "do not rise"),
    "steps without a first": (lambda board: _steps(board, 2, 1, 3), "do not rise"),
    "steps not drawn": (
        lambda board: _panel(board, 2)["fieldConfig"]["defaults"]["custom"].pop("thresholdsStyle"),
        "does not draw them",
    ),
    "a stat without colours": (
        lambda board: _panel(board, 1)["fieldConfig"]["defaults"].pop("thresholds"),
        "neither thresholds nor words",
    ),
    "no query": (lambda board: _panel(board, 2)["targets"].clear(), "no query"),
    "a letter twice": (
        lambda board: [target.update(refId="A") for target in _panel(board, 13)["targets"]],
        "share a refId",
    ),
    "no legend": (lambda board: _panel(board, 2)["targets"][0].update(legendFormat=""), "has no legend"),
    "a stat of the past": (lambda board: _panel(board, 1)["targets"][0].update(instant=False), "ask for now"),
    "a chart of now": (lambda board: _panel(board, 2)["targets"][0].update(instant=True), "ask for now"),
    "a table's format": (lambda board: _panel(board, 9)["targets"][0].pop("format"), "format is not the table's"),
    "a table of series": (
        lambda board: _panel(board, 9)["targets"][0].update(expr=f"node_load1{{{ALL}}}"),
        "aggregated by the labels of its rows",
    ),
    "a mark from elsewhere": (
        lambda board: board["annotations"]["list"][0].update(datasource={"type": "x", "uid": "-- Grafana --"}),
        "annotation Restarts: it asks a data source",
    ),
    "a mark of nothing": (
        lambda board: board["annotations"]["list"][0].update(expr=f"node_nothing{{{ALL}}}"),
        "annotation Restarts: node_nothing is not in the catalogue",
    ),
    "no board at all": (lambda board: board.pop("panels"), "this is no board"),
    "panels of text": (lambda board: board.update(panels="none"), "this is no board"),
}


@pytest.mark.parametrize("name", sorted(BOARD))
def test_a_planted_fault_is_found(name):
    change, said = BOARD[name]
    board = copy.deepcopy(GOOD["fleet"])
    change(board)
    assert any(said in fault for fault in faults(board, KNOWN)), faults(board, KNOWN)


def _places(value, path=()):
    """The path of everything within a board."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from _places(each, (*path, key))


PLACES = sorted(_places(GOOD["fleet"]), key=repr)
GONE = object()


@settings(max_examples=80, deadline=None)
@given(place=st.sampled_from(PLACES), value=st.sampled_from([GONE, None, 0, -1.5, "", "x", [], [1], {}, True]))
def test_no_damage_to_a_board_makes_the_lint_fail(place, value):
    boards = {"fleet": copy.deepcopy(GOOD["fleet"])}
    if place:
        around = boards["fleet"]
        for key in place[:-1]:
            around = around[key]
        if value is GONE:
            del around[place[-1]]
        else:
            around[place[-1]] = value
    else:
        boards["fleet"] = None if value is GONE else value
    assert isinstance(all_faults(boards.values(), KNOWN), list)


def test_a_heatmap_takes_its_format():
    board = copy.deepcopy(GOOD["model"])
    _panel(board, 13)["targets"][0]["format"] = "time_series"
    assert any("format is not the heatmap's" in fault for fault in faults(board, KNOWN))


LINK = {
    "to nowhere": ("/d/tocsin-none?${datasource:queryparam}", "there is no board tocsin-none"),
    "to a web site": ("https://example.org/", "no address of a board"),
    "without the data source": ("/d/tocsin-fleet?var-job=x", "does not keep the data source"),
    "with what this board lacks": ("/d/tocsin-fleet?${datasource:queryparam}&${pod:queryparam}", "no variable pod"),
    "with what the other lacks": (
        "/d/tocsin-fleet?${datasource:queryparam}&${feature:queryparam}",
        "tocsin-fleet has no variable feature",
    ),
}


@pytest.mark.parametrize("name", sorted(LINK))
@pytest.mark.parametrize("at", ["board", "panel"])
def test_a_link_that_leads_nowhere_is_found(name, at):
    url, said = LINK[name]
    boards = copy.deepcopy(GOOD)
    if at == "board":
        boards["model"]["links"][0]["url"] = url
    else:
        _panel(boards["model"], 2)["fieldConfig"]["defaults"]["links"][0]["url"] = url
    assert any(said in fault for fault in all_faults(boards.values(), KNOWN))


def test_a_link_keeps_the_time():
    boards = copy.deepcopy(GOOD)
    boards["model"]["links"][0]["keepTime"] = False
    link = _panel(boards["fleet"], 2)["fieldConfig"]["defaults"]["links"][0]
    link["url"] = link["url"].replace("${__url_time_range}", "from=now-1h")
    assert len(all_faults(boards.values(), KNOWN)) == 2


def test_a_variable_that_the_other_board_lacks_is_found_at_a_series():
    boards = copy.deepcopy(GOOD)
    link = _panel(boards["fleet"], 2)["fieldConfig"]["defaults"]["links"][0]
    link["url"] = link["url"].replace("var-instance", "var-host")
    assert any("tocsin-fleet has no variable host" in fault for fault in all_faults(boards.values(), KNOWN))


@pytest.mark.parametrize("key", ["uid", "title"])
def test_two_boards_of_one_name_are_found(key):
    boards = copy.deepcopy(GOOD)
    boards["model"][key] = boards["fleet"][key]
    assert any(f"share {'a' if key == 'uid' else 'the'} {key}" in fault for fault in all_faults(boards.values(), KNOWN))


QUERY = {
    "an unknown metric": ("node_nothing{%s}", "", "node_nothing is not in the catalogue"),
    "a variable that is not there": ("node_load1{%s,pod=~'$pod'}", "", "there is no variable $pod"),
    "a series that no variable narrows": ("node_load1{}", "", "the variable $job is not used"),
    "half the variables": ('node_load1{job=~"$job"}', "", "the variable $instance is not used"),
    "a variable as text": ('node_load1{job="$job",instance=~"$instance"}', "", "the variable $job is not used"),
    "no selector": ("node_load1", "", "node_load1 stands without a selector"),
    "half a selector": ("node_load1{%s} / up", "", "up stands without a selector"),
    "no metric": ("time()", "", "asks for no metric"),
    "a label it lacks": ('node_load1{%s,cpu="0"}', "", "node_load1 has no label cpu"),
    "a whole number of le": (
        'rate(tocsin_inference_request_duration_seconds_bucket{%s,le="1"}[$__rate_interval])',
        "",
        "3.0 writes 1.0",
    ),
    "a histogram's own name": (
        "rate(tocsin_inference_request_duration_seconds{%s}[$__rate_interval])",
        "",
        "it has _bucket, _sum and _count",
    ),
    "a fixed range": ("rate(node_intr_total{%s}[5m])", "", "rated over 5m"),
    "a rate over the whole time": ("rate(node_intr_total{%s}[$__range])", "", "rated over $__range"),
    "a bare counter": ("node_intr_total{%s}", "", "without rate()"),
    "a counter's largest": ("max_over_time(node_intr_total{%s}[$__range])", "", "without rate()"),
    "a bare bucket": ("tocsin_inference_request_duration_seconds_bucket{%s}", "", "without rate()"),
    "a gauge's rate": ("rate(node_load1{%s}[$__rate_interval])", "", "node_load1 is a gauge"),
    "a gauge's gain": ("increase(node_load1{%s}[$__range])", "", "node_load1 is a gauge"),
    "groups by nothing": ("sum by (pod) (node_load1{%s})", "", "no metric of it has the label pod"),
    "matches on nothing": ("node_load1{%s} / on (pod) node_load5{%s}", "", "no metric of it has the label pod"),
    "a legend of nothing": ("node_load1{%s}", "{{pod}}", "the legend shows pod"),
    "a legend that was summed up": ("sum(node_load1{%s})", "{{instance}}", "the legend shows instance"),
    "a legend not kept": ("sum by (job) (node_load1{%s})", "{{instance}}", "the legend shows instance"),
    "a bad pattern": ('node_load1{%s,job!~"a["}', "", "is no regular expression"),
    "an open bracket": ("sum(node_load1{%s}", "", "a ( is not closed"),
    "a bracket too many": ("node_load1{%s})", "", "a ) closes nothing"),
    "an open text": ('node_load1{%s,job!="x}', "", "a text has no end"),
}


@pytest.mark.parametrize("name", sorted(QUERY))
def test_a_planted_fault_of_a_query_is_found(name):
    expr, legend, said = QUERY[name]
    found = query_lint.faults(expr.replace("%s", ALL), legend, VARIABLES, KNOWN)
    assert any(said in fault for fault in found), found


@pytest.mark.parametrize(
    ("expr", "legend"),
    [
        ('1 - avg by (instance) (rate(node_cpu_seconds_total{%s,mode="idle"}[$__rate_interval]))', "{{instance}}"),
        ('sum(increase(tocsin_gpu_xid_errors_total{%s,xid=~"48|79"}[$__range]))', "faults"),
        ("predict_linear(node_filesystem_avail_bytes{%s}[6h], 14400)", "{{mountpoint}}"),
        ('label_replace(0 * sum by (instance) (up{%s}), "code", "none", "", "")', "{{instance}} {{code}}"),
        ("rate(node_vmstat_oom_kill{%s}[$__rate_interval])", "{{instance}}"),
    ],
)  # fmt: skip
def test_a_good_query_has_no_fault(expr, legend):
    assert query_lint.faults(expr.replace("%s", ALL), legend, VARIABLES, KNOWN) == []
