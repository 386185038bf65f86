"""The manifests agree with the images, the configuration and each other; `make slow` applies them to an API server."""

import pytest
import yaml

from tests.deploy.dockerfile import only, stages
from tests.deploy.manifests import FOLDER, containers, objects, one, pod
from tests.deploy.manuals import DEPLOY
from tocsin_schema.config import load
from tocsin_schema.ports import AGENT_LISTEN, COLLECTOR_LISTEN
from tocsin_schema.settings.agent import AGENT
from tocsin_schema.settings.collector import COLLECTOR

PORTS = {"agent": int(AGENT_LISTEN.rpartition(":")[2]), "collector": int(COLLECTOR_LISTEN.rpartition(":")[2])}
WORKLOADS = {"agent": one("agent/daemonset.yaml"), "collector": one("collector/statefulset.yaml")}
SIDECAR = containers(one("sidecar/patch.yaml"))["tocsin-agent"]
OURS = [
    ("agent", containers(WORKLOADS["agent"])["agent"], pod(WORKLOADS["agent"])["spec"]["securityContext"]),
    (
        "collector",
        containers(WORKLOADS["collector"])["collector"],
        pod(WORKLOADS["collector"])["spec"]["securityContext"],
    ),
    ("agent", SIDECAR, SIDECAR["securityContext"]),
]
AGENT_URL = f"http://tocsin-agent.tocsin-agent.svc:{PORTS['agent']}"
COLLECTOR_URL = f"http://tocsin-collector.tocsin.svc:{PORTS['collector']}"


@pytest.mark.parametrize(("name", "container", "context"), OURS)
def test_a_container_fits_its_image(name, container, context):
    last = stages(DEPLOY / f"docker/{name}.Dockerfile")[-1]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == only(last, "USER")
    assert container["image"] == f"tocsin-{name}"
    (port,) = container["ports"]
    assert port["containerPort"] == PORTS[name]
    arguments = container["args"]
    assert arguments[arguments.index("--listen") + 1] == f"0.0.0.0:{PORTS[name]}"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if probe in container:
            assert container[probe]["httpGet"] == {"path": "/-/healthy", "port": port["name"]}


@pytest.mark.parametrize(("name", "container", "context"), OURS)
def test_a_container_may_do_nothing_that_it_need_not(name, container, context):
    assert context["runAsNonRoot"] is True
    security = container["securityContext"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["readOnlyRootFilesystem"] is True
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", WORKLOADS)
def test_nobody_asks_the_api_server_for_anything(name):
    spec = pod(WORKLOADS[name])["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostPID", "hostNetwork", "hostIPC"} & spec.keys()
    kinds = {document["kind"] for path in FOLDER.rglob("*.yaml") for document in objects(path)}
    assert not {kind for kind in kinds if "Role" in kind}


def test_everything_of_the_node_is_read_only():
    spec = pod(WORKLOADS["agent"])["spec"]
    of_the_node = {volume["name"] for volume in spec["volumes"] if "hostPath" in volume}
    mounts = spec["containers"][0]["volumeMounts"]
    assert of_the_node == {"proc", "sys", "root"}
    assert all(mount["readOnly"] for mount in mounts if mount["name"] in of_the_node)


@pytest.mark.parametrize("workload", [*WORKLOADS.values(), one("sidecar/patch.yaml")])
def test_every_mount_has_its_volume(workload):
    spec = pod(workload)["spec"]
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    volumes |= {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
    used = {mount["name"] for container in containers(workload).values() for mount in container.get("volumeMounts", [])}
    assert used == volumes


def test_the_configurations_are_right_and_meet_the_services():
    agent = load(AGENT, str(FOLDER / "agent/agent.toml"), {})
    sidecar = load(AGENT, str(FOLDER / "sidecar/agent.toml"), {})
    assert load(COLLECTOR, str(FOLDER / "collector/collector.toml"), {})
    assert agent["collector"] == sidecar["collector"] == COLLECTOR_URL
    mounts = {mount["mountPath"] for mount in OURS[0][1]["volumeMounts"]}
    assert {agent["procfs"], agent["sysfs"], agent["rootfs"]} <= mounts
    for name, port in PORTS.items():
        service = one(f"{name}/service.yaml")
        assert [ports["port"] for ports in service["spec"]["ports"]] == [port]
        assert service["spec"]["selector"].items() <= pod(WORKLOADS[name])["metadata"]["labels"].items()
        namespace = yaml.safe_load((FOLDER / name / "kustomization.yaml").read_text())["namespace"]
        address = {"agent": AGENT_URL, "collector": COLLECTOR_URL}[name]
        assert address == f"http://{service['metadata']['name']}.{namespace}.svc:{port}"


def test_a_model_server_and_its_sidecar_share_addresses():
    server = containers(one("sidecar/patch.yaml"))["server"]
    environment = {entry["name"]: entry["value"] for entry in server["env"]}
    sidecar = load(AGENT, str(FOLDER / "sidecar/agent.toml"), {})
    assert environment["TOCSIN_ENDPOINT"] == f"http://{AGENT_LISTEN}"
    assert environment["TOCSIN_RUNTIME_DIR"] == sidecar["runtime_dir"]
    shared = [mount["name"] for mount in server["volumeMounts"] if mount["mountPath"] == sidecar["runtime_dir"]]
    volumes = {volume["name"]: volume for volume in pod(one("sidecar/patch.yaml"))["spec"]["volumes"]}
    assert volumes[shared[0]]["emptyDir"]["medium"] == "Memory"
    assert shared[0] in {mount["name"] for mount in SIDECAR["volumeMounts"]}
    # Kubernetes starts it first and ends it last.
    assert SIDECAR["restartPolicy"] == "Always"


def test_the_policy_of_the_collector_lets_its_senders_in():
    (rule,) = one("collector/networkpolicy.yaml")["spec"]["ingress"]
    labels = [sender["podSelector"]["matchLabels"] for sender in rule["from"] if "podSelector" in sender]
    assert all(label.items() <= pod(one("sidecar/patch.yaml"))["metadata"]["labels"].items() for label in labels)
    namespaces = [sender["namespaceSelector"].get("matchLabels", {}) for sender in rule["from"]]
    assert {"kubernetes.io/metadata.name": one("agent/namespace.yaml")["metadata"]["name"]} in namespaces
