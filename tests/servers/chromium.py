"""Chromium, as the machine has it: Debian's, which needs no account and asks nobody for updates with these flags."""

import shutil

from tests.servers.cache import Missing

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def binary() -> str:
    """The path of the program. Raises Missing."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise Missing("no Chromium on this machine: apt install chromium")
