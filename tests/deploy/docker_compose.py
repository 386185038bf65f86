"""Docker Compose built once from its Go module: it reads and checks a file without an engine.

``python -m tests.deploy.docker_compose`` builds it into the cache (4 minutes on two cores, 0.1 GB kept).
"""

import json
import os
import shutil
import sys

from tests.servers.cache import Missing, kept, run

MODULE, VERSION = "github.com/docker/compose/v2", "v2.40.3"


def binary() -> str:
    """The path of ``docker-compose``, built when it is not there. Raises Missing."""
    return os.path.join(kept(f"docker-compose-{VERSION}", _build), "docker-compose")


def _build(folder: str) -> None:
    if shutil.which("go") is None:
        raise Missing("go is not on this machine; Docker Compose is built with it")
    work = os.path.join(folder, "work")
    told = json.loads(run(["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"], folder, 900))
    shutil.copytree(told["Dir"], work)
    run(["chmod", "-R", "u+w", work], folder)  # the module cache is read-only
    go = {"GOFLAGS": "-mod=mod", "GOWORK": "off", "CGO_ENABLED": "0"}
    run(["go", "build", "-ldflags", "-s -w", "-o", os.path.join(folder, "docker-compose"), "./cmd"], work, 1_800, **go)
    shutil.rmtree(work)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"building Docker Compose {VERSION} (4 minutes the first time)\n{binary()}\n")
    except Missing as error:
        sys.exit(f"no Docker Compose: {error}")
