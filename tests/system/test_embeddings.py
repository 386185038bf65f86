"""Embeddings from the serving process to the alarm: capture, the real collector, its API, its page and /metrics."""

import io
import json
import re
import urllib.request
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cloud import cloud, vectors
from tests.servers.process import free_port, until
from tests.system.beside import Collector, collector
from tocsin_agent.capture import Capture

HOUR_S = 3_600
START_S = 1_780_000_000 // HOUR_S * HOUR_S
ROWS, REFERENCE_HOURS = 300, 16
MODEL = "/v1/models/shop/search"
KNOWN = cloud(11)


def as_reference() -> bytes:
    """Rows of the hours before as Parquet."""
    draw = np.random.default_rng(1)
    rows = vectors(KNOWN, ROWS * REFERENCE_HOURS, draw)
    times = START_S - REFERENCE_HOURS * HOUR_S + np.sort(draw.integers(0, REFERENCE_HOURS * HOUR_S, len(rows)))
    listed = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
    out = io.BytesIO()
    pq.write_table(pa.table({"time": pa.array(times, pa.timestamp("s", "UTC")), "feature.text": listed}), out)
    return out.getvalue()


def send(capture: Capture, hour: int, draw: np.random.Generator, dimensions: int = 384, **change: float) -> None:
    """One hour of requests."""
    rows = vectors(KNOWN if dimensions == 384 else cloud(11, dimensions), ROWS, draw, **change)
    times = START_S + hour * HOUR_S + np.sort(draw.integers(0, HOUR_S, ROWS))
    capture.predictions(features={"text": rows}, prediction=["yes"] * ROWS, time=times.tolist())


def refer(found: Collector) -> dict[str, object]:
    """Give the model its reference: a quarter of a gigabyte may be one, so it may take its time."""
    address = f"{found.url}/v1/references/shop/search?version=1"
    headers = {"Content-Type": "application/vnd.apache.parquet"}
    request = urllib.request.Request(address, as_reference(), headers, method="PUT")
    with urllib.request.urlopen(request, timeout=180) as answer:
        told: dict[str, object] = json.load(answer)
    return told


def windows(found: Collector) -> dict[int, dict[str, object]]:
    """The features of each closed window by its hour, with its reasons."""
    told = found.json(f"{MODEL}?version=1")["versions"][0]["windows"]
    hours = {}
    for one in told:
        seconds = np.datetime64(one["start"].removesuffix("Z").removesuffix("+00:00"), "s").astype(int)
        hours[(int(seconds) - START_S) // HOUR_S] = one
    return hours


@pytest.mark.system
@pytest.mark.timeout(400)
def test_a_topic_that_is_new_alarms_and_what_is_as_ever_does_not(tmp_path: Path) -> None:
    with collector(tmp_path / "collector", free_port(), windows__lateness_s=60, drift__min_rows=100) as found:
        put = refer(found)
        assert put["rows"] == ROWS * REFERENCE_HOURS
        capture, draw = Capture("search", "1", "shop", endpoint=found.url, runtime_dir=""), np.random.default_rng(2)
        for hour in range(6):
            send(capture, hour, draw)
        for hour in range(6, 8):
            send(capture, hour, draw, new=0.15)
        send(capture, 8, draw, dimensions=512)
        send(capture, 9, draw)
        send(capture, 10, draw)
        assert capture.flush(120)
        capture.close()
        until(lambda: 9 in windows(found), f"the windows close: {found.server.said()}", 120)
        told = windows(found)
        assert [told[hour]["reasons"] for hour in range(6)] == [[]] * 6
        for hour in (6, 7):
            alarmed = told[hour]["drift"]["text"]
            assert (alarmed["kind"], alarmed["method"], alarmed["alarmed"]) == ("embedding[384]", "hotelling", True)
            assert alarmed["score"] > alarmed["threshold"]
            assert "text: the mean of its vectors is 0.0" in told[hour]["reasons"][0]
        assert "text: 100.0 % of values are all zero, infinite or no embedding[384]" in " ".join(told[8]["reasons"])
        (view,) = found.json(f"{MODEL}?version=1")["versions"]
        changes = [one["text"] for one in view["schema_changes"]]
        assert changes[0] == "text was an embedding[384] and came as an embedding[512]"
        exposed = found.get("/metrics")
        assert re.search(r'tocsin_feature_drift_score{.*feature="text".*method="hotelling"', exposed)
        assert re.search(r'tocsin_feature_drift_score{.*feature="text:cosine".*method="ks"', exposed)
        assert re.search(r"tocsin_schema_changes_total{.*} [1-3]", exposed)
        page = found.get("/models/shop/search/1/features/text")
        assert "Cosine to the reference" in page
        assert "Cosine distance of the means" in page
