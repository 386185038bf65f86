"""Every kind of model, from events as JSON to a real collector's API, page and /metrics: what its quality is."""

import os
import sys
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest

from tests.servers.process import free_port, serving, until

ROWS = 240
ANSWERS = (
    "Your parcel left the store on Monday and will be with you soon.",
    "I'm sorry, but I can't help with that request at all today.",
    '{"parcel": "sent on monday", "arrives": "on friday of this week"}',
    "Please write to jane.doe@example.com about the parcel that you miss.",
)


def _rows(kind, rng):
    """Prediction, label and the rest of each row."""
    for row in range(ROWS):
        if kind == "ranking":
            ranked = rng.permutation(list("abcdefghijkl")).tolist()
            yield ranked, {"a": 3, "b": 1} if row % 2 else "a", {}
        elif kind == "labels":
            yield rng.choice(list("abcd"), 2, replace=False).tolist(), ["a", "b"], {}
        elif kind == "forecast":
            level = float(rng.normal(50, 10))
            scores = {"q0.1": level - 12.8, "q0.9": level + 12.8, "scale": 8.0}
            yield level, level + float(rng.normal(0, 10)), {"scores": scores, "segment": {"horizon": "24h"}}
        elif kind == "classes":
            group = ("m", "f")[row % 2]
            score = float(rng.uniform())
            happened = "yes" if rng.random() < score else "no"
            said = "yes" if score > (0.3 if group == "m" else 0.7) else "no"
            yield said, happened, {"scores": {"yes": score, "no": 1 - score}, "segment": {"sex": group}}
        else:
            yield ANSWERS[row % 4], ANSWERS[0], {"features": {"tokens_in": 100, "tokens_out": 12}}


def _events(kind, first):
    rng = np.random.default_rng(7)
    for row, (said, right, more) in enumerate(_rows(kind, rng)):
        about = {"project": "shop", "model": kind, "id": f"{kind}-{row}"}
        at = first + timedelta(seconds=10 * row)
        yield about | {"type": "prediction", "time": at.isoformat(), "prediction": said} | more
        later = (at + timedelta(seconds=60)).isoformat()
        yield about | {"type": "label", "time": later, "label": right}
        if kind == "texts":
            yield about | {"type": "outcome", "time": later, "name": "judge.helpful", "value": 1 + row % 5}


EXPECTED = {
    "ranking": {"ndcg", "mrr", "hit_rate"},
    "labels": {"jaccard", "exact_match", "f1_micro", "f1_macro"},
    "forecast": {"mae", "rmse", "mape", "r2", "bias", "smape", "mase", "pinball"},
    "classes": {"auc", "pr_auc", "log_loss", "brier", "calibration_error", "accuracy", "f1_macro", "cost"},
}
ON_PAGE = {
    "ranking": ["NDCG", "MRR"],
    "labels": ["By label", "Said or right"],
    "forecast": ["Labels below quantile 0.9"],
    "classes": ["By threshold", "By class", "Calibration of", "Largest against smallest"],
}
MEASURES = (
    "refusal", "personal_mail", "json", "language_en", "length_chars", "token_f1", "rouge_l", "exact_match",
    "judge.helpful", "tokens_in", "tokens_out", "cost",
)  # fmt: skip


def _told(figures, metric, model, label):
    """The values of a label in the series of a model."""
    lines = [line for line in figures.splitlines() if line.startswith(f"{metric}{{") and f'model="{model}"' in line]
    return {line.split(f'{label}="')[1].split('"')[0] for line in lines}


@pytest.mark.system
@pytest.mark.timeout(600)
def test_every_kind_of_model_is_scored_from_the_wire_to_the_page(tmp_path):
    config = tmp_path / "collector.toml"
    config.write_text(f"""
data_dir = "{tmp_path}/data"
[text]
prices = ["shop/texts 3 15"]
[quality]
costs = ["shop classes yes no 10"]
""")
    port, first = free_port(), datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
    url = f"http://127.0.0.1:{port}"
    command = [os.path.join(os.path.dirname(sys.executable), "tocsin"), "collector", "--config", str(config)]
    with (
        serving([*command, "--listen", f"127.0.0.1:{port}"], url, ready="/-/healthy", log=str(tmp_path / "log")),
        httpx.Client(base_url=url, timeout=120) as ask,
    ):
        for kind in (*EXPECTED, "texts"):
            events = list(_events(kind, first))
            answer = ask.post("/v1/events", json=events).json()
            assert (answer["accepted"], answer["rejected"]) == (len(events), [])
            now = {"type": "prediction", "project": "shop", "model": kind, "id": "now", "prediction": "yes"}
            ask.post("/v1/events", json=now | {"time": datetime.now(UTC).isoformat()})
        for kind, names in EXPECTED.items():

            def labelled(at=f"/v1/models/shop/{kind}/quality"):
                found = ask.get(at).json()["versions"][0]["summary"]
                return found["labelled"] == ROWS and found

            found = until(labelled, f"the labels of {kind} were joined", 120)
            assert names <= found["scores"].keys()
            page = ask.get(f"/models/shop/{kind}/-/quality").text
            assert [text for text in ON_PAGE[kind] if text not in page] == []
        figures = ask.get("/metrics").text
        for kind, names in EXPECTED.items():
            assert names - _told(figures, "tocsin_model_quality", kind, "metric") == set()
        covered = [line for line in figures.splitlines() if line.startswith("tocsin_model_quantile_coverage_ratio{")]
        assert [0.8 < float(line.split()[-1]) < 0.98 for line in covered if 'quantile="0.9"' in line] == [True]
        gaps = [line for line in figures.splitlines() if line.startswith("tocsin_model_fairness_gap_ratio{")]
        assert {line.split('measure="')[1].split('"')[0] for line in gaps} == {
            "demographic_parity",
            "equal_opportunity",
        }
        assert all('segment="sex"' in line for line in gaps)
        assert set(MEASURES) - _told(figures, "tocsin_text_measure", "texts", "measure") == set()
        text = ask.get("/v1/models/shop/texts").json()["versions"][0]["windows"]
        (told,) = [window["text"] for window in text if window["text"]]
        assert told["measures"]["refusal"] == 0.25
        assert told["measures"]["cost"] == pytest.approx(ROWS * (300 + 180) / 1e6)
        assert "Answers as texts" in ask.get("/models/shop/texts/-").text
