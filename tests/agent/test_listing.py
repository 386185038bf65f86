"""Modules found by listing a folder, on disk and in a zip file."""

import os
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

import tocsin_agent
import tocsin_schema
from tocsin_agent import listing


def test_a_file_more_is_a_source_more(tmp_path: Path, monkeypatch):
    package = tmp_path / "listed_here"
    package.mkdir()
    for name in ("__init__.py", "b.py", "a.py", "_private.py", "notes.txt"):
        (package / name).write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert listing.names("listed_here") == ["a", "b"]
    assert listing.module("listed_here", "a").__name__ == "listed_here.a"


@pytest.mark.system
def test_a_zipapp_lists_the_same_sources(tmp_path: Path):
    app = tmp_path / "app"
    for module in (tocsin_agent, tocsin_schema):
        folder = os.path.dirname(str(module.__file__))
        shutil.copytree(folder, app / module.__name__, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path / "agent.pyz"
    zipapp.create_archive(app, target, main="tocsin_agent.__main__:main")
    done = subprocess.run([sys.executable, "-I", "-S", target, "list"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("source")]
    assert names == listing.names("tocsin_agent.sources")
