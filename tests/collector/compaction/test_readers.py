"""What DuckDB, Polars, pandas and Spark make of the files that a real collector has made, by the how-to's queries."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tests.collector.ingest.blocks import PRODUCER
from tests.collector.reports.conftest import PYTHON
from tests.deploy.manuals import ROOT, blocks
from tests.servers.cache import lacking
from tests.servers.process import free_port, until
from tests.system.beside import collector
from tocsin_schema.block import MEDIA_TYPE, Block, column, encode

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

SPARK = ROOT / ".venv-spark"
ROWS, NAN_ROW, NULL_ROW = 40, 3, 5
START_US = 1_794_999_600_000_000
"""2026-11-18T11:00:00Z."""
ODD = "a/b = ü"
ODD_PATH = "a%2Fb%20%3D%20ü"


def predictions(model: str, hour: int, version: str, sequence: int) -> Block:
    """An hour of them with a column of each type, and missing values in them."""

    def known(values: list[object]) -> list[object]:
        return [None if n == NULL_ROW else value for n, value in enumerate(values)]

    columns = [
        column("time", [START_US + hour * 3_600_000_000 + n for n in range(ROWS)], "time"),
        column("id", [f"{model}-{hour}-{n}" for n in range(ROWS)], "str"),
        column("feature.age", known([float("nan") if n == NAN_ROW else 20.5 + n for n in range(ROWS)])),
        column("feature.visits", known([(1 << 53) + 1 + n for n in range(ROWS)])),
        column("feature.member", known([n % 2 == 0 for n in range(ROWS)])),
        column("feature.city", known([("Lyon", "Nîmes")[n % 2] for n in range(ROWS)]), "dict"),
        column("prediction", [("yes", "no")[n % 2] for n in range(ROWS)], "dict"),
        column("score.yes", [n / ROWS for n in range(ROWS)], "f64"),
        column("latency_s", [0.001 * n for n in range(ROWS)], "f64"),
    ]
    if version == "4":
        columns.append(column("feature.new", [1.5] * ROWS))
    return Block(
        "prediction",
        project="shop",
        model=model,
        version=version,
        rows=ROWS,
        producer=PRODUCER,
        sequence=sequence,
        columns={item.name: item for item in columns},
    )


BLOCKS = [
    predictions("credit", 0, "3", 1),
    predictions("credit", 1, "3", 2),
    predictions("credit", 2, "4", 3),
    predictions(ODD, 0, "3", 4),
]
# An age that is a text: the hour has two files. Its scores are nested.
EVENTS = [
    {
        "type": "prediction",
        "id": "json",
        "time": "2026-11-18T11:30:00Z",
        "features": {"age": "forty", "member": True},
        "prediction": "yes",
        "scores": {"yes": 0.75, "no": 0.25},
        "segment": {"country": "fr"},
    },
    {"type": "label", "id": "json", "time": "2026-11-18T13:30:00Z", "label": "no"},
    {"type": "label", "id": "credit-0-0", "time": "2026-11-18T13:30:00Z", "label": "yes"},
]
COUNT = len(BLOCKS) * ROWS + len(EVENTS)
HOURLY = [
    (ODD, "2026-11-18T11", "3", ROWS, 0.4875, ROWS - 1),
    ("credit", "2026-11-18T11", "3", ROWS + 1, (0.4875 * ROWS + 0.75) / (ROWS + 1), ROWS),
    ("credit", "2026-11-18T12", "3", ROWS, 0.4875, ROWS - 1),
    ("credit", "2026-11-18T13", "4", ROWS, 0.4875, ROWS - 1),
]
"""Model, hour, version, events, mean score, events whose `feature.member` is known."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a collector that was sent all of them: its stop seals a segment, its next life makes the files."""
    folder = tmp_path_factory.mktemp("collector")
    with collector(folder, free_port(), parquet__enabled=True) as taking:
        for one in BLOCKS:
            taking.send("POST", "/v1/events", encode(one), MEDIA_TYPE)
        told = [event | {"project": "shop", "model": "credit", "version": "3"} for event in EVENTS]
        assert taking.send("POST", "/v1/events", json.dumps(told).encode())["accepted"] == len(EVENTS)
    with collector(folder, free_port(), parquet__enabled=True) as making:
        until(lambda: f"tocsin_parquet_rows_total {COUNT}\n" in making.get("/metrics"), "all rows are in files", 120)
    return folder / "data" / "parquet"


