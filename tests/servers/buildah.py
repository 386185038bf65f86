"""Images really built by Debian's buildah, where no container engine runs and no registry can be reached."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.deploy.root import debian, tool

BASE = "localhost/tocsin-test-base"


class Store:
    """Images and containers below one folder, apart from those of this machine."""

    def __init__(self, folder: Path) -> None:
        tool("crun", "crun")
        self._command = [tool("buildah", "buildah"), "--root", str(folder / "store"), "--runroot", str(folder / "run")]
        self._environ = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
        self._folder = folder

    def ask(self, *arguments: str, limit_s: float = 600) -> subprocess.CompletedProcess[str]:
        """Run buildah; the caller looks at the exit code."""
        return subprocess.run(
            [*self._command, *arguments], capture_output=True, text=True, timeout=limit_s, env=self._environ,
            cwd=self._folder, check=False,
        )  # fmt: skip

    def run(self, *arguments: str) -> str:
        """What buildah says. Raises AssertionError when it fails."""
        done = self.ask(*arguments)
        assert done.returncode == 0, f"buildah {' '.join(arguments)}\n{done.stdout}{done.stderr}"[-4_000:]
        return done.stdout.strip()

    def command(self, container: str, *words: str) -> list[str]:
        """The command line that runs ``words`` in a container, as its user, on this machine's network."""
        return [*self._command, "run", "--isolation", "chroot", container, "--", *words]

    def base(self) -> str:
        """An image of a small Debian with Python: what a registry would give."""
        container = self.run("from", "scratch")
        self.run("copy", "--quiet", container, debian(), "/")
        self.run("commit", "--quiet", container, BASE)
        self.run("rm", container)
        return BASE

    def build(self, dockerfile: Path, context: Path, tag: str) -> str:
        """Build an image over the base, with packages from where this machine gets them."""
        with contextlib.ExitStack() as secrets:
            given = [f"--secret=id={name},src={path}" for name, path in self._index(secrets).items()]
            self.run(
                "bud", "--format", "docker", "--file", str(dockerfile), "--build-arg", f"BASE={BASE}",
                "--ignorefile", str(context / ".dockerignore"), "--tag", tag, *given, str(context),
            )  # fmt: skip
        return tag

    def _index(self, secrets: contextlib.ExitStack) -> dict[str, str]:
        file = self._folder / "index.env"
        secrets.callback(file.unlink)
        told = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
        told = {name: value for name, value in told.items() if not os.path.exists(value)}  # paths of this machine
        file.write_text("".join(f"{name}='{value}'\n" for name, value in told.items()))
        authority = os.environ.get("SSL_CERT_FILE", "")
        return {"index": str(file)} | ({"ca": authority} if os.path.isfile(authority) else {})


@contextlib.contextmanager
def store(folder: Path) -> Iterator[Store]:
    """A store of images that is gone at the end."""
    made = Store(folder)
    try:
        yield made
    finally:
        made.ask("rm", "--all")
        made.ask("rmi", "--all", "--force")
