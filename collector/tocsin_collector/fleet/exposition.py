"""The text exposition, format 0.0.4, into plain samples. Nothing of what an agent sends is trusted.

prometheus-client's parser does the grammar (20 microseconds a sample); bounds are checked before it is let loose, since
it keeps a whole family in memory and has no limits of its own.
"""

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]
"""Label names and values, sorted by name."""
Sample = tuple[str, Labels, float]

MAX_LINES = 100_000
MAX_LINE_BYTES = 16_384


class ExpositionError(ValueError):
    """The bytes are no exposition; the message says where they stop being one."""


def parse(data: bytes) -> list[Sample]:
    """Every sample: name, labels, value. Timestamps and exemplars are left out. Raises ExpositionError."""
    lines = data.split(b"\n")
    if len(lines) > MAX_LINES:
        raise ExpositionError(f"{len(lines)} lines, at most {MAX_LINES} are read")
    if len(max(lines, key=len)) > MAX_LINE_BYTES:
        raise ExpositionError(f"a line has more than {MAX_LINE_BYTES} bytes")
    try:
        text = data.decode("utf-8")
        families = text_string_to_metric_families(text)
        return [
            (sample.name, tuple(sorted(sample.labels.items())), float(sample.value))
            for family in families
            for sample in family.samples
        ]
    except UnicodeDecodeError as error:
        raise ExpositionError(f"byte {error.start} is no UTF-8") from None
    except Exception as error:  # the parser raises what it trips over: ValueError, IndexError, KeyError
        raise ExpositionError(f"{error!s:.200}" or type(error).__name__) from None
