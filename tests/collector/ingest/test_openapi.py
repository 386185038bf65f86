"""What the OpenAPI document and the reference page show is what the endpoint takes."""

import http.client
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.collector.ingest.served import Collector
from tocsin_collector.ingest.form import forms_by_media_type

WIRE = Path(__file__).parents[3] / "docs" / "reference" / "wire.md"


def described(collector: Collector) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=10)
    connection.request("GET", "/openapi.json")
    document = json.loads(connection.getresponse().read())
    connection.close()
    content: dict[str, Any] = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    return content


def test_every_form_is_described_and_has_an_example_or_is_binary(collector: Collector) -> None:
    content = described(collector)
    assert content.keys() == forms_by_media_type().keys()
    for media_type, entry in content.items():
        assert "example" in entry or entry["schema"].get("format") == "binary", media_type


@pytest.mark.parametrize(
    "media_type", [name for name, form in forms_by_media_type().items() if "example" in form.content]
)
def test_each_example_is_taken(collector: Collector, media_type: str) -> None:
    example = described(collector)[media_type]["example"]
    body = example if isinstance(example, str) else json.dumps(example)
    status, answer = collector.post(body.encode(), media_type)
    assert (status, answer["rejected"]) == (200, [])
    assert answer["accepted"] >= 1


def test_the_reference_page_names_every_form() -> None:
    page = WIRE.read_text()
    assert [name for name in forms_by_media_type() if f"`{name}`" not in page] == []


def test_the_program_of_the_reference_page_works(collector: Collector) -> None:
    (program,) = re.findall(r"```python\n(import pyarrow.*?)```", WIRE.read_text(), re.DOTALL)
    program = program.replace("127.0.0.1:10301", f"127.0.0.1:{collector.port}")
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    ((frame, _),) = collector.applied
    assert (frame.key.model, list(frame.ids)) == ("credit", ["a1", "a2"])
