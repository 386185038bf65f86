"""What the agent emits and what the catalogue says of it."""

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.agent.conftest import configured
from tests.agent.sources import tree
from tocsin_agent import listing
from tocsin_agent.about import About
from tocsin_agent.httpd.server import Server
from tocsin_agent.scrape import Scrape
from tocsin_agent.settings import SOURCES, TASKS
from tocsin_schema.catalogue import catalogue
from tocsin_schema.metrics.agent import METRICS as FRAME
from tocsin_schema.metrics.agent_serving import METRICS as SERVING

MORE_THAN_ONE_HOST_HAS = {"hwmon", "meminfo_numa", "rapl"}
ATA = "E:ID_ATA_ROTATION_RATE_RPM=0\nE:ID_ATA_WRITE_CACHE_ENABLED=1\nE:ID_ATA_WRITE_CACHE=1\n"
AGES = "_age_seconds"
"""There only while a device is slow."""
OURS = ("cpu", "diskstats", "filesystem", "loadavg", "meminfo", "netdev", "pressure", "process", "stat", "vmstat")
MODULES = [(SOURCES, name) for name in listing.names(SOURCES)] + [(TASKS, name) for name in listing.names(TASKS)]


def owned(module) -> tuple:
    return getattr(module, "SOURCE", module).METRICS


@pytest.mark.parametrize(("package", "name"), MODULES)
def test_every_source_and_task_names_its_entries(package, name):
    known = catalogue()
    assert all(
        known[metric.name] is metric and metric.emitter in ("agent", "capture")
        for metric in owned(listing.module(package, name))
    )


def test_no_metric_has_two_owners():
    names = [metric.name for package, name in MODULES for metric in owned(listing.module(package, name))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("package", "name"), MODULES)
def test_help_reads_the_same_in_both_formats(package, name):
    """OpenMetrics escapes double quotes in HELP, the text format does not: a text of gauges is passed as it is."""
    assert not [metric.name for metric in owned(listing.module(package, name)) if '"' in metric.help]


def check(text: bytes) -> set[str]:
    """Every family has the type, help and labels of its entry; the names found."""
    known = catalogue()
    found = set()
    for family in parse_text(text.decode()):
        name = family.name + "_total" if family.type == "counter" else family.name
        entry = known[name]
        found.add(name)
        assert family.documentation == entry.help
        assert family.type == {"untyped": "unknown"}.get(entry.type, entry.type)
        for sample in family.samples:
            assert set(sample.labels) - ({"le"} if family.type == "histogram" else set()) <= set(entry.labels)
        for label, bound in entry.labels.items():
            assert len({sample.labels.get(label) for sample in family.samples}) <= bound
    return found


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("recorded", ["vm_6.18", "server_4.14"])
def test_what_is_emitted_is_in_the_catalogue(host, recorded, name):
    if (recorded, name) == ("server_4.14", "pressure"):
        pytest.skip("Linux 4.14 counts no pressure")
    source = listing.module(SOURCES, name).SOURCE(host(recorded))
    assert check(source.read()) <= {metric.name for metric in source.METRICS}
    source.close()


def test_what_is_in_the_catalogue_is_emitted_somewhere(host, big_host, tmp_path):
    """But for fields of memory that these three hosts' kernels do not have."""
    (tmp_path / "rootfs").mkdir()
    (tmp_path / "udev").mkdir()
    (tmp_path / "udev/b254:0").write_text("E:DM_NAME=a\nE:ID_FS_TYPE=ext4\nE:ID_ATA=1\n" + ATA)
    recorded = host("vm_6.18")
    (tmp_path / "sys/devices/system/cpu/isolated").write_text("1\n")
    (tmp_path / "proc/pressure/irq").write_text("full avg10=0.00 avg60=0.00 avg300=0.00 total=1\n")
    for name in OURS:
        module = listing.module(SOURCES, name)
        hosts = [recorded, big_host, big_host | {"profile": "summary"}] if name == "cpu" else [recorded]
        found = set().union(*(check(module.SOURCE(values).read()) for values in hosts))
        missing = {metric.name for metric in module.SOURCE.METRICS} - found
        assert not missing or name == "meminfo", missing


PLANTED = sorted({name.partition(".")[0] for name in tree.names()} - {"textfile"})  # shows whatever stands in them


@pytest.mark.parametrize("name", PLANTED)
def test_what_planted_hosts_emit_is_in_the_catalogue_and_whole(tmp_path_factory, name):
    """But for a few fields that no host of ours has."""
    source, found = listing.module(SOURCES, name).SOURCE, set()
    for case in tree.names():
        if case.partition(".")[0] == name:
            root = tmp_path_factory.mktemp(name)
            tree.plant(root, (tree.FOLDER / f"{case}.tree").read_text(encoding="utf-8"))
            found |= check(source(configured(root)).read())
    entries = {metric.name for metric in source.METRICS}
    assert found <= entries
    missing = {entry for entry in entries - found if not entry.endswith(AGES)}
    assert not missing or name in MORE_THAN_ONE_HOST_HAS


def test_the_frame_emits_its_entries():
    server = Server("127.0.0.1", 0)
    server.requests[200] = 1
    text = b"".join(Scrape([("agent", lambda: About().text(server, True, 1.5))]).texts())
    server.stop()
    server.serve()
    assert check(text) == {metric.name for metric in (*FRAME, *SERVING)}
