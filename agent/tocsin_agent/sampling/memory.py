"""The share of memory that could not be had without swapping, from /proc/meminfo (proc_meminfo(5)); 7 us a read."""

TOTAL, AVAILABLE = b"MemTotal:", b"\nMemAvailable:"


def used(data: bytes) -> float:
    """Between 0 and 1. Raises ValueError without the two lines (MemAvailable is there since Linux 3.14)."""
    total, available = _kib(data, TOTAL), _kib(data, AVAILABLE)
    if not 0 <= available <= total or not total:
        raise ValueError(f"no more memory available than there is expected, found {available} of {total} KiB")
    return 1 - available / total


def _kib(data: bytes, name: bytes) -> int:
    start = data.find(name)
    end = data.find(b" kB\n", start)
    value = data[start + len(name) : end].strip() if 0 <= start < end else b""
    if not value.isdigit():
        raise ValueError(f"a line `{name.decode().strip()}` in kB expected, found {value[:80]!r}")
    return int(value)
