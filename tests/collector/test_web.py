"""The whole application over HTTP: references, reports, health, its description, and a collector that cannot start."""

import asyncio
import html
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tests.servers.cache import lacking
from tocsin_collector.listen import ListenError, listen
from tocsin_collector.service import Service
from tocsin_collector.verdict import ModelKey
from tocsin_collector.web import application
from tocsin_schema.config import load
from tocsin_schema.settings.collector import COLLECTOR

KEY = ModelKey("shop", "credit", "3")
ROW = "2026-01-{day:02d}T{hour:02d}:00:00Z,{age},{label}\n"
PYTHON = os.path.join(os.path.dirname(__file__), "..", "..", ".venv-reports", "bin", "python")


def _csv(rows=400):
    rows = [
        ROW.format(day=1 + row // 24 % 20, hour=row % 24, age=row % 50, label=("no", "yes")[row % 2])
        for row in range(rows)
    ]
    return "time,feature.age,label\n" + "".join(rows)


@pytest.fixture
def client(tmp_path):
    """A function that sends one request to an application over a folder of its own."""
    values = load(COLLECTOR, None, {}) | {"data_dir": str(tmp_path), "reports.python": PYTHON}
    service = Service(values, page_url="http://localhost")
    service.recover()
    app = application(service)

    def call(method, path, **how):
        found = []

        async def send():
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://collector") as session:
                found.append(await session.request(method, path, timeout=120, **how))
            await service.intake.close()

        # In a thread: the browser tests of the same process keep a loop of their own in the main one.
        thread = threading.Thread(target=lambda: asyncio.run(send()))
        thread.start()
        thread.join()
        return found[0]

    yield call
    service.close()


def _predict(client, rows=300):
    events = [
        {
            "type": "prediction",
            "model": "credit",
            "project": "shop",
            "version": "3",
            "id": f"{row}",
            "prediction": "yes",
        }
        | {"time": f"2026-02-01T00:{row // 60:02d}:{row % 60:02d}Z", "features": {"age": row % 90}}
        for row in range(rows)
    ]
    answer = client("POST", "/v1/events", json=events)
    assert answer.json()["accepted"] == rows


def test_a_reference_from_a_file_is_told_with_the_model(client):
    answer = client("PUT", "/v1/references/shop/credit?version=3", content=_csv())
    assert (answer.status_code, answer.json()["rows"]) == (200, 400)
    _predict(client)
    (version,) = client("GET", "/v1/models/shop/credit").json()["versions"]
    assert version["reference"]["source"] == "a file"


def test_a_reference_from_a_past_span_needs_both_ends_and_rows(client):
    _predict(client)
    answer = client("PUT", "/v1/references/shop/credit?version=3&from=2026-02-01T00:00:00Z&to=2026-02-02T00:00:00Z")
    assert (answer.status_code, answer.json()["rows"]) == (200, 300)
    missing = client("PUT", "/v1/references/shop/credit?version=3&from=2026-02-01T00:00:00Z")
    assert (missing.status_code, "`to`" in missing.json()["detail"]) == (400, True)
    empty = client("PUT", "/v1/references/shop/credit?version=3&from=2020-02-01T00:00:00Z&to=2020-02-02T00:00:00Z")
    assert "no prediction of shop/credit" in empty.json()["detail"]


@pytest.mark.parametrize(
    ("body", "said"), [(b"", "the file is empty"), (b"time,feature.x\nnow,1\n", "'now' is no RFC 3339")]
)
def test_a_bad_reference_changes_nothing_and_says_why(client, body, said):
    client("PUT", "/v1/references/shop/credit?version=3", content=_csv())
    answer = client("PUT", "/v1/references/shop/credit?version=3", content=body)
    assert (answer.status_code, said in answer.json()["detail"]) == (400, True)
    assert client("GET", "/v1/models/shop/credit").json()["versions"][0]["reference"]["rows"] == 400


@pytest.mark.reports
@pytest.mark.system
def test_a_real_report_of_a_span_comes_as_a_page(client):
    if not os.path.exists(PYTHON):
        lacking("needs the environment of the extra `reports`: make reports")
    client("PUT", "/v1/references/shop/credit?version=3", content=_csv())
    _predict(client)
    span = "from=2026-02-01T00:00:00Z&to=2026-02-02T00:00:00Z"
    answer = client("GET", f"/v1/reports/shop/credit?version=3&{span}")
    assert (answer.status_code, "<html" in answer.text[:300].lower(), "age" in answer.text) == (200, True, True)


def test_a_report_of_ours_needs_no_evidently_and_is_the_same_each_time(client):
    client("PUT", "/v1/references/shop/credit?version=3", content=_csv())
    _predict(client)
    path = "/v1/reports/shop/credit?version=3&from=2026-02-01T00:00:00Z&to=2026-02-02T00:00:00Z&by=tocsin"
    page, again = client("GET", path), client("GET", path)
    assert (page.status_code, page.content) == (200, again.content)
    assert "shop / credit 3</h1>" in page.text
    assert "<svg" in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    figures = client("GET", f"{path}&format=json").json()
    assert "age" in figures["features"]
    assert client("GET", f"{path}&format=pdf").status_code == 422


def test_a_models_page_leads_to_the_report_of_its_window(client):
    client("PUT", "/v1/references/shop/credit?version=3", content=_csv())
    _predict(client)
    later = {"type": "prediction", "model": "credit", "project": "shop", "version": "3", "prediction": "yes"}
    events = [
        later | {"id": f"l{hour}", "time": f"2026-02-01T{hour:02}:00:00Z", "features": {}} for hour in range(2, 8)
    ]
    client("POST", "/v1/events", json=events)
    found = re.findall(r'href="(/v1/reports/[^"]*)"', client("GET", "/models/shop/credit/3").text)
    assert client("GET", html.unescape(found[0])).status_code == 200


def test_a_model_whose_name_has_a_slash_gets_its_reference_at_its_pages_address(client):
    assert client("PUT", "/v1/references/shop/org%252Fcredit?version=3", content=_csv()).status_code == 200
    (known,) = client("GET", "/v1/models").json()["models"]
    assert (known["model"], known["page"]) == ("org/credit", "/models/shop/org%252Fcredit/3")


def test_a_name_without_end_is_refused(client):
    answer = client("PUT", f"/v1/references/shop/{'m' * 300}", content=_csv())
    assert (answer.status_code, "256 characters" in answer.json()["detail"]) == (400, True)


def test_a_report_without_a_reference_says_how_to_make_one(client):
    answer = client("GET", "/v1/reports/shop/credit?from=2026-02-01T00:00:00Z&to=2026-02-02T00:00:00Z")
    assert (answer.status_code, "tocsin reference create" in answer.json()["detail"]) == (404, True)


def test_an_address_that_there_is_not_is_told_with_where_those_stand_that_there_are(client):
    answer = client("GET", "/v1/event")
    assert (answer.status_code, answer.json()["detail"]) == (404, "nothing is at this address; /docs has every one")


def test_everything_is_described(client):
    paths = client("GET", "/openapi.json").json()["paths"]
    expected = {"/v1/events", "/v1/logs", "/v1/models", "/v1/references/{project}/{model}", "/v1/alarms", "/metrics"}
    assert expected <= set(paths)
    assert "tocsin_window_rows" not in client("GET", "/metrics").text
    assert client("GET", "/-/healthy").text == "healthy\n"


def _collector(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "tocsin_collector", "collector", *arguments], stderr=subprocess.PIPE, text=True
    )


