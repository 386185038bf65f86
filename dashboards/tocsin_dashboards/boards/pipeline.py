"""tocsin itself: do its servers answer, did anything get lost on the way, what does it cost."""

from tocsin_dashboards.board import (
    ANY,
    GREEN,
    ORANGE,
    RED,
    Board,
    Drill,
    Event,
    Link,
    Panel,
    Query,
    Row,
    Variable,
    above,
    below,
)
from tocsin_dashboards.promql import gain, gain_in_range, mean_by, rate, rate_by, series

_WHO = "{{instance}}"
_OURS = 'job=~"tocsin-.+"'
"""Every program exports process_*: those of tocsin's jobs are meant."""
_UP = series("up", _OURS)
_DROPPED = "tocsin_capture_rows_dropped_total"
_REFUSED = "tocsin_events_rejected_total"
_ACCEPTED = "tocsin_events_accepted_total"
_OVER_QUOTA = "tocsin_requests_over_quota_total"
_MESSAGES = "tocsin_notifications_total"
_FAILED = 'outcome="failed"'
_FIRING = "tocsin_alerts_firing"
_KEPT = rate_by("instance", "tocsin_logs_records_total")
_DOCUMENTS = "tocsin_elasticsearch_documents_total"
_AGAIN = rate_by("instance", _DOCUMENTS, 'outcome="retried"')
_SENT = rate_by("instance", _DOCUMENTS)
_DEAD = 'outcome=~"dead_letter|dead_letter_file|dropped"'
_NO_ELASTICSEARCH = "logs stay in the embedded store"
_ANSWERS = ((0, "does not answer", RED), (1, "answers", GREEN))
_ONLY_THIS = (Drill("Only this one", "tocsin-pipeline", ("instance",)),)
_ON_THE_HOST = (Drill("Its host", "tocsin-fleet", ("instance",)),)


def _or_zero(expr: str, beside: str) -> str:
    """0 where ``expr`` has no series, while ``beside`` says that their emitter runs; both by instance."""
    return f"{expr} or 0 * {beside}"


def _or_none(by_code: str, beside: str) -> str:
    """A counter by code that has no series before its first event: 0 while ``beside`` says that its emitter runs."""
    none = f'label_replace(0 * sum by (instance) ({rate(beside)}), "code", "none", "", "")'
    return f"{by_code} or on (instance) {none}"


BROKEN = (
    Panel(
        1,
        "Servers that answer",
        "The servers that the collector works with, as it finds them: Prometheus, Alertmanager, Grafana, "
        "Elasticsearch; those that are configured.",
        "short",
        (Query(f"min by (server) ({series('tocsin_server_up')})", "{{server}}"),),
        kind="stat",
        width=8,
        words=_ANSWERS,
        no_value="none is configured",
    ),
    Panel(
        7,
        "Processes that answer",
        "Share of the agents and collectors whose last scrape came back.",
        "percentunit",
        (Query(f"avg({_UP})", "answer"),),
        kind="stat",
        width=4,
        maximum=1,
        decimals=1,
        steps=below(1),
    ),
    Panel(
        8,
        "Alarms that fire",
        "Alarms that the collector judges and that fire now.",
        "short",
        (Query(f"sum({series(_FIRING)})", "alarms"),),
        kind="stat",
        width=4,
        decimals=0,
        steps=above(1),
        no_value="the collector judges none",
    ),
    Panel(
        6,
        "Rows lost",
        "Rows of events that capture dropped in the time that the board shows.",
        "short",
        (Query(f"sum({gain_in_range(_DROPPED)})", "rows"),),
        kind="stat",
        width=4,
        decimals=0,
        steps=above(ANY),
        no_value="no capture",
    ),
    Panel(
        9,
        "Messages not delivered",
        "Messages about alarms that no attempt could deliver, in the time that the board shows.",
        "short",
        (Query(f"sum({gain_in_range(_MESSAGES, _FAILED)})", "messages"),),
        kind="stat",
        width=4,
        decimals=0,
        steps=above(ANY),
    ),
    Panel(
        12,
        "Who answers",
        "tocsin's agents and collectors over time: green while they answered Prometheus, red while they did not.",
        "short",
        (Query(f"min by (job, instance) ({_UP})", "{{job}} {{instance}}"),),
        kind="state-timeline",
        width=12,
        height=10,
        words=_ANSWERS,
        drills=_ONLY_THIS,
    ),
    Panel(
        11,
        "What fires, and since when",
        "Each alarm that the collector judges: red while it fires.",
        "short",
        (Query(f"clamp_max(max by (alertname) ({series(_FIRING)}), 1)", "{{alertname}}"),),
        kind="state-timeline",
        width=12,
        height=10,
        words=((0, "quiet", GREEN), (1, "fires", RED)),
        no_value="the collector judges none",
    ),
)

