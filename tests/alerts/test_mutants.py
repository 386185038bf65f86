"""The stories tell a right rule from a wrong one: whatever is changed in a rule, a story of its alert fails."""

import re
from pathlib import Path

import pytest

from tests.alerts import promtool
from tests.alerts.mutants import Mutant, mutants
from tests.alerts.promtool import BEFORE, BELOW, FIRES
from tests.alerts.stories import all_stories
from tocsin_alerts import alerts

RULES, _ = promtool.the_rules()
STORIES = all_stories()


def _file(folder: Path, name: str, label: str, changed: list[Mutant]) -> str:
    """A test file with the alert's stories, told to each of its mutants side by side."""
    # What is never there tells them apart the least, and labels that do not match show where something fires.
    telling = (FIRES,) if changed[0].may_fail else (FIRES, BEFORE, BELOW)
    stories = [story for story in STORIES[name] if any(check.kind in telling for check in story.checks)]
    stories = [story for story in stories if not story.name.endswith("its series go")]
    rules = [{**mutant.rule, "alert": f"{name}_{at}"} for at, mutant in enumerate(changed)]
    path = promtool.write(str(folder), f"{label}.rules.json", promtool.rule_file(rules))
    names = [rule["alert"] for rule in rules]
    return promtool.write(str(folder), label + ".json", promtool.stories_file(path, stories, RULES[name], names))


@pytest.mark.system
@pytest.mark.timeout(180)
def test_every_change_of_a_rule_fails_a_story(tmp_path: Path) -> None:
    told: dict[str, tuple[str, list[Mutant]]] = {}
    for name, alert in alerts().items():
        # The whole expression: a part that is recorded is as much the alert's.
        changed = list(mutants({**RULES[name], "expr": alert.expr}))
        batches = {name: [mutant for mutant in changed if not mutant.may_fail]}
        # One that cannot be evaluated takes its whole file with it.
        batches |= {f"{name}-{at}": [mutant] for at, mutant in enumerate(changed) if mutant.may_fail}
        told |= {_file(tmp_path, name, label, batch): (name, batch) for label, batch in batches.items()}
    survivors = []
    for path, said in promtool.run(list(told)).items():
        name, batch = told[path]
        failed = set(re.findall(r"alertname: (\w+),", said))
        broken = bool(said) and not failed
        survivors += [f"{name}: {m.what}" for at, m in enumerate(batch) if not broken and f"{name}_{at}" not in failed]
    assert sum(len(batch) for _, batch in told.values()) > 150
    assert survivors == []
