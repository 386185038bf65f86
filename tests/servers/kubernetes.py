"""A real Kubernetes API server, and kubectl, built once from their Go modules; etcd is Debian's. No kubelet runs.

``python -m tests.servers.kubernetes`` builds both into the cache (about 6 minutes on two cores, 0.2 GB kept). What the
API server takes is validated, defaulted and admitted as in a cluster; nothing is scheduled and no container starts.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

from tests.servers.cache import Missing, kept, run
from tests.servers.debian import unpacked
from tests.servers.process import free_port, serving, until

VERSION = "v1.34.1"
_NAME = f"kubernetes-{VERSION}"
_TOKEN = "tocsin-test"  # of a server that lives as long as the test


def binary(name: str) -> str:
    """The path of ``kube-apiserver`` or ``kubectl``, built when it is not there. Raises Missing."""
    return os.path.join(kept(_NAME, _build), name)


def etcd() -> str:
    """The path of Debian's etcd. Raises Missing."""
    return os.path.join(unpacked("etcd-server"), "usr/bin/etcd")


def _build(folder: str) -> None:
    if shutil.which("go") is None:
        raise Missing("go is not on this machine; Kubernetes is built with it")
    work = os.path.join(folder, "work")
    told = json.loads(run(["go", "mod", "download", "-json", f"k8s.io/kubernetes@{VERSION}"], folder, 900))
    shutil.copytree(told["Dir"], work)
    run(["chmod", "-R", "u+w", work], folder)  # the module cache is read-only
    _of_the_proxy(work)
    go = {"GOFLAGS": "-mod=mod", "GOWORK": "off", "CGO_ENABLED": "0"}
    # kubectl refuses a server that cannot tell its version.
    flags = f"-s -w -X k8s.io/component-base/version.gitVersion={VERSION}"
    command = ["go", "build", "-ldflags", flags, "-o", folder, "./cmd/kube-apiserver", "./cmd/kubectl"]
    run(command, work, 3_600, **go)
    shutil.rmtree(work)


def _of_the_proxy(work: str) -> None:
    """Kubernetes builds against its own staging folders, which its module leaves out: take the released modules."""
    shutil.rmtree(os.path.join(work, "vendor"), ignore_errors=True)
    for name in ("go.work", "go.work.sum"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(work, name))
    with open(os.path.join(work, "go.mod"), encoding="utf-8") as file:
        module = file.read()
    staged = re.findall(r"^\s*(k8s\.io/\S+) => \./staging/", module, re.MULTILINE)
    needed = re.findall(r"^\s*(k8s\.io/\S+) v0\.0\.0\s*$", module, re.MULTILINE)
    edits = [f"-dropreplace={name}" for name in staged]
    edits += [f"-require={name}@v0{VERSION.removeprefix('v1')}" for name in needed]
    run(["go", "mod", "edit", *edits], work, GOWORK="off", GOFLAGS="-mod=mod")


class Cluster:
    """An API server that answers, as kubectl sees it."""

    def __init__(self, kubectl: str, config: str) -> None:
        self._command = [kubectl, "--kubeconfig", config]

    def kubectl(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl; ``given`` is its standard input. The caller looks at the exit code."""
        environ = {"HOME": os.path.dirname(self._command[-1]), "PATH": os.environ["PATH"]}
        return subprocess.run(
            [*self._command, *arguments], input=given, capture_output=True, text=True, timeout=60, check=False,
            env=environ,
        )  # fmt: skip


@contextlib.contextmanager
def cluster(folder: str) -> Iterator[Cluster]:
    """etcd and an API server with their data below ``folder``; kubectl is their administrator."""
    store, peer, port = (free_port() for _ in range(3))
    key, tokens, config = (os.path.join(folder, name) for name in ("service.key", "tokens.csv", "kubeconfig"))
    run(["openssl", "genrsa", "-out", key, "2048"], folder)
    with open(tokens, "w", encoding="utf-8") as file:
        file.write(f"{_TOKEN},admin,admin,system:masters\n")
    with open(config, "w", encoding="utf-8") as file:
        json.dump(_kubeconfig(f"https://127.0.0.1:{port}"), file)
    keeper = [
        etcd(),
        f"--data-dir={folder}/etcd",
        f"--listen-client-urls=http://127.0.0.1:{store}",
        f"--advertise-client-urls=http://127.0.0.1:{store}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
    ]
    server = [
        binary("kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{store}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://tocsin.test",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        f"--cert-dir={folder}/certs",
        "--service-cluster-ip-range=10.0.0.0/24",
        # Without a controller nobody makes the accounts that this one would wait for.
        "--disable-admission-plugins=ServiceAccount",
    ]
    made = Cluster(binary("kubectl"), config)
    with (
        serving(keeper, f"http://127.0.0.1:{store}", ready="/health", log=os.path.join(folder, "etcd.log")),
        _ready(server, made, os.path.join(folder, "kube-apiserver.log")),
    ):
        yield made


@contextlib.contextmanager
def _ready(command: list[str], asked: Cluster, log: str) -> Iterator[None]:
    """The API server while it runs. Its certificate is its own, so kubectl asks whether it is ready."""
    with open(log, "wb") as file:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], stdout=file, stderr=file, stdin=subprocess.DEVNULL
        )
    try:
        until(lambda: process.poll() is not None or _is_ready(asked), "the API server is ready", 60, every_s=0.5)
        if process.poll() is not None:
            with open(log, encoding="utf-8", errors="replace") as file:
                raise AssertionError(f"the API server ended at its start:\n{file.read()[-4_000:]}")
        yield
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(asked: Cluster) -> bool:
    # Its own objects (the default namespace, the priority classes that system pods name) come a moment after /readyz.
    return all(
        asked.kubectl("get", *what).returncode == 0
        for what in (("--raw", "/readyz"), ("namespace", "default"), ("priorityclass", "system-node-critical"))
    )


def _kubeconfig(url: str) -> dict[str, object]:
    where = {"server": url, "insecure-skip-tls-verify": True}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": where}],
        "users": [{"name": "admin", "user": {"token": _TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
    }


if __name__ == "__main__":
    try:
        sys.stdout.write(f"building Kubernetes {VERSION} (about 6 minutes the first time)\n{binary('kubectl')}\n")
        sys.stdout.write(f"{etcd()}\n")
    except (Missing, subprocess.SubprocessError) as error:
        sys.exit(f"no Kubernetes: {error}")
