"""A Debian of its own in a folder: what systemd boots in, and the base of images where no registry can be reached."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.deploy.manuals import ROOT
from tests.servers.cache import Missing, kept, run

PACKAGES = "ca-certificates,curl,dbus,make,python3,python3-venv,systemd,systemd-sysv"
ROOMS = ("schema", "agent", "alerts", "dashboards", "collector")


def tool(name: str, package: str) -> str:
    """The path of a tool that only root can use. Raises Missing with what to install."""
    if os.geteuid():
        raise Missing(f"{name} needs root here")
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not on this machine: apt-get install {package}")
    return found


def debian() -> str:
    """The folder of a small bookworm with Python, made once. Nobody may write to it: copy it. Raises Missing."""
    debootstrap = tool("debootstrap", "debootstrap")

    def fill(folder: str) -> None:
        run([debootstrap, "--variant=minbase", f"--include={PACKAGES}", "bookworm", folder], "/", 900)
        shutil.rmtree(os.path.join(folder, "var/cache/apt/archives"))

    return kept("debian-bookworm", fill)


def checkout(to: Path) -> None:
    """What an operator has: the rooms and ``deploy/`` as they are now."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    for name in (*ROOMS, "deploy", "locks"):
        shutil.copytree(ROOT / name, to / name, ignore=ignored)
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", ".dockerignore"):
        shutil.copy(ROOT / name, to)


def package_index(root: Path) -> dict[str, str]:
    """Let pip inside ``root`` find packages as this machine does: its settings, names and certificates."""
    files = ["/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf"]
    files += [os.environ[name] for name in ("PIP_CERT", "SSL_CERT_FILE", "PIP_CONFIG_FILE") if os.environ.get(name)]
    for file in filter(os.path.isfile, files):
        target = root / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copy(file, target)
    told = ("PIP_", "UV_", "SSL_CERT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
    return {name: value for name, value in os.environ.items() if name.startswith(told)}


def chrooted(root: Path, command: str, environ: dict[str, str], limit_s: float = 600) -> str:
    """What a shell command inside the folder says, on this machine's network. Raises AssertionError."""
    path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    done = subprocess.run(
        ["chroot", str(root), "sh", "-ec", command],
        capture_output=True, text=True, timeout=limit_s, env={**environ, **path}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"[-4_000:]
    return done.stdout