def said(language: str, number: int, files: Path) -> str:
    """A query of the how-to, over these files."""
    return blocks("read-parquet", language)[number].replace("/var/lib/tocsin/parquet", str(files))


def rows(found: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Without the rounding of their means."""
    return [tuple(round(value, 9) if isinstance(value, float) else value for value in row) for row in found]


def ran(python: Path, code: str, **environ: str) -> Any:
    """What the last line of another interpreter's output says as JSON."""
    done = subprocess.run(
        [python, "-c", code], env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=540
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_duckdb_counts_by_model_and_hour_and_joins_labels(files: Path) -> None:
    with duckdb.connect() as database:
        assert rows(database.execute(said("sql", 0, files)).fetchall()) == rows(HOURLY)
        assert rows(database.execute(said("sql", 1, files)).fetchall()) == [("3", 2, 0.5)]


def test_duckdb_sees_each_type_and_what_is_missing(files: Path) -> None:
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'Asia/Tokyo'")  # the moment is the same
        database.execute(f"CREATE VIEW rows AS FROM read_parquet('{files}/project=shop/model={ODD_PATH}/**/*.parquet')")
        types = {name: kind for name, kind, *_ in database.execute("DESCRIBE rows").fetchall()}
        nan, null = (
            database.execute(
                'SELECT epoch_us(time), isnan("feature.age"), "feature.visits", "feature.member", "feature.city" '
                f"FROM rows WHERE id = '{ODD}-0-{n}'"
            ).fetchone()
            for n in (NAN_ROW, NULL_ROW)
        )
    assert types["time"] == "TIMESTAMP WITH TIME ZONE"
    assert [types[f"feature.{name}"] for name in ("age", "visits", "member", "city")] == [
        "DOUBLE",
        "BIGINT",
        "BOOLEAN",
        "VARCHAR",
    ]
    assert types["score.yes"] == "DOUBLE"
    assert nan == (START_US + NAN_ROW, True, (1 << 53) + 1 + NAN_ROW, False, "Nîmes")
    assert null == (START_US + NULL_ROW, None, None, None, None)


def test_polars_counts_by_model_and_hour_and_sees_each_type(files: Path) -> None:
    names: dict[str, Any] = {}
    exec(said("python", 0, files), names)
    assert rows(names["hourly"].rows()) == rows(HOURLY)
    schema = names["events"].collect_schema()
    assert schema["time"] == pl.Datetime("us", "UTC")
    assert [schema[f"feature.{name}"] for name in ("age", "visits", "member", "city", "new")] == [
        pl.String,  # one of them was
        pl.Int64,
        pl.Boolean,
        pl.String,
        pl.Float64,
    ]


@pytest.mark.reports
def test_pandas_counts_by_hour_and_leaves_no_column_out(files: Path) -> None:
    if not PYTHON.exists():
        lacking("needs the environment of the reports, which has pandas: make reports")
    code = said("python", 1, files) + (
        "import json\n"
        "hourly['time'] = hourly['time'].map(lambda time: time.isoformat())\n"
        "print(json.dumps([hourly.values.tolist(), str(events['time'].dtype), int(events['feature.new'].count())]))"
    )
    hourly, time, new = ran(PYTHON, code)
    wanted = [(f"{hour}:00:00+00:00", *found) for model, hour, *found in HOURLY if model == "credit"]
    assert rows(hourly) == rows(wanted)
    assert (time, new) == ("datetime64[us, UTC]", ROWS)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_spark_counts_by_model_and_hour_and_reads_times_as_moments(files: Path) -> None:
    if not SPARK.exists():
        lacking("needs Spark: make .venv-spark/.ready")
    code = f"""
import json
from pyspark.sql import SparkSession
here = {{"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}}
there = {{"spark.sql.session.timeZone": "Asia/Tokyo"}}
SparkSession.builder.master("local[1]").config(map=here | there).getOrCreate()
{said("python", 2, files)}
first = events.where("type = 'prediction'").selectExpr("unix_micros(min(time))").collect()[0][0]
whole = spark.read.option("mergeSchema", "true").parquet("{files}/project=shop/model={ODD_PATH}")
print(json.dumps([[list(row) for row in hourly.collect()], first, dict(whole.dtypes)]))
"""
    hourly, first, types = ran(Path(sys.executable), code, PYTHONPATH=str(SPARK))
    assert rows(hourly) == rows(HOURLY)
    assert first == START_US
    assert [types[name] for name in ("time", "feature.age", "feature.visits", "feature.member", "feature.city")] == [
        "timestamp", "double", "bigint", "boolean", "string",
    ]  # fmt: skip
