"""A model's page: its verdict and why, its traffic now, its windows, its quality, its features."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup

from tocsin_collector.drift.explain import explain
from tocsin_collector.page import decided, estimated, health, links
from tocsin_collector.page.address import feature_path, kept_path, model_path, report_path
from tocsin_collector.page.charts import Line, Mark, lines
from tocsin_collector.page.numbers import number, shown, window
from tocsin_collector.page.overview import requests
from tocsin_collector.page.view import Sources
from tocsin_collector.page.why import against, sentences
from tocsin_collector.quality import RISES
from tocsin_collector.verdict import FeatureVerdict, ModelView, QualityVerdict, WindowVerdict

LIVE_S = 1_800
LATENCY_WINDOW_S = 60
MOST_CARDS = 24
MOST_ROWS = 60
REPORTS_MOST = 14


@dataclass(frozen=True, slots=True)
class Card:
    """A chart with its name, its value in the window that is shown, and beneath it a line or facts by name."""

    title: str
    value: str
    note: str
    chart: Markup
    href: str = ""
    alarmed: bool = False
    tag: str = ""
    query: str = ""
    """Where the value is looked at further, in Prometheus."""
    legend: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


def context(view: ModelView, sources: Sources, end_s: int | None = None) -> dict[str, object]:
    """What the template needs. ``end_s`` chooses the window that ends there; without it the newest closed one."""
    ends = [int(verdict.end_s) for verdict in view.verdicts]
    index = ends.index(end_s) if end_s in ends else len(ends) - 1
    chosen = view.verdicts[index] if ends else None
    seen = replace(view, verdicts=view.verdicts[: index + 1])
    labels = tuple((name, value) for name, value in view.key._asdict().items() if value)
    return {
        "view": view,
        "path": model_path(*view.key),
        "health": health.of_model(seen),
        "chosen": chosen,
        "day": next((one for one in reversed(view.verdicts[: index + 1]) if one.daily), None),
        "why": _why(view, index, sources.utc_offset_s),
        "report": report_path(*view.key, chosen.start_s, chosen.end_s) if chosen and view.reference else None,
        "kept": [(one, _files(view, one.name)) for one in sources.reports(view.key)[:REPORTS_MOST]],
        "is_newest": index == len(ends) - 1,
        "alarms": sources.alarms.of(labels),
        "strip": [(verdict, health.of_window(verdict)) for verdict in view.verdicts],
        "live": _live(view, sources),
        "quality": _quality(view, seen, sources),
        "folded": sources.folded.get(view.key),
        "labelled": health.labelled(seen),
        "text": _text(chosen) if chosen else [],
        "rules": sorted(chosen.rules, key=lambda rule: not rule.reason) if chosen else [],
        "broken": sum(bool(rule.reason) for rule in chosen.rules) if chosen else 0,
        "features": _features(view, chosen, sources) if chosen else [],
        "boards": {
            "model": sources.links.model(view.key),
            "requests": sources.links.model(view.key, links.REQUESTS_PANEL),
            "drift": sources.links.model(view.key, links.DRIFT_PANEL),
            "quality": sources.links.model(view.key, links.QUALITY_PANEL),
        },
        "others": _ranked(chosen)[MOST_CARDS:] if chosen else [],
        "windows": _windows(view, seen, sources.utc_offset_s),
        "table": list(reversed(view.verdicts[-MOST_ROWS:])),
        "decisions": decided.how(view),
        "evidence": decided.evidence(chosen),
        "state_of": health.of_window,
        "feature_path": feature_path,
    }


def _files(view: ModelView, name: str) -> dict[str, str]:
    return {form: kept_path(*view.key, name, form) for form in ("html", "json")}


def _why(view: ModelView, index: int, offset_s: float) -> list[str]:
    found = explain(view.verdicts[: index + 1], [*view.changes, *view.deployments])
    if found is None:
        return []
    held = against(view.reference, offset_s) if found.standings else ""
    return [*sentences(found, offset_s), *([held] if held else [])]


def _live(view: ModelView, sources: Sources) -> list[Card]:
    now, step = sources.clock(), sources.fleet.interval_s
    grid = np.arange(now - LIVE_S, now + step / 2, step)
    match = requests(view.key)
    traffic = sources.fleet.total_rate(grid, "tocsin_inference_requests_total", match)
    if np.isnan(traffic).all():
        return []
    p50, p99 = sources.fleet.quantiles(
        grid, "tocsin_inference_request_duration_seconds", match, LATENCY_WINDOW_S, (0.5, 0.99)
    )
    seen = grid[~np.isnan(traffic)]
    bounds = (float(seen[0]), float(now))
    rate = lines([Line("requests", grid, traffic)], "Requests a second", "/s", bounds=bounds)
    drawn = [Line("p99", grid, p99, "b"), Line("p50", grid, p50, "a")]
    latency = lines(drawn, "Latency, of the last minute at each time", "seconds", bounds=bounds)
    quantiles = f"{shown(_last(p50), 'seconds')} / {shown(_last(p99), 'seconds')}"
    queries = (links.requests_query(view.key), links.latency_query(view.key, 0.99))
    asked, slow = (sources.links.query(query) for query in queries)
    named = (("a", "p50"), ("b", "p99"))
    return [
        Card("Requests", shown(_last(traffic), "/s"), "all outcomes, all hosts", rate, query=asked),
        Card("Latency p50 / p99", quantiles, "of the last minute", latency, query=slow, legend=named),
    ]


def _last(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float | None:
    # A scrape may be late by one step of the grid.
    known = values[-3:][~np.isnan(values[-3:])]
    return float(known[-1]) if len(known) else None


def _quality(view: ModelView, seen: ModelView, sources: Sources) -> list[Card]:
    """The scores of the window that is shown, or of the newest before it that has labels; charts of all windows."""
    newest, before = health.labelled(seen), estimated.newest(seen)
    scores = {**(newest.quality.scores if newest else {}), **(before.scores if before else {})}
    floors = newest.quality.floors if newest else {}
    told = [name for name in health.in_order(scores) if name in health.HEADLINES or name in floors]
    return [_score(view, seen, name, sources) for name in told]


def _score(view: ModelView, seen: ModelView, name: str, sources: Sources) -> Card:
    offset_s = sources.utc_offset_s
    judged = [
        (verdict, verdict.quality) for verdict in view.verdicts if verdict.quality and name in verdict.quality.scores
    ]
    until_now = [quality for verdict, quality in judged if verdict.end_s <= seen.verdicts[-1].end_s]
    last, before = until_now[-1] if until_now else None, estimated.newest(seen)
    beside = [*_normal(name, judged), *estimated.line(view, name)]
    own = Line(name, [middle(verdict) for verdict, _ in judged], [quality.scores[name] for _, quality in judged])
    marks = [
        Mark(middle(verdict), quality.scores[name], alarm=True, text=_window_text(verdict, quality.reasons, offset_s))
        for verdict, quality in judged
        if beyond(name, quality)
    ]
    title = health.NAMES.get(name, name)
    drawn = [*beside, own] if judged else beside
    return Card(
        title=title,
        value=number(last.scores[name] if last else before.scores.get(name) if before else None),
        note=estimated.shift(seen, name),
        chart=lines(drawn, f"{title} by window", "", zero=False, offset_s=offset_s, marks=marks, bounds=_span(view)),
        alarmed=last is not None and beyond(name, last),
        tag="" if last else "estimated",
        query=sources.links.query(links.score_query(view.key, name), "1d"),
        legend=((("a", "model"),) if judged else ()) + tuple((line.style, line.name) for line in beside),
        facts=(*(_held_against(name, last) if last else ()), *estimated.told(seen, name)),
    )


_NORMAL = (("reference", "reference"), ("baseline", "baseline"), ("thresholds", "bound"), ("floors", "bound"))


def _normal(name: str, judged: Sequence[tuple[WindowVerdict, QualityVerdict]]) -> list[Line]:
    """What a score is held against, as lines."""
    times = [middle(verdict) for verdict, _ in judged]
    return [
        Line(style, times, [getattr(quality, field).get(name) for _, quality in judged], style)
        for field, style in _NORMAL
        if any(name in getattr(quality, field) for _, quality in judged)
    ]


def _held_against(name: str, last: QualityVerdict) -> list[tuple[str, str]]:
    low, high = last.intervals.get(name, (None, None))
    range_of = [] if low is None or high is None else [("95 % range", f"{number(low)} to {number(high)}")]
    held = [(style, getattr(last, field)) for field, style in _NORMAL]
    return range_of + [(style, number(values[name])) for style, values in held if name in values]


def beyond(name: str, quality: QualityVerdict) -> bool:
    """Whether one score is on the wrong side of its bound or floor."""
    bounds = [side[name] for side in (quality.thresholds, quality.floors) if name in side]
    if not quality.reasons:
        return False
    return any(quality.scores[name] < bound if name in RISES else quality.scores[name] > bound for bound in bounds)


def _text(chosen: WindowVerdict) -> list[tuple[str, str, str, bool]]:
    """What is told of answers that are texts: name, value, bound, whether it is beyond it."""
    found = chosen.text
    if found is None:
        return []
    rows = []
    for name, value in sorted(found.measures.items(), key=lambda pair: (pair[0] not in found.thresholds, pair[0])):
        bound = found.thresholds.get(name)
        unit = "ratio" if name.startswith("language_") or (bound is not None and name != "length_change") else ""
        told = shown(value, unit) if unit else number(value)
        rows.append(
            (
                name,
                told,
                "" if bound is None else shown(bound, unit) if unit else number(bound),
                bound is not None and value > bound,
            )
        )
    return rows


def _features(view: ModelView, newest: WindowVerdict, sources: Sources) -> list[Card]:
    return [_feature(view, feature, sources) for feature in _ranked(newest)[:MOST_CARDS]]


def _ranked(newest: WindowVerdict) -> list[FeatureVerdict]:
    """Alarmed ones first, then by how near they are to their bound; the order of the block among equals."""
    return sorted(newest.features.values(), key=lambda feature: (not feature.alarmed, -nearness(feature)))


def nearness(feature: FeatureVerdict) -> float:
    """The distance as a share of its bound."""
    return feature.score / feature.threshold if feature.score is not None and feature.threshold else 0.0


def measure(feature: FeatureVerdict) -> str:
    """What the score of a feature is: evidence added up over windows, or the distance of one."""
    return "evidence" if feature.method == "evidence" else "distance"


def _feature(view: ModelView, newest: FeatureVerdict, sources: Sources) -> Card:
    offset_s = sources.utc_offset_s
    missing = _last_alarm_is_missing(view, newest)
    method = health.METHODS.get(newest.method, newest.method)
    distance = f"{measure(newest)} {number(newest.score)}, bound {number(newest.threshold)}"
    share = f"{shown(newest.missing_ratio, 'ratio')} missing, bound {shown(newest.missing_threshold, 'ratio')}"
    return Card(
        title=newest.name,
        value=shown(newest.missing_ratio, "ratio") if missing else number(newest.score),
        note=f"{share} · {distance}" if missing else f"{distance} · {shown(newest.missing_ratio, 'ratio')} missing",
        chart=(missing_chart if missing else distance_chart)(view, newest.name, offset_s),
        href=feature_path(*view.key, newest.name),
        alarmed=newest.alarmed,
        tag=newest.kind,
        query=sources.links.query(links.feature_query(view.key, newest.name, missing=missing), "1d"),
        legend=(("a", "missing values" if missing else method), ("bound", "bound")),
    )


def _last_alarm_is_missing(view: ModelView, newest: FeatureVerdict) -> bool:
    """Whether a feature's newest alarm was for missing values and not for its distance."""
    found = [verdict.features[newest.name] for verdict in view.verdicts if newest.name in verdict.features]
    last = next((feature for feature in reversed(found) if feature.alarmed), newest)
    return last.alarmed and _too_many_missing(last) and not _too_far(last)


