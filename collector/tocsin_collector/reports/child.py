"""The child process that runs Evidently: ``python -I child.py IN.npz OUT.html OUT.json BYTES SECONDS``.

It imports nothing of tocsin, and gives itself no more memory and CPU than that.

``IN.npz`` holds ``reference.NAME`` and ``current.NAME``: float64 for numbers, text for categories ("" is missing).
Exit code 3: this interpreter does not have Evidently.
"""

import resource
import sys

try:
    import numpy as np
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset
except ImportError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(3)


def main(source: str, html: str, json: str, memory_bytes: str, cpu_s: str) -> None:
    """Compare the two tables by Evidently's drift preset with its own defaults."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory_bytes),) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s),) * 2)
    with np.load(source, allow_pickle=False) as arrays:
        tables = {side: _table(arrays, side) for side in ("reference", "current")}
    numbers = [name for name, column in tables["current"].items() if column.dtype.kind == "f"]
    names = [name for name in tables["current"] if name not in numbers]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=names)
    reference, current = (Dataset.from_pandas(tables[side], definition) for side in ("reference", "current"))
    snapshot = Report([DataDriftPreset()]).run(current, reference)
    snapshot.save_html(html)
    snapshot.save_json(json)


def _table(arrays: "np.lib.npyio.NpzFile", side: str) -> "pd.DataFrame":
    columns = {}
    for key in arrays.files:
        if key.startswith(f"{side}."):
            values = arrays[key]
            columns[key.partition(".")[2]] = values if values.dtype.kind == "f" else _text(values)
    return pd.DataFrame(columns)


def _text(values: "np.ndarray") -> "np.ndarray":
    plain = values.astype(object)
    plain[values == ""] = None
    return plain


if __name__ == "__main__":
    main(*sys.argv[1:])
