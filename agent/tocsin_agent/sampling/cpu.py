"""How busy all CPUs are, from the first line of /proc/stat (proc_stat(5)). A read costs 9 us on a small host.

The kernel counts ticks of 1/100 s, so a tenth of a second of two CPUs is twenty: steps of 5 %, of 64 CPUs 0.2 %.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST = b"cpu "
MODES = 8
"""The guests' time, behind them, is in the users' already."""
IDLE, IOWAIT = 3, 4


def parse(data: bytes) -> list[int]:
    """The ticks of all CPUs by mode. Raises ValueError for anything else."""
    fields = data[: data.find(b"\n")].split()[1 : 1 + MODES]
    if not data.startswith(FIRST) or len(fields) != MODES or not b"".join(fields).isdigit():
        raise ValueError(f"a line of `cpu` and {MODES} counts expected, found {data[:80]!r}")
    return list(map(int, fields))


def busy(rates: "Sequence[float]") -> float | None:
    """The share that was neither idle nor waiting for a disk, of ticks by mode; None when no tick has passed."""
    total = sum(rates)
    return (total - rates[IDLE] - rates[IOWAIT]) / total if total > 0 else None
