"""Keys: what is kept of them, who they let in, and `tocsin keys`."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.__main__ import main
from tocsin_collector.doors.caller import ADMIN, READ
from tocsin_collector.doors.keys import Keyring, KeysError, load, make, revoke

NOW_S = 1_800_000_000.0


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "data" / "keys.json")


def _made(path, scopes=(READ,), project=None):
    return make(path, scopes, project, "a note", NOW_S)


def test_a_key_is_kept_as_a_hash_in_a_file_of_its_owner(path):
    key, token = _made(path)
    secret = token.split("_")[2]
    assert len(secret) == 48
    with open(path) as file:
        assert secret not in file.read()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert load(path) == {key.id: key}
    assert key.made == "2027-01-15T08:00:00Z"


def test_the_right_key_names_its_caller_and_nothing_else_does(path):
    key, token = _made(path, (READ, ADMIN), "shop")
    ring = Keyring(path, pytest.fail)
    caller = ring.caller(token)
    assert (caller.name, caller.project, caller.scopes) == (f"key {key.id}", "shop", {READ, ADMIN})
    nearly = (token[:-1], token + "0", token.upper(), f"tsn_{key.id}_", f"tsn_{key.id}")
    for wrong in (*nearly, key.id, "", "tsn__", "\udcff"):
        assert ring.caller(wrong) is None


@given(st.text())
def test_no_text_is_a_key(tmp_path_factory, text):
    path = str(tmp_path_factory.getbasetemp() / "any" / "keys.json")
    if not os.path.exists(path):
        _made(path)
    assert Keyring(path, pytest.fail).caller(text) is None


def test_a_running_collector_takes_up_what_is_made_and_revoked(path):
    told = []
    ring = Keyring(path, told.append)
    assert not ring.asked
    key, token = _made(path)
    assert ring.asked
    assert ring.caller(token) is not None
    revoke(path, key.id, NOW_S)
    assert ring.caller(token) is None
    assert ring.asked  # the last key is gone, the door stays shut
    assert told == ["keys_taken keys=1", "keys_taken keys=0"]


@pytest.mark.parametrize("content", [None, "", "{", '{"keys":[{}]}', '{"keys":[{"id":1}]}', "[" * 5_000, "\x00"])
def test_a_file_that_breaks_takes_no_key_away_and_lets_nobody_in(path, content):
    told = []
    _, token = _made(path)
    ring = Keyring(path, told.append)
    if content is None:
        os.unlink(path)
    else:
        with open(path, "w") as file:
            file.write(content)
    assert ring.caller(token) is not None
    assert ring.caller("tsn_x_y") is None
    assert ring.asked
    assert len(told) == 1
    assert token not in told[0]


def test_a_broken_file_is_refused_at_the_start(path):
    os.makedirs(os.path.dirname(path))
    with open(path, "w") as file:
        file.write("{}")
    with pytest.raises(KeysError, match="no file of keys"):
        Keyring(path, pytest.fail)


def test_keys_made_at_once_are_all_kept(path):
    threads = [threading.Thread(target=_made, args=(path,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(load(path)) == 8


def _tocsin(*words):
    return CliRunner().invoke(main, ["keys", *words])


def test_the_command_makes_lists_and_revokes(tmp_path):
    data = ("--data", str(tmp_path))
    made = _tocsin("make", "--scope", "read", "--project", "shop", "--note", "grafana", *data)
    token = made.stdout.strip()
    assert token.startswith("tsn_")
    assert made.stderr.endswith("it is shown only this once\n")
    listed = _tocsin("list", *data).stdout
    assert listed.split()[2:] == ["project", "'shop'", "read", "grafana"]
    assert token.split("_")[2] not in listed
    assert _tocsin("revoke", token.split("_")[1], *data).exit_code == 0
    assert _tocsin("list", *data).stdout == ""


def test_the_command_speaks_json(tmp_path):
    data = ("--json", "--data", str(tmp_path))
    made = json.loads(_tocsin("make", "--scope", "admin", *data).stdout)
    (listed,) = json.loads(_tocsin("list", *data).stdout)
    assert listed == {"id": made["id"], "project": None, "scopes": ["admin"], "note": "", "made": made["made"]}
    assert json.loads(_tocsin("revoke", made["id"], *data).stdout) == listed


def test_the_command_says_what_is_wrong(tmp_path):
    data = ("--data", str(tmp_path))
    assert "no such key; `tocsin keys list` tells" in _tocsin("revoke", "nobody", *data).stderr
    assert "write:predictions" in _tocsin("make", "--scope", "everything", *data).stderr
    assert "1 to 256 characters" in _tocsin("make", "--scope", "read", "--project", "", *data).stderr
    (tmp_path / "file").write_text("")
    assert "cannot be written" in _tocsin("make", "--scope", "read", "--data", str(tmp_path / "file")).stderr


@pytest.mark.parametrize("words", [[], ["make"], ["list"], ["revoke"]])
def test_help_has_an_example(words):
    assert "Example:" in _tocsin(*words, "--help").stdout


def test_a_change_that_cannot_be_recorded_is_not_made(path):
    key, _ = _made(path)
    with open(os.path.join(os.path.dirname(path), "audit", "mark"), "w") as mark:
        mark.write("nonsense")
    for change in (lambda: _made(path), lambda: revoke(path, key.id, NOW_S)):
        with pytest.raises(KeysError, match="nothing is changed"):
            change()
    assert load(path) == {key.id: key}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_belongs_to_the_collectors_user(path):
    os.makedirs(os.path.dirname(path))
    os.chown(os.path.dirname(path), 10301, 10301)
    _made(path)
    data = Path(path).parent
    found = [data / "keys.json", data / "audit", *(data / "audit").iterdir()]
    assert len(found) == 4
    assert {each.stat().st_uid for each in found} == {10301}


@pytest.mark.parametrize("words", [["make", "--scope", "read"], ["list"], ["revoke", "a"]])
def test_a_folder_that_is_not_there_gets_no_key_and_has_none(tmp_path, words):
    told = _tocsin(*words, "--data", str(tmp_path / "typo"))
    assert (told.exit_code, told.stdout) == (1, "")
    assert "typo: no such folder; name the collector's data folder with --data" in told.stderr
    assert not (tmp_path / "typo").exists()
