"""Where a number of the page is looked at further: its query in Prometheus, its board in Grafana. Empty where a server
is not configured."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from tocsin_alerts.alert import Match
from tocsin_collector.fleet.host import REAL_DISKS, REAL_FILESYSTEMS, REAL_LINKS
from tocsin_collector.verdict import ModelKey

FLEET, MODEL = "tocsin-fleet", "tocsin-model"
DRIFT_PANEL, QUALITY_PANEL, REQUESTS_PANEL = 2, 4, 10
_IDLE = Match("mode", "=~", "idle|iowait")
_RATES: dict[str, tuple[str, tuple[Match, ...]]] = {
    "Disk read": ("node_disk_read_bytes_total", REAL_DISKS),
    "Disk written": ("node_disk_written_bytes_total", REAL_DISKS),
    "Network in": ("node_network_receive_bytes_total", REAL_LINKS),
    "Network out": ("node_network_transmit_bytes_total", REAL_LINKS),
}
_GPU = {
    "Utilisation": "tocsin_gpu_utilization_ratio",
    "Memory": "tocsin_gpu_memory_used_bytes",
    "Power": "tocsin_gpu_power_watts",
    "Temperature": "tocsin_gpu_temperature_celsius",
}


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses of Prometheus and Grafana as people reach them, without their credentials."""

    prometheus: str = ""
    grafana: str = ""

    def query(self, expr: str, span: str = "1h") -> str:
        """The graph of an expression."""
        if not (self.prometheus and expr):
            return ""
        fields = {"g0.expr": expr, "g0.tab": "0", "g0.range_input": span}
        return f"{self.prometheus}/graph?{urlencode(fields, quote_via=quote, errors='replace')}"

    def board(self, uid: str, panel: int | None = None, **variables: str) -> str:
        """A board, or one panel of it, for some labels."""
        if not self.grafana:
            return ""
        fields = {f"var-{name}": value for name, value in variables.items()}
        if panel is not None:
            fields["viewPanel"] = str(panel)
        return f"{self.grafana}/d/{uid}?{urlencode(fields, quote_via=quote, errors='replace')}"

    def model(self, key: ModelKey, panel: int | None = None) -> str:
        """A model's board."""
        return self.board(MODEL, panel, **{name: value for name, value in key._asdict().items() if value})

    def host(self, instance: str) -> str:
        """A host's board."""
        return self.board(FLEET, instance=instance)


def host_query(name: str, instance: str) -> str:
    """The expression of a host's number on the overview; empty for one that has none."""
    at = Match("instance", "=", instance)
    if name in _RATES:
        metric, real = _RATES[name]
        return f"sum({_rate(metric, at, *real)})"
    if name == "CPU":
        return f"1 - sum({_rate('node_cpu_seconds_total', at, _IDLE)}) / sum({_rate('node_cpu_seconds_total', at)})"
    if name == "Memory":
        free, whole = (_series(f"node_memory_{part}_bytes", at) for part in ("MemAvailable", "MemTotal"))
        return f"1 - {free} / {whole}"
    if name == "Fullest disk":
        free, whole = (_series(f"node_filesystem_{part}_bytes", at, *REAL_FILESYSTEMS) for part in ("avail", "size"))
        return f"max(1 - {free} / {whole})"
    return ""


def gpu_query(name: str, instance: str, gpu: str) -> str:
    """The expression of a GPU's number."""
    return _series(_GPU[name], Match("instance", "=", instance), Match("gpu", "=", gpu)) if name in _GPU else ""


def requests_query(key: ModelKey) -> str:
    """Requests to a model a second."""
    return f"sum({_rate('tocsin_inference_requests_total', *_of(key))})"


def latency_query(key: ModelKey, q: float) -> str:
    """A quantile of a model's latency."""
    buckets = _rate("tocsin_inference_request_duration_seconds_bucket", *_of(key))
    return f"histogram_quantile({q:g}, sum by (le) ({buckets}))"


def score_query(key: ModelKey, metric: str) -> str:
    """A score of a model by its closed windows."""
    return _series("tocsin_model_quality", *_of(key), Match("metric", "=", metric))


def feature_query(key: ModelKey, feature: str, *, missing: bool) -> str:
    """A feature's distance, or its share of missing values."""
    name = "tocsin_feature_missing_ratio" if missing else "tocsin_feature_drift_score"
    return _series(name, *_of(key), Match("feature", "=", feature))


def _of(key: ModelKey) -> tuple[Match, ...]:
    return tuple(Match(name, "=", value) for name, value in key._asdict().items())


def _rate(metric: str, *matches: Match) -> str:
    return f"rate({_series(metric, *matches)}[5m])"


def _series(metric: str, *matches: Match) -> str:
    return f"{metric}{{{_braced(matches)}}}"


def _braced(matches: Sequence[Match]) -> str:
    # One line: a label's value may hold line ends, which a string of PromQL writes as \n.
    return ", ".join(match.promql() for match in matches).replace("\n", "\\n")