EVENTS = (
    Panel(
        13,
        "Events stored",
        "Events a second that are on the collector's disk and were not known before, by type.",
        "eps",
        (Query(rate_by("type", _ACCEPTED), "{{type}}"),),
    ),
    Panel(
        3,
        "Events refused",
        "Events a second that were refused, by the code that their sender was told; 0 while none was.",
        "eps",
        (Query(_or_none(rate_by("instance, code", _REFUSED), _ACCEPTED), f"{_WHO} {{{{code}}}}"),),
        steps=above(ANY),
        drills=_ONLY_THIS,
    ),
    Panel(
        14,
        "Events that came again",
        "Events a second that were known already and were counted once: senders that try again.",
        "eps",
        (Query(rate_by("type", "tocsin_events_duplicate_total"), "{{type}}"),),
    ),
    Panel(
        2,
        "Rows dropped by capture",
        "Rows of events that were lost before they reached the collector, by reason. Any is an alert: EventsDropped.",
        "short",
        (Query(f"sum by (instance, reason) ({gain(_DROPPED)})", f"{_WHO} {{{{reason}}}}"),),
        bars=True,
        steps=above(ANY),
        drills=_ON_THE_HOST,
        no_value="no capture",
    ),
    Panel(
        15,
        "Blocks sent by capture",
        "Attempts a second to send a block, by outcome: retried ones come again, refused ones are lost.",
        "ops",
        (Query(rate_by("outcome", "tocsin_capture_blocks_sent_total"), "{{outcome}}"),),
        no_value="no capture",
    ),
    Panel(
        16,
        "Requests with events",
        "Requests a second to the collector and to the agents' relay, by status.",
        "reqps",
        (
            Query(rate_by("code", "tocsin_ingest_requests_total"), "collector {{code}}"),
            Query(rate_by("code", "tocsin_agent_relay_requests_total"), "relay {{code}}"),
        ),
    ),
    Panel(
        90,
        "Requests over a quota",
        "Requests a second of which something was refused since the project is over a quota. Any is an alert: "
        "ProjectOverQuota.",
        "reqps",
        (Query(rate_by("project, quota", _OVER_QUOTA), "{{project}} {{quota}}"),),
        width=12,
        steps=above(ANY),
        no_value="no project was over its quota",
    ),
    Panel(
        91,
        "Quotas used",
        "What a project holds of what it may: of the journal's disk, of series; those whose quota is set.",
        "percentunit",
        (
            Query(
                f"max by (project, quota) ({series('tocsin_quota_used_ratio')})",
                "{{project}} {{quota}}",
            ),
        ),
        width=12,
        steps=above(1),
        no_value="no quota of disk or series is set",
    ),
)

LOGS = (
    Panel(
        4,
        "Log records kept by outcome",
        "Log records a second that reached the collector: accepted, known already, or rejected.",
        "recps",
        (Query(rate_by("outcome", "tocsin_logs_records_total"), "{{outcome}}"),),
    ),
    Panel(
        5,
        "Log shipping lag",
        "Bytes that were written to log files and that the collector has not acknowledged yet.",
        "bytes",
        (Query(series("tocsin_agent_log_lag_bytes"), _WHO),),
        drills=_ON_THE_HOST,
        no_value="no log file is followed",
    ),
    Panel(
        17,
        "Age of the last log batch",
        "Time since the collector last acknowledged a batch of each agent's log lines.",
        "s",
        (Query(f"time() - {series('tocsin_agent_log_last_success_timestamp_seconds')}", _WHO),),
        minimum=None,
        drills=_ON_THE_HOST,
        no_value="no log file is followed",
    ),
)

