"""The page shows what Prometheus has, says plainly what it has not, and stands on its own."""

import html.parser

import pytest

from tocsin_dashboards.builder import build
from tocsin_dashboards.generate import found
from tocsin_dashboards.preview.ask import Answer, Series, Span
from tocsin_dashboards.preview.frame import Mark
from tocsin_dashboards.preview.page import opened, page

SPAN = Span(0, 3_600, 15)
BOARDS = {name: build(board) for name, board in found().items()}
_VOID = {"meta", "br"}


class Tree(html.parser.HTMLParser):
    """The elements of a page; raises AssertionError when one is not closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def _series(ref="A", name="one", values=(1.0, 2.0, 3.0), **labels):
    return Series(ref, labels, name, tuple((900.0 + 900 * at, value) for at, value in enumerate(values)))


def _shown(panel, *series, errors=(), events=()):
    board = {**BOARDS["fleet"], "panels": [{**panel, "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}}]}
    return page(board, {panel["id"]: Answer(list(series), list(errors))}, SPAN, list(events), 1400, "about")


def _panel(number, board="fleet"):
    every = [panel for panel in BOARDS[board]["panels"] for panel in (panel, *panel.get("panels", []))]
    return next(panel for panel in every if panel["id"] == number)


def _all(board, answer):
    panels = [panel for panel in opened(board)["panels"] if panel["type"] != "row"]
    return page(opened(board), {panel["id"]: answer(panel) for panel in panels}, SPAN, [], 1400, "about")


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_board_without_data_says_so_on_every_panel(name):
    text = _all(BOARDS[name], lambda _: Answer())
    panels = [panel for panel in opened(BOARDS[name])["panels"] if panel["type"] != "row"]
    shown = Tree(text)
    said = [attributes for tag, attributes in shown.seen if attributes.get("class") == "none"]
    assert len(said) == len(panels)
    assert "<svg" not in text


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_board_draws_every_kind_of_panel(name):
    def answer(panel):
        return Answer([_series(target["refId"], le="0.5", instance="a") for target in panel["targets"]])

    shown = Tree(_all(BOARDS[name], answer))
    drawn = {attributes["id"] for tag, attributes in shown.seen if tag == "section"}
    assert drawn == {f"panel-{panel['id']}" for panel in opened(BOARDS[name])["panels"] if panel["type"] != "row"}
    assert not [attributes for _, attributes in shown.seen if attributes.get("class") in ("none", "error")]


def test_the_page_asks_for_nothing_from_elsewhere():
    shown = Tree(_all(BOARDS["model"], lambda _: Answer()))
    assert not [tag for tag, attributes in shown.seen if tag in ("script", "link", "img") or "src" in attributes]


def test_labels_cannot_write_the_page():
    evil = '<script>alert("x")</script>'
    for number in (2, 9, 8, 1):
        text = _shown(_panel(number), _series(name=evil, instance=evil), _series(name=evil, instance="b"))
        assert "<script" not in text
        Tree(text)


def test_a_panel_tells_its_description_and_its_legend():
    shown = Tree(_shown(_panel(2), _series(name="host a")))
    assert any(attributes.get("title") == _panel(2)["description"] for _, attributes in shown.seen)
    assert "host a" in shown.texts


def test_what_prometheus_refused_is_shown():
    assert "parse error" in _shown(_panel(2), errors=["A: parse error"])


def test_a_legend_counts_what_it_cannot_show():
    many = [_series(name=f"a rather long name of host {number}") for number in range(40)]
    text = _shown(_panel(2), *many)
    shown = Tree(text)
    (more,) = [each for each in shown.texts if each.endswith(" more")]
    named = sum(each.startswith("a rather long") for each in shown.texts)
    # Each drawn series has its name in a hint, too.
    assert named - 40 + int(more[1:].split()[0]) == 40


def test_a_threshold_within_the_axis_is_drawn_and_one_beyond_is_not():
    line = 'stroke-dasharray="8 4"'
    assert line in _shown(_panel(2), _series(values=(0.5, 0.6)))  # the axis goes to 100 %, the bound is 95 %
    assert line in _shown(_panel(12, "model"), _series(values=(0.5,)))
    assert line not in _shown(_panel(12, "model"), _series(values=(0.01, 0.02)))


def test_a_gap_breaks_the_line():
    span_points = ((900.0, 0.5), (915.0, 0.5), (3_000.0, 0.5), (3_015.0, 0.5))
    text = _shown(_panel(2), Series("A", {}, "one", span_points))
    assert text.count("<polyline") == 2


def test_a_mark_is_drawn():
    text = _shown(_panel(2), _series(), events=[Mark(1_800, 2_400, "#e02f44", "host a is gone")])
    assert "host a is gone" in text


def test_a_stat_is_coloured_and_says_its_word():
    text = _shown(_panel(1, "model"), _series(values=(1.0,)))
    assert "ALARM" in text
    assert "#e02f44" in text


def test_a_table_has_a_row_for_each_of_its_labels_the_largest_first():
    found = [_series("B", values=(value,), instance=name) for name, value in (("a", 0.1), ("b", 0.9))]
    shown = Tree(_shown(_panel(9), *found))
    cells = [text for text in shown.texts if text in ("a", "b", "10.0%", "90.0%", "-")]
    assert cells == ["b", "-", "90.0%", "-", "-", "-", "a", "-", "10.0%", "-", "-", "-"]


def test_a_heatmap_shows_what_fell_between_two_bounds():
    found = [
        Series("A", {"le": le}, le, ((900.0, total),)) for le, total in (("+Inf", 7.0), ("0.1", 5.0), ("0.05", 5.0))
    ]
    text = _shown(_panel(13, "model"), *found)
    assert "up to 50 ms: 5" in text
    assert "up to ∞: 2" in text
    assert "up to 100 ms" not in text


def test_a_histogram_without_a_request_has_no_data():
    text = _shown(_panel(13, "model"), Series("A", {"le": "0.1"}, "0.1", ((900.0, 0.0),)))
    assert _panel(13, "model")["fieldConfig"]["defaults"]["noValue"] in text


def test_equal_neighbours_of_a_timeline_are_one():
    points = tuple((15.0 * at, 0.0 if 10 <= at < 20 else 1.0) for at in range(40))
    text = _shown(_panel(8), Series("A", {}, "host a", points))
    assert text.count("host a: answers") == 2
    assert text.count("host a: does not answer") == 1
