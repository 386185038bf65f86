"""What is exported for others to install: whole, parsed by its format, without secrets, the same bytes each time."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.provision.shop import RULES, catalogue, values
from tocsin_collector.provision import export
from tocsin_collector.provision.difference import CHANGE, CREATE, DELETE, KEEP, UNCHANGED
from tocsin_collector.provision.stamp import board_stamp, digest, unstamped
from tocsin_collector.provision.yamltext import yaml as text_of


@pytest.fixture
def configuration(tmp_path):
    (tmp_path / "token").write_text("a-secret-token")
    (tmp_path / "key").write_text("an-api-key")
    return values(
        prometheus__url="http://prometheus:9090",
        prometheus__token_file=str(tmp_path / "token"),
        elasticsearch__urls=["http://es:9200"],
        elasticsearch__api_key_file=str(tmp_path / "key"),
    )


def exported(folder, format_, configuration, shipped=None):
    steps = export.write_all(str(folder), export.files(format_, shipped or catalogue(), configuration, "/seen/as"))
    return [(step.action, step.key) for step in steps]


def everything(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("format_", export.FORMATS)
def test_a_second_export_writes_nothing_and_no_secret_is_in_any_file(tmp_path, configuration, format_):
    folder = tmp_path / "out"
    first = exported(folder, format_, configuration)
    assert {action for action, _ in first} == {CREATE}
    files = everything(folder)
    assert len(files) == len(first)
    assert not [name for name, text in files.items() if "a-secret-token" in text or "an-api-key" in text]
    assert {action for action, _ in exported(folder, format_, configuration)} == {UNCHANGED}
    assert everything(folder) == files


def test_grafanas_folder_has_boards_their_provider_and_data_sources(tmp_path, configuration):
    exported(tmp_path / "out", "grafana", configuration)
    files = everything(tmp_path / "out")
    provider = yaml.safe_load(files["dashboards/tocsin.yaml"])["providers"][0]
    assert provider["options"] == {"path": "/seen/as/dashboards/tocsin"}
    assert (provider["folder"], provider["folderUid"]) == ("tocsin", "tocsin")
    for uid, board in catalogue().boards.items():
        written = json.loads(files[f"dashboards/tocsin/{uid}.json"])
        assert unstamped(written) == board
        assert board_stamp(written) == digest(board)
    metrics, logs = yaml.safe_load(files["datasources/tocsin.yaml"])["datasources"]
    assert metrics["secureJsonData"] == {"httpHeaderValue1": f"Bearer $__file{{{tmp_path}/token}}"}
    assert metrics["jsonData"]["timeInterval"] == "5s"
    assert logs["secureJsonData"] == {"httpHeaderValue1": f"ApiKey $__file{{{tmp_path}/key}}"}
    assert (logs["uid"], logs["jsonData"]["index"]) == ("tocsin-elasticsearch", "logs-*-default")


def test_without_an_address_there_is_no_data_source(tmp_path):
    exported(tmp_path / "out", "grafana", values())
    assert "datasources/tocsin.yaml" not in everything(tmp_path / "out")


def test_dollars_of_an_address_are_no_variables_of_grafanas_environment(tmp_path):
    exported(tmp_path / "out", "grafana", values(prometheus__url="http://a/$HOME"))
    assert "http://a/$$HOME" in everything(tmp_path / "out")["datasources/tocsin.yaml"]


def test_kubernetes_objects_carry_boards_and_rules_whole(tmp_path, configuration):
    exported(tmp_path / "out", "kubernetes", configuration)
    objects = [yaml.safe_load(text) for text in everything(tmp_path / "out").values()]
    maps = {each["metadata"]["name"]: each for each in objects if each["kind"] == "ConfigMap"}
    rules = {each["metadata"]["name"]: each for each in objects if each["kind"] == "PrometheusRule"}
    for uid, board in catalogue().boards.items():
        found = maps[f"{uid}-board"]
        assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert unstamped(json.loads(found["data"][f"{uid}.json"])) == board
    assert {name: each["spec"] for name, each in rules.items()} == {
        "tocsin-host-rules": yaml.safe_load(RULES["tocsin-host.rules.yml"]),
        "tocsin-recording-rules": yaml.safe_load(RULES["tocsin-recording.rules.yml"]),
    }


def test_what_is_no_longer_shipped_goes_and_what_is_others_stays(tmp_path, configuration):
    folder = tmp_path / "out"
    exported(folder, "prometheus", configuration)
    (folder / "mine.yml").write_text("groups: []\n")
    less = catalogue({"tocsin-host.rules.yml": RULES["tocsin-host.rules.yml"].replace("0.05", "0.06")})
    assert exported(folder, "prometheus", configuration, less) == [
        (CHANGE, "tocsin-host.rules.yml"),
        (DELETE, "tocsin-recording.rules.yml"),
        (KEEP, "mine.yml"),
    ]
    assert set(everything(folder)) == {"tocsin-host.rules.yml", "mine.yml"}


TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
)


@given(VALUES)
def test_yaml_reads_back_what_was_written(value):
    assert yaml.safe_load(text_of(value)) == value


@given(st.lists(st.text(st.characters(categories=("L", "N", "P", "Zs"))), max_size=5))
def test_texts_of_several_lines_come_back_as_they_were(lines):
    text = "".join(line + "\n" for line in lines)
    assert yaml.safe_load(text_of({"data": text})) == {"data": text}