SERVERS = (
    Panel(
        40,
        "Servers over time",
        "Each server as the collector found it: red while it did not answer.",
        "short",
        (Query(f"min by (server) ({series('tocsin_server_up')})", "{{server}}"),),
        kind="state-timeline",
        width=12,
        height=8,
        words=_ANSWERS,
        no_value="none is configured",
    ),
    Panel(
        41,
        "Since their last answer",
        "Time since each server last answered the collector.",
        "s",
        (Query(f"time() - max by (server) ({series('tocsin_server_last_answer_timestamp_seconds')})", "{{server}}"),),
        width=12,
        minimum=None,
        no_value="none is configured",
    ),
    Panel(
        42,
        "Documents in Elasticsearch",
        "Log records a second by what became of them: stored, there already, sent again, or kept as dead letters.",
        "recps",
        (Query(rate_by("outcome", _DOCUMENTS), "{{outcome}}"),),
        width=8,
        no_value=_NO_ELASTICSEARCH,
    ),
    Panel(
        43,
        "Requests to Elasticsearch",
        "Requests a second by the status answered; none is no answer.",
        "reqps",
        (Query(rate_by("code", "tocsin_elasticsearch_requests_total"), "{{code}}"),),
        width=8,
        no_value=_NO_ELASTICSEARCH,
    ),
    Panel(
        44,
        "Time of a bulk request",
        "Mean time that Elasticsearch takes for a bulk request.",
        "s",
        (
            Query(
                mean_by("instance", "tocsin_elasticsearch_bulk_seconds_total", "tocsin_elasticsearch_requests_total"),
                _WHO,
            ),
        ),
        width=8,
        no_value=_NO_ELASTICSEARCH,
    ),
    Panel(
        45,
        "Since Elasticsearch last answered",
        "Time since Elasticsearch last answered as it should.",
        "s",
        (Query(f"time() - {series('tocsin_elasticsearch_last_success_timestamp_seconds')}", _WHO),),
        width=8,
        minimum=None,
        no_value=_NO_ELASTICSEARCH,
    ),
    Panel(
        46,
        "Log records sent again",
        "Share of the log records that Elasticsearch did not take and that are to come again. The line is where the "
        "alert LogStoreFailing begins.",
        "percentunit",
        (Query(f"{_AGAIN} / ({_SENT} > 0) or 0 * {_SENT}", _WHO),),
        steps=above(0.5),
        no_value=_NO_ELASTICSEARCH,
    ),
    Panel(
        47,
        "Log records that wait",
        "Log records that wait for Elasticsearch in memory; their senders wait for the answer.",
        "bytes",
        (Query(series("tocsin_elasticsearch_waiting_bytes"), _WHO),),
        no_value=_NO_ELASTICSEARCH,
    ),
    Panel(
        48,
        "Dead letters",
        "Log records that Elasticsearch does not take: kept in the dead letter's data stream, in a file of the "
        "collector when that fails too, or dropped when the file is full. Any is an alert: LogRecordsRejected.",
        "short",
        (Query(f"sum by (outcome) ({gain(_DOCUMENTS, _DEAD)})", "{{outcome}}"),),
        width=12,
        bars=True,
        steps=above(ANY),
        no_value=_NO_ELASTICSEARCH,
    ),
    Panel(
        49,
        "Spans dropped",
        "Spans of the collector's own traces that were dropped because the log store was away for too long.",
        "short",
        (Query(gain("tocsin_trace_spans_dropped_total"), _WHO),),
        width=12,
        bars=True,
        steps=above(ANY),
        drills=_ONLY_THIS,
    ),
)