@pytest.mark.system
def test_a_taken_port_and_a_taken_folder_are_clear_errors(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = _collector("--listen", f"127.0.0.1:{port}", "--data", str(tmp_path))
        _, said = process.communicate(timeout=30)
    assert (process.returncode, f"127.0.0.1:{port}" in said, "Traceback" in said) == (1, True, False)
    first = _collector("--listen", "127.0.0.1:0", "--data", str(tmp_path))
    try:
        assert "tocsin_collector_listening" in first.stderr.readline()
        second = _collector("--listen", "127.0.0.1:0", "--data", str(tmp_path))
        _, said = second.communicate(timeout=30)
        assert (second.returncode, str(tmp_path) in said, "Traceback" in said) == (1, True, False)
    finally:
        started = time.monotonic()
        first.send_signal(signal.SIGTERM)
        _, said = first.communicate(timeout=30)
    assert (first.returncode, "Traceback" in said) == (0, False)
    assert time.monotonic() - started < 20


@pytest.mark.system
@pytest.mark.parametrize(
    ("bad", "said"), [("alarms/alarms.sqlite", "file is not a database"), ("references", "File exists")]
)
def test_a_data_folder_that_cannot_be_used_is_a_clear_error(tmp_path, bad, said):
    (tmp_path / bad).parent.mkdir(exist_ok=True)
    (tmp_path / bad).write_text("x" * 5_000)
    process = _collector("--listen", "127.0.0.1:0", "--data", str(tmp_path))
    _, told = process.communicate(timeout=30)
    assert (process.returncode, said in told, str(tmp_path) in told, "Traceback" in told) == (1, True, True, False)


@pytest.mark.parametrize("address", ["nonsense", "10301", "127.0.0.1:\u00b2", "127.0.0.1:70000", "127.0.0.1:"])
def test_an_address_that_is_none_is_told(address):
    with pytest.raises(ListenError, match="is no ADDRESS:PORT"):
        listen(address)


def test_the_api_has_a_page_of_its_own_without_foreign_scripts(client):
    answer = client("GET", "/docs")
    assert (answer.status_code, "POST <code>/v1/events</code>" in answer.text) == (200, True)
    assert "<script" not in answer.text.replace('<script src="/static', "")
    assert "https://" not in answer.text.replace("http://www.w3.org", "")
