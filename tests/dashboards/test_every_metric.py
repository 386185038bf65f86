"""Every metric of the catalogue is on a board, in an alert, or here with the reason why it is in neither."""

import importlib
import re

from tocsin_alerts.catalogue import alerts
from tocsin_dashboards.builder import build
from tocsin_dashboards.generate import found
from tocsin_dashboards.lint.layout import every_panel
from tocsin_dashboards.lint.query import metrics_in
from tocsin_dashboards.scraped import OWN, entry
from tocsin_schema.catalogue import catalogue, groups

KNOWN = catalogue()
NEITHER = {
    r"node_memory_\w+": "a host's memory is judged by what is available; sixty more fields are for Explore",
    r"node_cpu_guest_seconds_total": "is counted in node_cpu_seconds_total already",
    r"node_cpu_(core|package)_throttles_total": "only some of Intel's CPUs tell",
    r"node_cpu_isolated": "as the kernel was booted",
    r"node_disk_(reads|writes|discards)_merged_total": "merging tells about the kernel's queue only",
    r"node_disk_io_now": "the queue at the instant of a scrape; the weighted time tells it between scrapes",
    r"node_disk_(discard|flush)\w+": "discards and flushes are counted by some drivers only",
    r"node_disk_(\w*info|ata_\w+)": "names and traits of a disk, to be joined in Explore",
    r"node_filesystem_(free_bytes|mount_info)": "what root may still write, and names of a mount; avail_bytes is shown",
    r"node_load(5|15)": "the one of a minute is shown; a chart has the longer view itself",
    r"node_network_\w+_(fifo|frame|compressed|multicast|colls|carrier)_total": "kinds of errs and drop, which we show",
    r"node_pressure_irq_stalled_seconds_total": "needs a kernel built with interrupt accounting",
    r"process_virtual_memory_(max_)?bytes": "address space is no cost; resident memory is shown",
    r"node_(netstat|sockstat|softnet|schedstat|nf|nfs|mountstats|entropy|filefd|os|time|timex|textfile|systemd)_\w+": (
        "asked for when something is wrong, by boards made for node_exporter, which find them under their names"
    ),
    r"node_(hwmon|thermal|cooling|rapl|edac|md|nvme|infiniband)_\w+": "only hosts with that hardware have them",
    r"tocsin_host_cpu_power_\w+": "only hosts with RAPL, and who may read it",
    r"node_cpu_(frequency|scaling)\w+": "only hosts whose driver tells; clocks explain little without the load",
    r"tocsin_(cpufreq|hwmon|infiniband|nvme|systemd|textfile|thermal_zone)_age_seconds": "ages of what Explore has",
    r"tocsin_sampling_(looks_total|folded_devices)": "the covered time is shown; how a peak was seen is for Explore",
    r"tocsin_host_cpus": "the summary's divisor",
    r"tocsin_agent_(http_handshakes_failed|serving_takeovers)_total": "causes, to be asked for after a gap in a scrape",
    r"tocsin_ingest_(replay_bytes|snapshot_errors_total)": "what a start would cost; nobody waits for it but then",
    r"tocsin_(requests_denied|connections_ended|audit_records)_total": "asked for when a sender is not let in",
    r"tocsin_journal_dropped_bytes_total": "as configured; what is left is shown",
    r"tocsin_journal_upkeep_errors_total": "the journal's size shows it, and the log says why",
    r"tocsin_daily_(look\w+|joint_drift_p_value)": "what a look costs; the score is shown beside its bound",
    r"tocsin_model_(quantile_coverage|fairness_gap)_ratio": "on the page of quality; few models have any",
    r"tocsin_agent_config_last_reload_\w+": "told on the terminal of who reloads",
    r"node_vmstat_pg(pgin|pgout|fault)": "pages moved are the disks' bytes, which are shown; minor faults cost little",
}


def _plotted():
    for board in found().values():
        built = build(board)
        targets = [target for panel in every_panel(built) for target in panel.get("targets", [])]
        for asked in (*targets, *built["annotations"]["list"]):
            for name in metrics_in(asked["expr"]):
                yield entry(name, KNOWN).name


def _alerted():
    for alert in alerts().values():
        yield from (name for name in re.findall(r"\w+", alert.expr) if name in KNOWN)


def _excused(name):
    return [pattern for pattern in NEITHER if re.fullmatch(pattern, name)]


def _off_boards():
    """The metrics of a file of the catalogue that gives a reason itself, for all it has: `OFF_BOARDS = "…"`."""
    modules = [importlib.import_module(f"tocsin_schema.metrics.{group}") for group in groups()]
    return {metric.name for module in modules if getattr(module, "OFF_BOARDS", "") for metric in module.METRICS}


def test_every_metric_is_seen_or_has_a_reason_not_to_be():
    seen = {*_plotted(), *_alerted()}
    assert [name for name in KNOWN if name not in seen | _off_boards() and not _excused(name)] == []


def test_no_board_plots_what_nobody_emits():
    assert set(_plotted()) <= {*KNOWN, *OWN}


def test_every_reason_is_needed():
    seen = {*_plotted(), *_alerted()}
    used = {pattern for name in KNOWN if name not in seen for pattern in _excused(name)}
    assert used == set(NEITHER)