JOURNAL = (
    Panel(
        20,
        "Journal written",
        "Bytes a second that were appended to the journal.",
        "Bps",
        (Query(rate("tocsin_journal_bytes_total"), _WHO),),
        drills=_ONLY_THIS,
    ),
    Panel(
        21,
        "Time of a commit",
        "Mean time of a commit of the journal: each is one fdatasync for all that waited.",
        "s",
        (Query(mean_by("instance", "tocsin_journal_sync_seconds_total", "tocsin_journal_syncs_total"), _WHO),),
        drills=_ONLY_THIS,
    ),
    Panel(
        22,
        "Commits",
        "Commits of the journal a second.",
        "ops",
        (Query(rate("tocsin_journal_syncs_total"), _WHO),),
        drills=_ONLY_THIS,
    ),
    Panel(
        23,
        "Journal that cannot be read",
        "Bytes of the journal that could not be read at the last start.",
        "bytes",
        (Query(series("tocsin_journal_damaged_bytes"), _WHO),),
        steps=above(1),
        drills=_ONLY_THIS,
    ),
    Panel(
        24,
        "Stored and not judged",
        "Blocks that the windows could not take, and events of more model versions than are watched; all are in the "
        "journal.",
        "eps",
        (
            Query(rate("tocsin_ingest_apply_errors_total"), f"{_WHO} blocks not taken"),
            Query(rate("tocsin_events_unwatched_total"), f"{_WHO} events not watched"),
        ),
        steps=above(ANY),
        drills=_ONLY_THIS,
    ),
    Panel(
        25,
        "Memory of known ids",
        "Memory that the ids of accepted events take, by which one that comes again is counted once.",
        "bytes",
        (Query(series("tocsin_ingest_dedupe_bytes"), _WHO),),
        drills=_ONLY_THIS,
    ),
    Panel(
        73,
        "Known ids reach back",
        "How far behind its newest events a stream's ids are remembered. Less than a window with its lateness and wait "
        "for labels: their memory is too small (ingest.ids_memory_bytes), and late JSON events are refused.",
        "s",
        (Query(series("tocsin_ingest_horizon_seconds"), _WHO),),
        drills=_ONLY_THIS,
    ),
    Panel(
        74,
        "Journal on the disk",
        "What the journal's segments take on the disk; more than configured where open windows still need them.",
        "bytes",
        (Query(series("tocsin_journal_size_bytes"), _WHO),),
        drills=_ONLY_THIS,
    ),
    Panel(
        75,
        "Disk full",
        "1 while events are refused because the disk is full; it goes back by itself when there is room.",
        "short",
        (Query(series("tocsin_journal_stopped"), _WHO),),
        steps=above(1),
        drills=_ONLY_THIS,
    ),
)

CAPTURE = (
    Panel(
        26,
        "Rows captured",
        "Rows of events a second that were put into blocks, by type.",
        "rowsps",
        (Query(rate_by("type", "tocsin_capture_rows_total"), "{{type}}"),),
        width=6,
        no_value="no capture",
    ),
    Panel(
        27,
        "Columns altered",
        "Columns or values that were changed on their way into a block, by reason.",
        "short",
        (Query(f"sum by (reason) ({gain('tocsin_capture_columns_altered_total')})", "{{reason}}"),),
        width=6,
        bars=True,
        no_value="no capture",
    ),
    Panel(
        28,
        "Faults of capture",
        "Faults that were kept from the request, requests that were not counted, and those counted as _other.",
        "short",
        (
            Query(f"sum by (instance) ({gain('tocsin_capture_errors_total')})", f"{_WHO} faults"),
            Query(f"sum by (instance) ({gain('tocsin_capture_observations_lost_total')})", f"{_WHO} not counted"),
            Query(f"sum by (instance) ({gain('tocsin_capture_observations_folded_total')})", f"{_WHO} as _other"),
        ),
        width=6,
        bars=True,
        steps=above(ANY),
        drills=_ON_THE_HOST,
        no_value="no capture",
    ),
    Panel(
        29,
        "Serving processes",
        "Serving processes that leave their figures with the agent, and files of theirs that it could not read.",
        "short",
        (
            Query(series("tocsin_capture_workers"), f"{_WHO} processes"),
            Query(series("tocsin_capture_files_skipped"), f"{_WHO} files not read"),
        ),
        width=6,
        drills=_ON_THE_HOST,
        no_value="no capture",
    ),
)