def _too_far(feature: FeatureVerdict) -> bool:
    return feature.alarmed and nearness(feature) > 1


def _too_many_missing(feature: FeatureVerdict) -> bool:
    return feature.alarmed and feature.missing_ratio > feature.missing_threshold


def distance_chart(view: ModelView, name: str, offset_s: float, *, every: bool = False) -> Markup:
    """A feature's distance from the reference under its bound, window by window; dots where it is beyond, or on all."""
    found = _history(view, name)
    times = [middle(verdict) for verdict, _ in found]
    drawn = [
        Line("bound", times, [feature.threshold for _, feature in found], "bound"),
        Line("distance", times, [feature.score for _, feature in found]),
    ]
    marks = [_mark(view, *one, one[1].score, _too_far(one[1]), offset_s) for one in found if every or _too_far(one[1])]
    return lines(drawn, f"Distance of {name} by window", "", offset_s=offset_s, marks=marks, bounds=_span(view))


def _bound(share: float) -> float | None:
    """Where a bound of a share is drawn: nowhere when no share is beyond it."""
    return share if share < 1 else None


def missing_chart(view: ModelView, name: str, offset_s: float, *, every: bool = False) -> Markup:
    """A feature's share of missing values under its bound, window by window; dots where it is beyond, or on all."""
    found = _history(view, name)
    times = [middle(verdict) for verdict, _ in found]
    drawn = [
        Line("bound", times, [_bound(feature.missing_threshold) for _, feature in found], "bound"),
        Line("missing", times, [feature.missing_ratio for _, feature in found]),
    ]
    marks = [
        _mark(view, verdict, feature, feature.missing_ratio, _too_many_missing(feature), offset_s)
        for verdict, feature in found
        if every or _too_many_missing(feature)
    ]
    return lines(drawn, f"Missing {name} by window", "ratio", offset_s=offset_s, marks=marks, bounds=_span(view))


