"""`tocsin provision` as a newcomer meets it."""

import json

import pytest
from click.testing import CliRunner

from tests.collector.provision.conftest import SECRET
from tests.collector.provision.double import Fault
from tocsin_collector.commands.provision import command


@pytest.fixture
def run(monkeypatch):
    for name in ("GRAFANA_URL", "PROMETHEUS_URL", "PROMETHEUS_RULES_DIR"):
        monkeypatch.delenv(f"TOCSIN_{name}", raising=False)
    return lambda *arguments: CliRunner().invoke(command, [str(each) for each in arguments])


@pytest.fixture
def config(tmp_path, grafana, token):
    path = tmp_path / "collector.toml"
    path.write_text(f'[grafana]\nurl = "{grafana.url}"\ntoken_file = "{token}"\n')
    return path


@pytest.mark.parametrize("name", ["", "plan", "apply", "prune", "export"])
def test_help_has_an_example_and_fits_a_screen(run, name):
    said = run(*filter(None, (name, "--help"))).output
    assert "Example:" in said
    assert len(said.splitlines()) <= 60


def test_without_a_configuration_it_says_what_to_set(run):
    done = run("plan")
    assert done.exit_code == 78
    assert done.stderr.startswith("nothing to provision: neither grafana.url nor prometheus.rules_dir is set.")
    assert "tocsin provision export" in done.stderr


def test_a_configuration_that_is_not_there_and_one_with_a_typo(run, tmp_path):
    assert "cannot be read" in run("plan", "--config", tmp_path / "none.toml").stderr
    (tmp_path / "typo.toml").write_text("[grafana]\nurll = 'http://a'\n")
    done = run("apply", "--config", tmp_path / "typo.toml")
    assert done.exit_code == 78
    assert "grafana.urll: unknown key; did you mean grafana.url?" in done.stderr


def test_plan_apply_plan_prune(run, config, grafana):
    plan = run("plan", "--config", config)
    assert plan.exit_code == 0
    assert plan.stdout.startswith(
        f"Grafana at {grafana.url} (version 10.1.0)\n  create    folder        tocsin  (missing)\n"
    )
    assert plan.stdout.endswith(" to create, 0 to change, 0 unchanged\n")
    assert grafana.writes == []
    apply = run("apply", "--config", config)
    assert apply.exit_code == 0
    assert apply.stdout.endswith(" written, 0 unchanged\n")
    objects = len(grafana.boards) + 1
    again = run("apply", "--config", config)
    assert again.stdout == f"nothing to do: {objects} objects are as they should be\n"
    assert run("plan", "--config", config).stdout.endswith(f"nothing to do: {objects} objects are as they should be\n")
    grafana.boards["tocsin-old"] = {**grafana.boards["tocsin-model"]}
    grafana.boards["tocsin-old"]["dashboard"] = {**grafana.boards["tocsin-model"]["dashboard"], "uid": "tocsin-old"}
    assert "`tocsin provision prune` removes it" in run("plan", "--config", config).stdout
    prune = run("prune", "--config", config)
    assert "delete    board         tocsin-old" in prune.stdout
    assert prune.stdout.endswith("1 removed\n")
    assert "tocsin-old" not in grafana.boards


def test_json_has_steps_notes_and_counts_and_no_secret(run, config, grafana):
    told = json.loads(run("apply", "--json", "--config", config).stdout)
    assert told["writes"] == len(grafana.boards) + 1
    assert {(step["action"], step["done"]) for step in told["steps"]} == {("create", True)}
    again = run("apply", "--json", "--config", config)
    assert json.loads(again.stdout)["writes"] == 0
    assert SECRET not in again.output
    assert "no data source" in json.loads(again.stdout)["notes"][0]


def test_a_fault_is_told_on_stderr_and_in_json(run, config, grafana):
    grafana.faults.append(Fault("POST", "/api/dashboards/db", 403, {"message": "no"}))
    done = run("apply", "--config", config)
    assert done.exit_code == 1
    assert done.stdout == "  create    folder        tocsin  (missing)\n"
    why, where = done.stderr.splitlines()
    assert "answers 403 to create board tocsin-" in why
    assert where.startswith("1 done; not done: board tocsin-")
    told = json.loads(run("apply", "--json", "--config", config).stdout)
    assert len(told["faults"]) == 2
    assert "nothing is done" in told["faults"][1]


def test_a_conflict_is_shown_by_plan_and_ends_with_one(run, config, grafana):
    grafana.boards["tocsin-fleet"] = {"dashboard": {"uid": "tocsin-fleet", "title": "Mine"}, "meta": {"folderUid": ""}}
    done = run("plan", "--config", config)
    assert done.exit_code == 1
    assert (
        'conflict  board         tocsin-fleet "Mine"  (there is one with this name that is not tocsin\'s' in done.stdout
    )
    assert "1 in conflict: nothing is written until they are gone" in done.stdout


def test_titles_of_others_cannot_move_the_cursor(run, config, grafana):
    board = {"uid": "mine", "title": "a\x1b[2Jb", "tags": []}
    grafana.boards["mine"] = {"dashboard": board, "meta": {"folderUid": "tocsin"}}
    assert "\x1b" not in run("plan", "--config", config).stdout


@pytest.mark.parametrize("format_", ["grafana", "prometheus", "kubernetes"])
def test_export_needs_no_configuration(run, tmp_path, format_):
    done = run("export", "--format", format_, tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith(f" written, 0 unchanged in {tmp_path / 'out'}\n")
    again = run("export", "--format", format_, "--json", tmp_path / "out")
    assert {step["action"] for step in json.loads(again.stdout)} == {"unchanged"}


def test_export_into_a_folder_that_cannot_be_made(run, tmp_path):
    (tmp_path / "file").write_text("")
    done = run("export", "--format", "prometheus", tmp_path / "file" / "out")
    assert done.exit_code == 1
    assert "Not a directory" in done.stderr