LOGS_IN_DETAIL = (
    Panel(
        30,
        "Log lines shipped",
        "Log lines a second that the collector has acknowledged.",
        "recps",
        (Query(rate("tocsin_agent_log_lines_total"), _WHO),),
        drills=_ON_THE_HOST,
        no_value="no log file is followed",
    ),
    Panel(
        31,
        "Log bytes shipped",
        "Bytes a second of log files whose lines the collector has acknowledged.",
        "Bps",
        (Query(rate("tocsin_agent_log_bytes_total"), _WHO),),
        drills=_ON_THE_HOST,
        no_value="no log file is followed",
    ),
    Panel(
        32,
        "Faults of log shipping",
        "What went wrong while log lines were read and sent; 0 while nothing did.",
        "ops",
        (
            # The counter has no series before the first fault.
            Query(
                _or_zero(
                    rate_by("instance", "tocsin_agent_log_errors_total"),
                    f"max by (instance) ({series('tocsin_agent_log_files')})",
                ),
                _WHO,
            ),
        ),
        steps=above(ANY),
        drills=_ON_THE_HOST,
        no_value="no log file is followed",
    ),
    Panel(
        33,
        "Log files open",
        "Log files that each agent follows.",
        "short",
        (Query(series("tocsin_agent_log_files"), _WHO),),
        drills=_ON_THE_HOST,
        no_value="no log file is followed",
    ),
    Panel(
        34,
        "Embedded log store",
        "Log records in the embedded store; 0 while Elasticsearch keeps them.",
        "short",
        (Query(_or_zero(f"sum by (instance) ({series('tocsin_logs_stored_records')})", _KEPT), _WHO),),
        drills=_ONLY_THIS,
    ),
    Panel(
        35,
        "Size of the embedded log store",
        "Size of the embedded log store on disk; 0 while Elasticsearch keeps the logs.",
        "bytes",
        (Query(_or_zero(f"sum by (instance) ({series('tocsin_logs_store_bytes')})", _KEPT), _WHO),),
        drills=_ONLY_THIS,
    ),
    Panel(
        36,
        "Log records expired",
        "Log records a second that the embedded store's retention removed, the oldest first.",
        "recps",
        (Query(_or_zero(rate_by("instance", "tocsin_logs_expired_records_total"), _KEPT), _WHO),),
        width=12,
        drills=_ONLY_THIS,
    ),
    Panel(
        37,
        "Log batches not written",
        "Batches of log records that the store could not write; their senders were told to come back.",
        "short",
        (Query(gain("tocsin_logs_write_failures_total"), _WHO),),
        width=12,
        bars=True,
        steps=above(ANY),
        drills=_ONLY_THIS,
    ),
)

MESSAGES = (
    Panel(
        50,
        "Messages",
        "Attempts to deliver a message about an alarm: delivered, retried, or failed for good.",
        "short",
        (Query(f"sum by (outcome) ({gain(_MESSAGES)})", "{{outcome}}"),),
        width=12,
        bars=True,
    ),
    Panel(
        54,
        "Notifications received",
        "Notifications of Alertmanager and Grafana for the collector to deliver: accepted, known already, or refused.",
        "short",
        (Query(f"sum by (outcome) ({gain('tocsin_notifications_received_total')})", "{{outcome}}"),),
        width=12,
        bars=True,
    ),
    Panel(
        51,
        "Messages that wait",
        "Messages that wait for their delivery.",
        "short",
        (Query(series("tocsin_notifications_waiting"), _WHO),),
        width=12,
        drills=_ONLY_THIS,
    ),
    Panel(
        52,
        "Since alarms were judged",
        "Time since the collector last judged its alarms; grows when that stands still.",
        "s",
        (Query(f"time() - {series('tocsin_alert_evaluation_timestamp_seconds')}", _WHO),),
        width=12,
        minimum=None,
        drills=_ONLY_THIS,
        no_value="the collector judges none",
    ),
    Panel(
        53,
        "Rounds of judging that failed",
        "Rounds in which the collector could not judge its alarms.",
        "short",
        (Query(gain("tocsin_alert_evaluation_failures_total"), _WHO),),
        width=24,
        bars=True,
        steps=above(ANY),
        drills=_ONLY_THIS,
    ),
)