def _history(view: ModelView, name: str) -> list[tuple[WindowVerdict, FeatureVerdict]]:
    return [(verdict, verdict.features[name]) for verdict in view.verdicts if name in verdict.features]


def _mark(
    view: ModelView, verdict: WindowVerdict, feature: FeatureVerdict, value: float | None, alarm: bool, offset_s: float
) -> Mark:
    text = _window_text(verdict, feature.reasons or (_numbers(feature),), offset_s)
    href = f"{feature_path(*view.key, feature.name)}?end={verdict.end_s:.0f}"
    return Mark(middle(verdict), value, alarm, text, href, verdict.end_s - verdict.start_s)


def _numbers(feature: FeatureVerdict) -> str:
    if feature.score is None:
        return f"too few rows to judge ({feature.rows})"
    missing = shown(feature.missing_ratio, "ratio")
    return f"{measure(feature)} {number(feature.score)}, bound {number(feature.threshold)}, {missing} missing"


def _window_text(verdict: WindowVerdict, reasons: Sequence[str], offset_s: float) -> str:
    return f"{window(verdict.start_s, verdict.end_s, offset_s)}: {'; '.join(reasons)}"


def _windows(view: ModelView, seen: ModelView, offset_s: float) -> list[Card]:
    """Rows, outcomes and classes by window, with the values of the one that is shown."""
    if not seen.verdicts:
        return []
    times, chosen = [middle(verdict) for verdict in view.verdicts], seen.verdicts[-1]
    rows = [float(verdict.rows) for verdict in view.verdicts]
    chart = lines([Line("rows", times, rows)], "Rows by window", "", offset_s=offset_s, bounds=_span(view))
    cards = [Card("Rows", number(float(chosen.rows)), "", chart)]
    names = sorted({name for verdict in view.verdicts for name in verdict.outcomes})[:6]
    cards += [_outcome(view, seen, name, times, offset_s) for name in names]
    cards += [_class(view, chosen, name, times, offset_s) for name in sorted(chosen.classes)[:4]]
    return cards


