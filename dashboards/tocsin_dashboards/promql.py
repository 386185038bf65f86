"""The few shapes of query that boards repeat; ``$select`` is the selector of the board's variables."""


def rate(metric: str, match: str = "") -> str:
    """A counter's rate for each series."""
    return f"rate({metric}{{$select{match and ',' + match}}}[$__rate_interval])"


def rate_by(labels: str, metric: str, match: str = "") -> str:
    """A counter's rate, summed by labels."""
    return f"sum by ({labels}) ({rate(metric, match)})"


def ratio(part: str, whole: str) -> str:
    """One gauge as a share of another."""
    return f"{part}{{$select}} / {whole}{{$select}}"


def quantile(q: float, labels: str, histogram: str) -> str:
    """A quantile of a classic histogram, over the series of the same labels."""
    return f"histogram_quantile({q:g}, {rate_by(labels + ', le', histogram + '_bucket')})"
