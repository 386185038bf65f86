"""Both images, built over a Debian base and run: their numbers, their user, what is in them."""

import json
import re
import shutil
import subprocess
import urllib.request

import pytest

from tests.deploy.manuals import DEPLOY, ROOT
from tests.deploy.root import checkout
from tests.servers.buildah import Store, store
from tests.servers.cache import have
from tests.servers.process import answers, free_port, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
EVENT = {"type": "prediction", "model": "credit", "id": "a1", "features": {"age": 41}, "prediction": "yes"}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    have(lambda: Store(folder))
    with store(folder) as made:
        have(made.base)
        (folder / "src").mkdir()
        checkout(folder / "src")
        for name in ("agent", "collector"):
            made.build(folder / f"src/deploy/docker/{name}.Dockerfile", folder / "src", name)
        yield made
    shutil.rmtree(folder, ignore_errors=True)


class Image:
    """An image as its own configuration says that it runs, but for its port: the network here is this machine's."""

    def __init__(self, images: Store, name: str) -> None:
        self.config = json.loads(images.run("inspect", "--type", "image", name))["Docker"]["config"]
        self.port = free_port()
        (told,) = self.config["ExposedPorts"]
        self._told = told.partition("/")[0]
        self._container = images.run("from", name)
        self._images = images

    def command(self, *words: str) -> list[str]:
        return self._images.command(self._container, *(word.replace(self._told, str(self.port)) for word in words))

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60, check=False)

    def healthy(self) -> bool:
        kind, *words = self.config["Healthcheck"]["Test"]
        assert kind == "CMD"
        return self.ask(*words).returncode == 0


@pytest.fixture(params=["agent", "collector"])
def name(request):
    return request.param


@pytest.fixture
def image(images, name):
    return Image(images, name)


@pytest.fixture
def url(image):
    """Where the image's own entry point and command serve."""
    words = [*image.config["Entrypoint"], *image.config["Cmd"]]
    process = subprocess.Popen(image.command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{image.port}"
    try:
        until(lambda: process.poll() is not None or answers(address + "/-/healthy"), "the image serves", 60)
        assert process.poll() is None, process.stderr.read()
        yield address
    finally:
        process.terminate()
        said = process.communicate(timeout=30)[1]
    assert "Traceback" not in said


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def test_an_image_serves_as_it_is_and_knows_whether_it_is_well(image, url):
    assert "process_cpu_seconds_total" in get(url + "/metrics")
    assert image.healthy()


def test_an_image_that_does_not_run_is_not_well(image):
    assert not image.healthy()


def test_it_is_no_root(image, name):
    assert image.config["User"] == {"agent": "10300:10300", "collector": "10301:10301"}[name]
    assert image.ask("id", "-u").stdout.strip() == image.config["User"].partition(":")[0]


def test_everything_in_it_is_locked(image):
    """What no lock holds would have come without a hash."""
    listing = "from importlib.metadata import distributions as d; print(*(f'{x.name}=={x.version}' for x in d()))"
    installed = image.ask("/opt/tocsin/bin/python", "-c", listing).stdout.split()
    locked = set(re.findall(r"^[\w.-]+==[\w.]+", (ROOT / "locks/test.lock").read_text().lower(), re.MULTILINE))
    normal = {
        re.sub(r"[-_.]+", "-", name.lower()) + "==" + version
        for name, _, version in (x.partition("==") for x in installed)
    }
    assert {entry for entry in normal if not entry.startswith("tocsin-")} <= locked
    assert len(normal) > 2


@pytest.mark.parametrize("name", ["agent"], indirect=True)
def test_the_agent_prints_one_scrape_and_checks_its_configuration(image):
    scrape = image.ask("tocsin-agent", "run", "--once")
    assert re.search(r"^node_load1 ", scrape.stdout, re.MULTILINE), scrape.stderr
    assert image.ask("tocsin-agent", "check").returncode == 0


@pytest.mark.parametrize("name", ["collector"], indirect=True)
def test_the_collector_keeps_events_in_its_volume(image, url):
    request = urllib.request.Request(
        url + "/v1/events", json.dumps(EVENT).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["accepted"] == 1
    assert image.ask("ls", "/data/journal").stdout.split()


@pytest.mark.parametrize("name", ["collector"], indirect=True)
def test_the_collector_has_its_client_of_elasticsearch(image):
    assert image.ask("/opt/tocsin/bin/python", "-c", "import elasticsearch").returncode == 0


def test_a_package_with_another_hash_ends_the_build(images, tmp_path):
    checkout(tmp_path)
    lock = tmp_path / "locks/test.lock"
    entry = re.search(r"^nvidia-ml-py==.*?(?=^\S)", lock.read_text(), re.MULTILINE | re.DOTALL)[0]
    lock.write_text(lock.read_text().replace(entry, re.sub(r"sha256:\w+", "sha256:" + "0" * 64, entry)))
    with pytest.raises(AssertionError, match=r"Hash mismatch for .nvidia-ml-py"):
        images.build(DEPLOY / "docker/agent.Dockerfile", tmp_path, "spoiled")
