"""The configuration table: defaults, file, environment; every fault at once."""

import contextlib
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_schema.config import ConfigError, Key, json_schema, load, reference, sample, secret
from tocsin_schema.settings.agent import AGENT
from tocsin_schema.settings.collector import COLLECTOR

TABLE = (
    Key("listen", "text", "127.0.0.1:1", "address", env="LISTEN"),
    Key("agents", "list", [], "agents"),
    Key("debug", "boolean", False, "debug"),
    Key("mode", "text", "a", "mode", range=("a", "b")),
    Key("windows.length_s", "number", 3600.0, "length", range=(10, 100_000)),
    Key("windows.keep", "integer", 400, "kept", range=(10, 1000)),
    Key("extra", "table", {}, "free"),
)


def written(folder: Path, text: str) -> str:
    path = folder / "tocsin.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def faults(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(TABLE, written(folder, text), environ or {})
    return caught.value.faults


def test_without_anything_every_key_has_its_default() -> None:
    assert load(TABLE, None, {}) == {key.path: key.default for key in TABLE}


def test_the_file_overrides_defaults_and_the_environment_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, 'agents = ["a"]\nlisten = "x:1"\n[windows]\nlength_s = 60\n[extra]\nanything = 1\n')
    found = load(
        TABLE, file, {"LISTEN": "y:2", "TOCSIN_WINDOWS_KEEP": "20", "TOCSIN_AGENTS": "b, c,", "TOCSIN_DEBUG": "TRUE"}
    )
    assert found == {
        "listen": "y:2",
        "agents": ["b", "c"],
        "debug": True,
        "mode": "a",
        "windows.length_s": 60,
        "windows.keep": 20,
        "extra": {"anything": 1},
    }


def test_all_faults_come_at_once_and_name_what_would_be_right(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        'listn = "x"\nagents = "a"\ndebug = 1\nmode = "c"\n[windows]\nlength_s = true\nkeep = 5\n[window]\nkeep = 1\n',
        {"TOCSIN_WINDOWS_KEEP": "many", "TOCSIN_DEBUG": "perhaps"},
    )
    text = "\n".join(found)
    for part in (
        "listn: unknown key; did you mean listen?",
        "agents: list expected, found 'a'",
        "debug: boolean expected, found 1",
        "mode: one of a, b expected, found 'c'",
        "windows.length_s: number expected, found True",
        "windows.keep: from 10 to 1000 expected, found 5",
        "window.keep: unknown key; did you mean windows.keep?",
        "TOCSIN_WINDOWS_KEEP='many': integer expected",
        "TOCSIN_DEBUG='perhaps': boolean expected",
    ):
        assert part in text
    assert len(found) == 9


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "9", "1e9"])
def test_numbers_outside_the_range_are_refused(tmp_path: Path, value: str) -> None:
    assert len(faults(tmp_path, f"[windows]\nlength_s = {value}\n")) == 1
    assert len(faults(tmp_path, "", {"TOCSIN_WINDOWS_LENGTH_S": value})) == 1


def test_a_file_that_is_none_or_no_toml_is_named(tmp_path: Path) -> None:
    assert "no TOML" in faults(tmp_path, "listen = ")[0]
    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read: No such file"):
        load(TABLE, str(tmp_path / "missing.toml"), {})
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(TABLE, str(tmp_path), {})


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with contextlib.suppress(ConfigError):
        load(TABLE, str(path), {})


def test_a_secret_is_read_without_its_last_newline_and_never_told(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hush\n", encoding="utf-8")
    assert secret(str(tmp_path / "token")) == "hush"
    with pytest.raises(ConfigError, match="the secret cannot be read"):
        secret(str(tmp_path / "none"))


@pytest.mark.parametrize("table", [TABLE, AGENT, COLLECTOR])
def test_defaults_pass_their_own_checks(tmp_path: Path, table: tuple[Key, ...]) -> None:
    lines = [
        line[2:] if line.startswith("# ") and " = " in line and line[2:].split(" = ")[0].isidentifier() else line
        for line in sample(table).splitlines()
    ]
    text = "\n".join(lines)
    tomllib.loads(text)
    assert load(table, written(tmp_path, text), {}) == load(table, None, {})


@pytest.mark.parametrize("table", [TABLE, AGENT, COLLECTOR])
def test_the_sample_file_is_valid_as_it_is(tmp_path: Path, table: tuple[Key, ...]) -> None:
    assert load(table, written(tmp_path, sample(table)), {}) == load(table, None, {})
    (fault,) = faults(tmp_path, "[window]\n")
    assert fault.endswith("window: unknown key")


@pytest.mark.parametrize("table", [TABLE, AGENT, COLLECTOR])
def test_schema_and_reference_have_every_key(table: tuple[Key, ...]) -> None:
    schema = json.dumps(json_schema(table, "t"))
    page = reference(table)
    for key in table:
        assert json.dumps(key.help) in schema
        assert f"`{key.path}`" in page
        assert f"`{key.env}`" in page
    assert len({key.path for key in table}) == len({key.env for key in table}) == len(table)


def test_the_schema_says_types_and_ranges() -> None:
    properties = json_schema(TABLE, "t")["properties"]
    assert properties["mode"] == {"type": "string", "description": "mode", "default": "a", "enum": ["a", "b"]}
    assert properties["windows"]["properties"]["keep"]["maximum"] == 1000
    assert properties["windows"]["additionalProperties"] is False
    assert properties["agents"]["items"] == {"type": "string"}
