"""The agent installed as its unit file expects it: an environment of its own, and the shipped configuration."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy/systemd/agent.toml"
USEFUL = ("pynvml", "yaml")
"""What it loads on a host with GPUs, and to read a web.yml."""
ROOMS = [str(ROOT / room) for room in ("schema", "agent")]


@contextmanager
def installed(folder: Path) -> Iterator[Path]:
    """The folder of the environment's commands. The one that the benches run in has more at each start of Python."""
    tools = Path(sys.prefix) / "bin"
    subprocess.run([tools / "uv", "venv", "--quiet", "--python", sys.executable, folder], check=True)
    python = folder / "bin/python"
    install = [tools / "uv", "pip", "install", "--quiet", "--python", python, "--no-build-isolation", "--no-deps"]
    subprocess.run([*install, "--compile-bytecode", *ROOMS], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    for name in USEFUL:
        _copy(name, packages)
    subprocess.run([python, "-m", "compileall", "-q", packages], check=True)
    yield folder / "bin"


def _copy(name: str, packages: Path) -> None:
    spec = util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    origin = Path(spec.origin)
    if spec.submodule_search_locations:
        shutil.copytree(origin.parent, packages / name)
    else:
        shutil.copy(origin, packages)
