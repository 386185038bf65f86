"""The Dockerfiles as they stand; `make slow` builds them."""

import json
import re

import pytest

from tests.deploy.dockerfile import only, stages
from tests.deploy.manuals import DEPLOY, ROOT
from tocsin_schema.ports import AGENT_LISTEN, COLLECTOR_LISTEN

PORTS = {"agent": AGENT_LISTEN.rpartition(":")[2], "collector": COLLECTOR_LISTEN.rpartition(":")[2]}


def read(name):
    return stages(DEPLOY / "docker" / f"{name}.Dockerfile")


@pytest.mark.parametrize(("name", "port"), PORTS.items())
def test_the_image_states_its_port_everywhere(name, port):
    last = read(name)[-1]
    command = json.loads(only(last, "CMD"))
    assert only(last, "EXPOSE") == port
    assert command[command.index("--listen") + 1] == f"0.0.0.0:{port}"
    assert f"127.0.0.1:{port}/-/healthy" in only(last, "HEALTHCHECK")


@pytest.mark.parametrize("name", PORTS)
def test_what_runs_is_no_root_and_needs_no_shell(name):
    last = read(name)[-1]
    user, group = only(last, "USER").split(":")
    assert int(user) > 999
    assert int(group) > 999
    assert "RUN" not in dict(last)
    for instruction in ("ENTRYPOINT", "CMD"):
        assert json.loads(only(last, instruction))
    assert json.loads(only(last, "HEALTHCHECK").partition("CMD ")[2])


@pytest.mark.parametrize("name", PORTS)
def test_both_stages_stand_on_one_base_that_can_be_chosen(name):
    before, *built = read(name)
    given = only(before, "ARG")
    assert re.fullmatch(r"BASE=[\w./-]+:[\w.-]+", given)
    assert not given.endswith(":latest")
    assert [only(stage, "FROM").split()[0] for stage in built] == ["${BASE}", "${BASE}"]


@pytest.mark.parametrize("name", PORTS)
def test_what_is_copied_is_there_and_in_the_context(name):
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [rest.split() for stage in read(name) for instruction, rest in stage if instruction == "COPY"]
    sources = [words[0] for words in copied if not words[0].startswith("--")]
    assert sources
    for source in sources:
        assert source in allowed
        assert (ROOT / source).exists()


def test_the_dependencies_of_a_room_are_installed_with_it():
    """A room that is missing in its image would be looked for on the index."""
    for name in PORTS:
        (command,) = [
            rest for stage in read(name) for instruction, rest in stage if instruction == "RUN" and "install.sh" in rest
        ]
        installed = set(re.findall(r"\./(\w+)", command))
        needed, more = {name}, True
        while more:
            texts = [(ROOT / room / "pyproject.toml").read_text() for room in needed]
            found = needed | {
                room for text in texts for room in re.findall(r'"tocsin-(\w+)"', text.partition("[tool")[0])
            }
            needed, more = found, found != needed
        assert installed == needed
