"""Prometheus' rule files: written beside other people's, read by the real Prometheus, taken back when it refuses."""

import os
import stat
import time

import pytest

from tests.collector.provision.double import Fault
from tests.collector.provision.shop import ALERTS, RULES, applied, catalogue, planned, pruned, steps, values
from tests.servers import prometheus as server
from tests.servers.cache import have
from tests.servers.process import until
from tocsin_collector.provision.client import Client, Login
from tocsin_collector.provision.difference import CHANGE, CREATE, DELETE, KEEP, UNCHANGED
from tocsin_collector.provision.fault import ProvisionError
from tocsin_collector.provision.stamp import file_stamp

HOST, RECORDING = "tocsin-host.rules.yml", "tocsin-recording.rules.yml"
MINE = "groups: [{name: mine, rules: [{record: 'mine', expr: '1'}]}]\n"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "rules"
    path.mkdir()
    return path


def alone(folder, **given):
    return values(prometheus__rules_dir=str(folder), **{"alerting__judge": "prometheus", **given})


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_files_are_written_once_under_a_line_that_makes_them_ours(folder):
    made = applied(alone(folder))
    assert steps(made, CREATE) == [("rule file", HOST), ("rule file", RECORDING)]
    assert made.notes == [f"tell Prometheus to read {folder} (SIGHUP, or POST /-/reload): prometheus.url is not set"]
    written = contents(folder)
    assert {name: text.split("\n", 1)[1] for name, text in written.items()} == RULES
    assert all(file_stamp(text) for text in written.values())
    assert applied(alone(folder)).writes == 0
    assert contents(folder) == written


def test_prometheus_may_read_them_whoever_wrote_them(folder):
    """It runs as another user, and an administrator's umask is often 077."""
    before = os.umask(0o077)
    try:
        applied(alone(folder))
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}


@pytest.mark.parametrize("judge", ["collector", "grafana"])
def test_only_the_judge_gets_alerts(folder, judge, grafana, token):
    given = {"grafana__url": grafana.url, "grafana__token_file": token, "prometheus__url": grafana.url}
    grafana.loaded = [{"file": f"/x/{RECORDING}", "rules": []}]
    made = applied(alone(folder, alerting__judge=judge, **given))
    assert list(contents(folder)) == [RECORDING]
    assert any(f"alerting.judge = {judge}: prometheus.rules_dir gets the recording rules only" in n for n in made.notes)
    assert bool(grafana.rules) == (judge == "grafana")


def test_files_of_others_stay_and_are_named_and_ours_that_are_not_wanted_go(folder):
    (folder / "mine.yml").write_text(MINE)
    applied(alone(folder))
    (folder / HOST).write_text((folder / HOST).read_text() + "# a note\n")
    less = catalogue({RECORDING: RULES[RECORDING]})
    made = planned(alone(folder), less)
    assert steps(made, KEEP) == [("rule file", "mine.yml")]
    assert steps(made, DELETE) == [("rule file", HOST)]
    pruned(alone(folder), less)
    assert set(contents(folder)) == {"mine.yml", RECORDING}
    assert contents(folder)["mine.yml"] == MINE


def test_a_file_of_others_in_our_place_is_a_conflict(folder):
    (folder / HOST).write_text(ALERTS)
    with pytest.raises(ProvisionError, match="that is not tocsin's: rename or remove it"):
        applied(alone(folder))
    assert contents(folder) == {HOST: ALERTS}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda text: text + "# a note\n", "edited by hand"),
        (lambda text: text.replace("0.05", "0.15"), "edited by hand"),
        (lambda text: text.split("\n", 1)[0] + "\n", "edited by hand"),
    ],
)
def test_an_edit_is_drift_and_put_right(folder, edit, reason):
    applied(alone(folder))
    before = contents(folder)
    (folder / HOST).write_text(edit(before[HOST]))
    made = applied(alone(folder))
    assert [(step.key, step.reason) for step in made.done] == [(HOST, reason)]
    assert contents(folder) == before


