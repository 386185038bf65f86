"""``python -m tests.bench [NAME]``: each bench in its own process; a line a measure, JSON in bench-results.json."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from typing import Any

from tests import bench
from tests.bench.measure import Measure

RESULTS = "bench-results.json"


def names() -> list[str]:
    """The benches, found by listing: every module here that is not part of the frame."""
    frame = {"__main__", "fake_gpus", "installed", "measure", "months", "target"}
    return sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if module.name not in frame)


def run_one(name: str) -> None:
    """Run one bench in this process and print its measures as JSON on the last line."""
    measures: list[Measure] = importlib.import_module(f"tests.bench.{name}").run()
    print(json.dumps([measure._asdict() for measure in measures]))


def run_in_child(name: str) -> list[Measure]:
    """Run one bench in a child, so that no bench pays for another's imports and memory."""
    command = [sys.executable, "-m", "tests.bench", "--one", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=3600)
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return [Measure(**row) for row in rows]


def save(measures: list[Measure]) -> None:
    """Merge the measures into the JSON file, so that ``only=`` keeps the others' figures."""
    known: dict[str, Any] = {}
    if os.path.exists(RESULTS):
        with open(RESULTS, encoding="utf-8") as file:
            known = json.load(file)
    for measure in measures:
        known[measure.name] = {**measure._asdict(), "ratio": measure.ratio, "met": measure.met}
    with open(RESULTS, "w", encoding="utf-8") as file:
        json.dump(known, file, indent=1, sort_keys=True)


def main(arguments: list[str]) -> int:
    """Run the benches asked for. 0: all ran; 1: one failed to run; 2: no such bench."""
    if arguments[:1] == ["--one"]:
        run_one(arguments[1])
        return 0
    wanted = [argument.replace("-", "_") for argument in arguments] or names()
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        print(f"no bench {', '.join(unknown)}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody serves with modules that are compiled at each start
    failed = 0
    for name in wanted:
        try:
            measures = run_in_child(name)
        except (subprocess.SubprocessError, ValueError, IndexError) as error:
            print(f"{name} failed: {error}", file=sys.stderr)
            failed = 1
            continue
        save(measures)
        for measure in measures:
            print(measure.line(), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
