"""Debian's packages without root and without their daemons: downloaded and unpacked into the cache."""

import glob
import os

from tests.servers.cache import kept, run


def unpacked(package: str) -> str:
    """The folder with a package's files, as they would lie under ``/``. Raises Missing without apt or network."""

    def fill(folder: str) -> None:
        run(["apt-get", "download", package], folder)
        (file,) = glob.glob(os.path.join(folder, "*.deb"))
        run(["dpkg-deb", "-x", file, folder], folder)
        os.remove(file)

    return kept(package, fill)
