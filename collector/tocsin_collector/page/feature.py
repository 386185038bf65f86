"""A feature's page: reference against one window, and how it came there."""

from markupsafe import Markup

from tocsin_collector.page import health, model
from tocsin_collector.page.address import feature_path, model_path
from tocsin_collector.page.charts import meter, shares
from tocsin_collector.page.numbers import shown
from tocsin_collector.page.view import Sources
from tocsin_collector.verdict import Distribution, ModelView, WindowVerdict

DISTANCES = {
    "ks": "Kolmogorov-Smirnov",
    "wasserstein": "Wasserstein, in the feature's unit",
    "wasserstein_sd": "Wasserstein, in standard deviations",
    "mean": "Mean",
    "sd": "Standard deviation",
    "mean_shift": "Mean moved, in standard deviations",
    "p5_shift": "5 % quantile moved, in standard deviations",
    "p50_shift": "Median moved, in standard deviations",
    "p95_shift": "95 % quantile moved, in standard deviations",
    "variance_ratio": "Variance over the reference's",
    "psi": "PSI",
    "js": "Jensen-Shannon",
    "hellinger": "Hellinger",
    "total_variation": "Total variation",
    "l_infinity": "Largest difference of a share",
    "chi2": "Chi-squared statistic",
    "new": "Share in new categories",
    "vanished": "Reference's share that has vanished",
    "distinct_ratio": "Distinct values over the reference's",
    "cosine_distance": "Cosine distance of the means",
    "rare_shift": "Share of rarer values moved",
}
"""What people call the distances, the reference's standard deviation being meant; docs/reference/distances.md."""


def context(view: ModelView, name: str, end_s: int | None, sources: Sources) -> dict[str, object] | None:
    """What the template needs; None where no window has this feature. ``end_s`` chooses the window that ends there."""
    found = [verdict for verdict in view.verdicts if name in verdict.features]
    if not found:
        return None
    chosen = next((verdict for verdict in found if int(verdict.end_s) == end_s), found[-1])
    feature = chosen.features[name]
    index = found.index(chosen)
    offset_s = sources.utc_offset_s
    return {
        "view": view,
        "feature": feature,
        "chosen": chosen,
        "state": health.ALARM if feature.alarmed else health.OK if feature.score is not None else health.UNKNOWN,
        "path": feature_path(*view.key, name),
        "model_path": model_path(*view.key),
        "before": found[index - 1] if index else None,
        "after": found[index + 1] if index + 1 < len(found) else None,
        "histogram": _histogram(feature.distribution, name),
        "rows": _rows(feature.distribution),
        "distances": [(DISTANCES.get(name, name), value) for name, value in feature.distances.items()],
        "beside": [(one, one.features[name]) for one in chosen.beside if name in one.features],
        "timeline": model.distance_chart(view, name, offset_s, every=True),
        "missing": model.missing_chart(view, name, offset_s, every=True),
        "measure": model.measure(feature),
        "method": health.METHODS.get(feature.method, feature.method),
        "segments": _segments(chosen),
    }


def _histogram(distribution: Distribution, name: str) -> Markup:
    return shares(distribution.reference, distribution.current, distribution.cells, f"{name}: reference and window")


def _rows(distribution: Distribution) -> list[tuple[str, float, float, float, Markup]]:
    """Each cell: name, share now, share in the reference, difference in points of percent, bar."""
    scale = max([*distribution.current, *distribution.reference, 1e-9])
    cells = zip(distribution.cells, distribution.current, distribution.reference, strict=True)
    return [
        (
            cell,
            now,
            before,
            round(100 * (now - before), 1) + 0.0,
            meter(now / scale, before / scale, f"{shown(now, 'ratio')} now"),
        )
        for cell, now, before in cells
    ]


def _segments(chosen: WindowVerdict) -> list[tuple[str, list[tuple[str, int]]]]:
    """The largest values of each segment of the window."""
    return [
        (name, sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:8])
        for name, counts in sorted(chosen.segments.items())
    ]
