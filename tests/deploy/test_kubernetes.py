"""The manifests on a real API server: taken whole, without a warning, and a typo is refused."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import FOLDER
from tests.servers import kubernetes
from tests.servers.cache import have

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    have(lambda: kubernetes.binary("kubectl"))
    have(kubernetes.etcd)
    folder = tmp_path_factory.mktemp("kubernetes")
    with kubernetes.cluster(str(folder)) as running:
        for name in ("PodMonitor", "ServiceMonitor"):
            done = running.kubectl("create", "-f", "-", given=json.dumps(definition(name)))
            assert done.returncode == 0, done.stderr
            resource = f"crd/{name.lower()}s.monitoring.coreos.com"
            assert running.kubectl("wait", "--for=condition=Established", resource).returncode == 0
        for part in (".", "sidecar"):  # so that a dry run finds its namespaces
            done = running.kubectl("apply", "--server-side", "--kustomize", str(FOLDER / part))
            assert done.returncode == 0, done.stderr
        yield running
    shutil.rmtree(folder, ignore_errors=True)


def definition(kind):
    """A definition as Prometheus Operator's, without its schema."""
    plural, group = f"{kind.lower()}s", "monitoring.coreos.com"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def overlay(folder: Path, component: str) -> Path:
    """A kustomization as an operator writes it, with one component."""
    shutil.copytree(FOLDER, folder / "tocsin")
    mine = folder / "mine"
    mine.mkdir()
    text = {"resources": ["../tocsin"], "components": [f"../tocsin/{component}"]}
    (mine / "kustomization.yaml").write_text(yaml.safe_dump(text))
    return mine


def applied(cluster, folder, *options):
    return cluster.kubectl("apply", "--server-side", *options, "--kustomize", str(folder))


@pytest.mark.parametrize("part", [".", "sidecar", "prometheus-operator"])
def test_all_is_taken_without_a_warning_and_a_second_time_nothing_changes(cluster, part):
    for options in ((), ("--dry-run=server",)):
        done = applied(cluster, FOLDER / part, *options)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert "serverside-applied" in done.stdout
    again = cluster.kubectl("diff", "--server-side", "--kustomize", str(FOLDER / part))
    assert (again.returncode, again.stdout) == (0, "")


@pytest.mark.parametrize("component", ["gpu", "pod-logs"])
def test_components_are_taken_without_a_warning(cluster, component, tmp_path):
    done = applied(cluster, overlay(tmp_path, component), "--dry-run=server")
    assert (done.returncode, done.stderr) == (0, "")
    plain = cluster.kubectl("kustomize", str(FOLDER)).stdout
    assert cluster.kubectl("kustomize", str(tmp_path / "mine")).stdout != plain


def pod_of(cluster, namespace, workload):
    """The pod that the workload would make, as one to be created."""
    found = json.loads(cluster.kubectl("get", "--namespace", namespace, workload, "--output", "json").stdout)
    template = found["spec"]["template"]
    spec = template["spec"]
    for claim in found["spec"].get("volumeClaimTemplates", []):
        spec["volumes"].append({"name": claim["metadata"]["name"], "emptyDir": {}})
    metadata = {"name": "one", "namespace": namespace, "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("namespace", "workload"),
    [
        ("tocsin", "statefulset/tocsin-collector"),
        ("tocsin-agent", "daemonset/tocsin-agent"),
        ("models", "deployment/credit"),
    ],
)
def test_the_pods_are_admitted(cluster, namespace, workload):
    done = cluster.kubectl(
        "create", "--dry-run=server", "-f", "-", given=json.dumps(pod_of(cluster, namespace, workload))
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_reads_the_node_is_kept_out_of_the_restricted_namespace(cluster):
    """Otherwise the test above shows nothing."""
    moved = pod_of(cluster, "tocsin-agent", "daemonset/tocsin-agent")
    moved["metadata"]["namespace"] = "tocsin"
    done = cluster.kubectl("create", "--dry-run=server", "-f", "-", given=json.dumps(moved))
    assert done.returncode != 0
    assert "violates PodSecurity" in done.stderr
    assert "hostPath" in done.stderr


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        ("collector/statefulset.yaml", "readinessProbe:", "readinesProbe:", "readinesProbe"),
        ("agent/daemonset.yaml", "runAsNonRoot: true", 'runAsNonRoot: "yes"', "runAsNonRoot"),
        ("agent/service.yaml", "internalTrafficPolicy: Local", "internalTrafficPolicy: Locl", "Locl"),
    ],
)
def test_a_typo_is_refused(cluster, tmp_path, file, right, wrong, said):
    shutil.copytree(FOLDER, tmp_path / "tocsin")
    spoiled = tmp_path / "tocsin" / file
    text = spoiled.read_text()
    assert right in text
    spoiled.write_text(text.replace(right, wrong))
    done = applied(cluster, tmp_path / "tocsin", "--dry-run=server")
    assert done.returncode != 0
    assert said in done.stderr


def test_a_pod_that_is_less_restricted_brings_a_warning(cluster, tmp_path):
    """The absence of warnings above says something."""
    shutil.copytree(FOLDER, tmp_path / "tocsin")
    spoiled = tmp_path / "tocsin/collector/statefulset.yaml"
    spoiled.write_text(spoiled.read_text().replace("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true"))
    done = applied(cluster, tmp_path / "tocsin", "--dry-run=server")
    assert "Warning: would violate PodSecurity" in done.stderr