def test_a_newer_catalogue_is_told_from_an_edit(folder):
    applied(alone(folder))
    newer = catalogue({**RULES, HOST: ALERTS.replace("0.05", "0.06")})
    assert [step.reason for step in planned(alone(folder), newer).steps(CHANGE)] == ["tocsin's own has changed"]


def test_a_file_that_cannot_be_written_leaves_the_folder_as_it_was(folder):
    """The second of two files cannot be written: a folder of somebody's lies in the place of its unfinished copy."""
    (folder / (RECORDING + ".tocsin-new")).mkdir()
    with pytest.raises(ProvisionError) as caught:
        applied(alone(folder))
    written, restored, left = caught.value.faults
    assert f"{folder / RECORDING}: cannot be written: Is a directory" in written
    assert restored == f"{folder}: the rule files are as they were before"
    assert "not done: rule file" in left
    assert [path.name for path in folder.iterdir()] == [RECORDING + ".tocsin-new"]


def test_a_link_in_the_place_of_the_unfinished_copy_is_not_followed(folder, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("keep")
    (folder / (HOST + ".tocsin-new")).symlink_to(victim)
    with pytest.raises(ProvisionError):
        applied(alone(folder))
    assert victim.read_text() == "keep"


# --- what a Prometheus can answer to a reload -------------------------------------------------------------------------


@pytest.fixture
def asked(folder, grafana):
    """The double as the Prometheus of the folder; it knows both files."""
    grafana.loaded = [{"file": f"/etc/{name}", "rules": []} for name in RULES]
    return alone(folder, prometheus__url=grafana.url)


RELOADS = {
    "no lifecycle": (
        Fault("POST", "reload", 403, "Lifecycle API is not enabled."),
        "start it with --web.enable-lifecycle",
    ),
    "gone in between": (Fault("POST", "reload", how="close"), "does not answer to read its rules again"),
    "without the folder": (
        Fault("GET", "/api/v1/rules", 200, {"status": "success", "data": {"groups": []}}),
        "rule_files",
    ),
    "no right": (Fault("POST", "reload", 401, "Unauthorized"), "set prometheus.username and prometheus.password_file"),
}


@pytest.mark.parametrize("name", RELOADS)
def test_a_reload_that_fails_is_told(folder, grafana, asked, name):
    fault, said = RELOADS[name]
    grafana.faults.append(fault)
    with pytest.raises(ProvisionError) as caught:
        applied(asked)
    assert any(said in fault for fault in caught.value.faults), caught.value.faults
    assert all("\n" not in fault for fault in caught.value.faults)
    assert set(contents(folder)) == set(RULES)
    assert caught.value.faults[-1] == "2 done", "what stays is not called undone"


def test_a_refused_reload_is_asked_once_and_brings_the_old_files_back(folder, grafana, asked):
    (folder / "mine.yml").write_text(MINE)
    applied(asked)
    before = contents(folder)
    grafana.seen.clear()
    grafana.faults.append(Fault("POST", "reload", 500, "failed to reload config: bad rule", times=1))
    newer = catalogue({**RULES, HOST: ALERTS.replace("0.05", "0.06"), "tocsin-new.rules.yml": NEW})
    with pytest.raises(
        ProvisionError, match=r"refuses the new rules, see its log: failed to reload .*: bad rule; the old"
    ):
        applied(asked, newer)
    assert contents(folder) == before
    assert grafana.writes == [("POST", "/-/reload")] * 2, "once with the new ones, once with the old"


NEW = """\
groups:
  - name: tocsin-new
    rules:
      - record: tocsin:new:sum
        expr: "sum(up)"
"""


def test_the_old_files_are_refused_as_well(folder, grafana, asked):
    grafana.faults.append(Fault("POST", "reload", 500, "another file is broken"))
    with pytest.raises(ProvisionError, match="but it refuses those too: see its log"):
        applied(asked)
    assert contents(folder) == {}


def test_a_reload_that_is_owed_is_made_up_for(folder, grafana, asked):
    applied(asked)
    told = {"reloadConfigSuccess": True, "lastConfigTime": "2020-01-01T00:00:00Z"}
    owed = Fault("GET", "runtimeinfo", 200, {"status": "success", "data": told})
    grafana.faults.append(owed)
    made = planned(asked)
    assert [(s.kind, s.reason) for s in made.steps(CHANGE)] == [
        ("reload", "it has not read the rule files since they changed")
    ]
    grafana.seen.clear()
    applied(asked)
    assert grafana.writes == [("POST", "/-/reload")]
    grafana.faults.remove(owed)
    assert applied(asked).writes == 0


def test_a_prometheus_that_does_not_answer_is_told_before_anything_is_written(folder, grafana):
    grafana.faults.append(Fault("GET", "runtimeinfo", how="close"))
    with pytest.raises(ProvisionError, match=r"Prometheus at .* does not answer to say what runs"):
        applied(alone(folder, prometheus__url=grafana.url))
    assert contents(folder) == {}


def test_the_bearer_token_reaches_prometheus(folder, grafana, asked, token):
    applied({**asked, "prometheus.token_file": token})
    assert {each["Authorization"] for each in grafana.headers} == {"Bearer a-token-that-nobody-may-see"}


# --- the real one -----------------------------------------------------------------------------------------------------

_CONFIG = "global: {{evaluation_interval: 1s}}\nrule_files: ['{folder}/*.yml']\n"


@pytest.mark.system
def test_the_real_prometheus_reads_refuses_and_goes_on(tmp_path, folder):
    have(server.binary)
    (folder / "mine.yml").write_text(MINE)
    with server.prometheus(str(tmp_path), _CONFIG.format(folder=folder)) as prometheus:
        configuration = alone(folder, prometheus__url=prometheus.url)
        client = Client(Login("Prometheus", prometheus.url, "prometheus", ""))

        def known():
            groups = client.find("/api/v1/rules", "list")["data"]["groups"]
            return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

        made = applied(configuration)
        assert len(made.done) == 2
        assert set(known()) == {"mine", "HostDown", "HostMemoryLow", "model:tocsin_up:sum"}
        until(lambda: set(known().values()) == {"ok"}, "every rule has run", 20)
        assert applied(configuration).writes == 0

        # An operator that there is not: our own parse lets it through, and Prometheus is asked before the first write.
        before = contents(folder)
        broken = catalogue({**RULES, HOST: ALERTS.replace("< 0.05", "<>< 0.05")})
        with pytest.raises(ProvisionError) as caught:
            applied(configuration, broken)
        assert f"{HOST}: HostMemoryLow: Prometheus at {prometheus.url} cannot parse its expr: " in str(caught.value)
        assert "unexpected" in str(caught.value)

        # A function that templates do not have: only loading the file tells.
        broken = catalogue({**RULES, HOST: ALERTS.replace('"memory"', '"{{ nothing }}"')})
        with pytest.raises(ProvisionError) as caught:
            applied(configuration, broken)
        assert "refuses the new rules, see its log: failed to reload config" in caught.value.faults[0]
        assert "the old rule files are back and in use" in caught.value.faults[0]
        assert contents(folder) == before
        assert "HostDown" in known()
        assert applied(configuration).writes == 0, "it stands as before"

        # Somebody touches a file, and Prometheus is not told.
        later = time.time() + 5
        os.utime(folder / HOST, (later, later))
        assert steps(planned(configuration), CHANGE) == [("reload", prometheus.url)]
        os.utime(folder / HOST)

        pruned(configuration, catalogue({}))
        assert set(known()) == {"mine"}
        assert contents(folder) == {"mine.yml": MINE}


@pytest.mark.system
def test_a_folder_that_the_real_prometheus_does_not_read_is_named(tmp_path, folder):
    have(server.binary)
    with server.prometheus(str(tmp_path), "global: {}\n") as prometheus:
        with pytest.raises(ProvisionError) as caught:
            applied(alone(folder, prometheus__url=prometheus.url))
        assert caught.value.faults[0] == (
            f"Prometheus at {prometheus.url} has reloaded and does not know {HOST}, {RECORDING}: name {folder}/*.yml "
            "in the rule_files of its configuration"
        )
        assert steps(planned(alone(folder, prometheus__url=prometheus.url)), UNCHANGED)
