"""One Evidently report, made by a child process with an interpreter of its own.

Evidently costs 280 MB and 4 s of CPU to import, needs a pandas that others may not want, and has inputs that take it
minutes: none of this may happen in the collector. See docs/decisions/0042-evidently-in-a-child-process.md.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tocsin_collector.frame import Frame
from tocsin_collector.reports.table import Table, table

TIMEOUT_S = 300.0
MEMORY_BYTES = 4 << 30
"""Of addresses, of which 1.6 GiB go to its libraries."""
_CHILD = Path(__file__).with_name("child.py")
_NOT_INSTALLED = 3
_LOOK_S = 0.2
_INSTALL = (
    "python3 -m venv .venv-reports && .venv-reports/bin/pip install 'evidently>=0.7.23,<0.8' 'pandas<3.1' "
    "(in a checkout: make reports), then set reports.python to .venv-reports/bin/python"
)


class ReportError(Exception):
    """No report was made; the message says why and what to do."""


def render(
    reference: Frame,
    current: Frame,
    out_path: str | Path,
    python: str = "",
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
    stopping: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Compare two frames' features; write the HTML page to ``out_path`` and its figures beside it as ``.json``.

    ``python`` is an interpreter that has Evidently, empty for this one; ``stopping`` is asked while it works, and true
    ends it. Returns ``html``, ``json`` (paths), ``rows`` and ``reference_rows`` (sampled), ``columns``, ``drifted``
    (count, by Evidently's own rule), ``scores`` by column and ``excluded`` (reason by feature). Raises ReportError;
    then ``out_path`` is as it was.
    """
    chosen = table(reference, current)
    if not chosen.columns:
        raise ReportError(f"no feature can be compared: {chosen.excluded or 'there are none'}")
    html = Path(out_path)
    with tempfile.TemporaryDirectory(prefix=".tocsin-report-", dir=_folder(html)) as folder:
        source, page, figures = (os.path.join(folder, name) for name in ("in.npz", "out.html", "out.json"))
        np.savez(source, **chosen.arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for allow_pickle
        limits = [str(memory_bytes), str(math.ceil(timeout_s))]
        _run([python or sys.executable, "-I", str(_CHILD), source, page, figures, *limits], folder, timeout_s, stopping)
        found = json.loads(Path(figures).read_text())
        os.replace(page, html)
        os.replace(figures, html.with_suffix(".json"))
    return _summary(html, chosen, found)


def _folder(html: Path) -> Path:
    if not html.parent.is_dir():
        raise ReportError(f"{html.parent} is no folder; make it first")
    return html.parent


def _run(command: list[str], home: str, timeout_s: float, stopping: Callable[[], bool]) -> None:
    # A home of its own: what the child's libraries cache or log goes with the folder.
    env = {"PATH": os.environ.get("PATH", ""), "HOME": home, "DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1"}
    try:
        said, code = _ended(command, env, timeout_s, stopping)
    except OSError as error:
        raise ReportError(f"reports.python: {command[0]} cannot be started ({error.strerror}); {_INSTALL}") from None
    last = (said.decode("utf-8", "replace").strip().splitlines() or ["no message"])[-1]
    if code == _NOT_INSTALLED:
        raise ReportError(f"{command[0]} does not have the extra `reports` ({last}); {_INSTALL}")
    if code and "MemoryError" in last:
        raise ReportError(f"Evidently needed more than its limit of memory ({last}); report fewer columns")
    if code:
        raise ReportError(f"Evidently failed with exit code {code}: {last}")


def _ended(
    command: list[str], env: dict[str, str], timeout_s: float, stopping: Callable[[], bool]
) -> tuple[bytes, int]:
    """The child's messages and its exit code."""
    limit = time.monotonic() + timeout_s
    nothing = subprocess.DEVNULL
    with subprocess.Popen(command, env=env, stdin=nothing, stdout=nothing, stderr=subprocess.PIPE) as child:
        while True:
            try:
                _, said = child.communicate(timeout=min(_LOOK_S, max(limit - time.monotonic(), 0.01)))
                return said, child.returncode
            except subprocess.TimeoutExpired:
                if stopping():
                    child.kill()
                    raise ReportError("it was ended: the collector stops") from None
                if time.monotonic() >= limit:
                    child.kill()
                    raise ReportError(
                        f"Evidently took longer than {timeout_s:g} s and was ended; report fewer rows"
                    ) from None


def _summary(html: Path, chosen: Table, found: dict[str, Any]) -> dict[str, Any]:
    scores, drifted = {}, 0
    for metric in found.get("metrics", []):
        settings, value = metric.get("config", {}), metric.get("value")
        if isinstance(value, dict) and "count" in value:
            drifted = int(value["count"])
        elif "column" in settings:
            scores[settings["column"]] = value
    return {
        "html": str(html),
        "json": str(html.with_suffix(".json")),
        "reference_rows": chosen.reference_rows,
        "rows": chosen.current_rows,
        "columns": len(chosen.columns),
        "drifted": drifted,
        "scores": scores,
        "excluded": chosen.excluded,
    }