def _outcome(view: ModelView, seen: ModelView, name: str, times: list[float], offset_s: float) -> Card:
    found = [verdict.outcomes.get(name) for verdict in view.verdicts]
    means = [outcome.mean if outcome else None for outcome in found]
    last = next((verdict.outcomes[name] for verdict in reversed(seen.verdicts) if name in verdict.outcomes), None)
    drawn = [Line(name, times, means)]
    if last and last.reference_mean is not None:
        drawn.insert(0, Line("reference", times, [last.reference_mean] * len(times), "reference"))
    note = f"mean of {number(last.count)} outcomes; reference {number(last.reference_mean)}" if last else ""
    chart = lines(drawn, f"Mean of {name} by window", "", offset_s=offset_s, bounds=_span(view))
    legend = (("a", "mean"), ("reference", "reference")) if len(drawn) > 1 else ()
    return Card(name, number(last.mean if last else None), note, chart, tag="outcome", legend=legend)


def _class(view: ModelView, chosen: WindowVerdict, name: str, times: list[float], offset_s: float) -> Card:
    found = [verdict.classes.get(name) for verdict in view.verdicts]
    chart = lines(
        [Line(name, times, found)], f"Share of predictions {name}", "ratio", offset_s=offset_s, bounds=_span(view)
    )
    return Card(f"Predicted {name}", shown(chosen.classes[name], "ratio"), "of the window's answers", chart)


def middle(verdict: WindowVerdict) -> float:
    """Where a window stands on a time axis."""
    return (verdict.start_s + verdict.end_s) / 2


def _span(view: ModelView) -> tuple[float, float]:
    return view.verdicts[0].start_s, view.verdicts[-1].end_s