COST = (
    Panel(
        60,
        "CPU of tocsin",
        "CPU of each agent and collector; 100 % is one core.",
        "percentunit",
        (Query(rate("process_cpu_seconds_total", _OURS), "{{job}} {{instance}}"),),
        drills=_ONLY_THIS,
    ),
    Panel(
        61,
        "Memory of tocsin",
        "Resident memory of each agent and collector.",
        "bytes",
        (Query(series("process_resident_memory_bytes", _OURS), "{{job}} {{instance}}"),),
        drills=_ONLY_THIS,
    ),
    Panel(
        62,
        "File descriptors",
        "Open file descriptors as a share of how many each process may have.",
        "percentunit",
        (Query(f"{series('process_open_fds', _OURS)} / {series('process_max_fds', _OURS)}", "{{job}} {{instance}}"),),
        drills=_ONLY_THIS,
    ),
    Panel(
        63,
        "Time of a scrape",
        "How long Prometheus' last scrape of each agent and collector took.",
        "s",
        (Query(series("scrape_duration_seconds", _OURS), "{{job}} {{instance}}"),),
        drills=_ONLY_THIS,
    ),
    Panel(
        64,
        "Time of a source",
        "How long each of the agents' sources took, the slowest agent's.",
        "s",
        (
            Query(
                f"max by (collector) ({series('node_scrape_collector_duration_seconds', _OURS)})",
                "{{collector}}",
            ),
        ),
    ),
    Panel(
        65,
        "Sources",
        "The agents' sources over time: red while one of them fails on any host.",
        "short",
        (
            Query(
                f"min by (collector) ({series('node_scrape_collector_success', _OURS)})",
                "{{collector}}",
            ),
        ),
        kind="state-timeline",
        height=8,
        words=((0, "fails", RED), (1, "works", GREEN)),
    ),
    Panel(
        66,
        "Scrapes by the collector",
        "The collector's own scrapes of its agents, by how they ended.",
        "ops",
        (Query(rate_by("outcome", "tocsin_fleet_scrapes_total"), "{{outcome}}"),),
    ),
    Panel(
        67,
        "Agents of the collector",
        "Agents that the collector scrapes, by whether the last scrape came back.",
        "short",
        (Query(f"sum by (state) ({series('tocsin_fleet_agents')})", "{{state}}"),),
    ),
    Panel(
        68,
        "Since the last round",
        "Time since the collector's last round of scrapes ended.",
        "s",
        (Query(f"time() - {series('tocsin_fleet_round_timestamp_seconds')}", _WHO),),
        minimum=None,
        drills=_ONLY_THIS,
    ),
    Panel(
        69,
        "Series that the collector holds",
        "Series in the rings of the fleet, and samples a second that found no room there.",
        "short",
        (
            Query(series("tocsin_fleet_series"), f"{_WHO} series"),
            Query(rate("tocsin_fleet_samples_dropped_total"), f"{_WHO} samples dropped"),
        ),
        drills=_ONLY_THIS,
    ),
    Panel(
        70,
        "Requests to agents",
        "Requests a second that the agents answered, by status.",
        "reqps",
        (Query(rate_by("code", "tocsin_agent_http_requests_total"), "{{code}}"),),
    ),
    Panel(
        71,
        "Connections of agents",
        "Connections that are open now, and those a second that were ended because the client was too slow.",
        "short",
        (
            Query(series("tocsin_agent_http_connections"), f"{_WHO} open"),
            Query(rate("tocsin_agent_http_connections_cut_total"), f"{_WHO} cut"),
        ),
        drills=_ONLY_THIS,
    ),
    Panel(
        72,
        "Versions",
        "How many agents run which version.",
        "short",
        (Query(f"count by (version, python) ({series('tocsin_agent_info')})", "Agents"),),
        kind="table",
        width=16,
    ),
    Panel(
        79,
        "Series beyond their budget",
        "Series that are not on /metrics by themselves, by whose budget they are beyond: a model's, a project's.",
        "short",
        (Query(f"sum by (project, reason) ({series('tocsin_series_folded')})", "{{project}} {{reason}}"),),
        steps=above(ANY),
    ),
)

BOARD = Board(
    uid="tocsin-pipeline",
    title="tocsin / Pipeline",
    description="tocsin's own agents, collectors and servers: what they lost, what they wait for, what they cost.",
    variables=(
        Variable("job", "Job", "up", match=_OURS),
        Variable("instance", "Instance", "up", match=_OURS, after=("job",)),
    ),
    links=(Link("Fleet", "tocsin-fleet"), Link("Model", "tocsin-model")),
    events=(
        Event(
            "Restarts",
            f"{series('process_start_time_seconds', _OURS)} * 1000",
            "{{job}} {{instance}} was started",
            ORANGE,
            at_value=True,
        ),
    ),
    rows=(
        Row(100, "Is tocsin broken, where, since when", BROKEN),
        Row(101, "Events", EVENTS),
        Row(102, "Logs", LOGS),
        Row(103, "Servers", SERVERS, collapsed=True),
        Row(104, "Journal and windows", JOURNAL, collapsed=True),
        Row(105, "Capture in detail", CAPTURE, collapsed=True),
        Row(106, "Logs in detail", LOGS_IN_DETAIL, collapsed=True),
        Row(107, "Alarms and messages", MESSAGES, collapsed=True),
        Row(108, "What tocsin costs", COST, collapsed=True),
    ),
)
