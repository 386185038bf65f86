"""The keys of the collector's configuration file."""

from tocsin_schema.config import Key
from tocsin_schema.ports import COLLECTOR_LISTEN


def _receiver(name: str) -> tuple[Key, ...]:
    """How often a receiver of metrics is pushed to, and how it is reached."""
    return (
        Key(f"{name}.interval_s", "number", 15.0, "seconds between two pushes", range=(1, 3_600)),
        Key(f"{name}.token_file", "text", "", "a file with the bearer token that the receiver asks for"),
        Key(f"{name}.username", "text", "", "a user of the receiver, in place of a token"),
        Key(f"{name}.password_file", "text", "", "a file with that user's password"),
        Key(
            f"{name}.ca_file",
            "text",
            "",
            "PEM file with the authority of the receiver's certificate; empty: the system's",
        ),
    )


COLLECTOR = (
    Key("listen", "text", COLLECTOR_LISTEN, "address and port of the page, the API and /metrics", env="TOCSIN_LISTEN"),
    Key(
        "web_config_file",
        "text",
        "",
        "web.yml with TLS, client certificates and passwords, as the agent and Prometheus take it; empty: none",
        env="TOCSIN_WEB_CONFIG_FILE",
    ),
    Key(
        "max_connections",
        "integer",
        1_000,
        "clients at once; then the one that has waited for longest without a request makes room",
        range=(1, 1_000_000),
    ),
    Key("data_dir", "text", "data", "where journal, logs and alarms are kept", env="TOCSIN_DATA_DIR"),
    Key("agents", "list", [], "agents to scrape, http://host:port each", env="TOCSIN_AGENTS"),
    Key("agents_file", "text", "", "a file with one agent a line, read again when it changes"),
    Key("scrape_interval_s", "number", 5.0, "seconds between two scrapes of an agent", range=(1, 300)),
    Key("ingest.max_body_bytes", "integer", 16_777_216, "largest body of a request", range=(1_024, 1 << 30)),
    Key("ingest.max_decompressed_bytes", "integer", 33_554_432, "largest body after gzip", range=(1_024, 1 << 30)),
    Key(
        "ingest.past_s",
        "number",
        0.0,
        "refuse events older than this, by the collector's clock; 0: any age (replays)",
        range=(0, 1e10),
    ),
    Key(
        "ingest.future_s",
        "number",
        600.0,
        "refuse events further ahead of the collector's clock than this",
        range=(0, 1e10),
    ),
    Key("ingest.drop_features", "list", [], "features, by name, that are left out before anything is stored"),
    Key(
        "ingest.hash_features",
        "list",
        [],
        "features, by name, whose texts are stored as pseudonyms (key: pseudonyms.key in data_dir), numbers not at all",
    ),
    Key(
        "ingest.ids_memory_bytes",
        "integer",
        1_073_741_824,
        "memory for the ids that tell new events from known ones; where it is too little, the oldest go first",
        range=(1 << 20, 1 << 44),
    ),
    Key(
        "journal.store",
        "text",
        "segments",
        "how events lie on disk: in segments that are reserved beforehand, or in SQLite databases, for file systems of "
        "networks and others that do not keep what fdatasync promises; may be changed at any start",
        range=("segments", "sqlite"),
    ),
    Key(
        "journal.keep_bytes",
        "integer",
        0,
        "drop the oldest events beyond so many bytes on disk, but none that open windows may need; 0: keep all",
        range=(0, 1 << 60),
    ),
    Key(
        "journal.keep_s",
        "number",
        0.0,
        "drop events that were received longer ago than this, but none that open windows may need; 0: keep all",
        range=(0, 1e10),
    ),
    Key(
        "journal.projects",
        "list",
        [],
        "projects whose events are kept otherwise, as in 'shop keep_s=2592000 keep_bytes=50000000000', within "
        "keep_bytes for all of them; 0: without limit",
    ),
    Key(
        "parquet.enabled",
        "boolean",
        False,
        "compact the journal's sealed segments to Parquet files in data_dir/parquet, too (extra `parquet`)",
    ),
    Key(
        "parquet.keep_s",
        "number",
        0.0,
        "remove Parquet files that were made longer ago than this; 0: keep all",
        range=(0, 1e10),
    ),
    Key("receipts.keys_file", "text", "", "a file with a project and its key a line, to check labels' receipts with"),
    Key(
        "quota.events_per_s",
        "number",
        0.0,
        "events a second that each project may send on average; above it, requests shall come again; 0: any number",
        range=(0, 1e12),
    ),
    Key(
        "quota.bytes_per_s",
        "number",
        0.0,
        "bytes of events a second, alike, after gzip; 0: any number",
        range=(0, 1e15),
    ),
    Key(
        "quota.disk_bytes",
        "integer",
        0,
        "bytes of the journal that each project may hold; above it, requests shall come again; 0: any number",
        range=(0, 1 << 60),
    ),
    Key(
        "quota.series",
        "integer",
        0,
        "series that each project's model versions may have; above it, new versions are refused; 0: any number",
        range=(0, 1 << 40),
    ),
    Key(
        "quota.projects",
        "list",
        [],
        "projects and what of their quota is their own, as in 'shop events=5000 bytes=20000000 disk=10000000000 "
        "series=500'; 0: any number",
    ),
    Key("windows.length_s", "number", 3600.0, "length of a window of event time", range=(10, 2_678_400)),
    Key("windows.utc_offset_s", "number", 0.0, "where a day begins, east of UTC", range=(-50_400, 50_400)),
    Key(
        "windows.lateness_s",
        "number",
        600.0,
        "how long a window waits for late rows before it closes",
        range=(0, 2_678_400),
    ),
    Key(
        "windows.label_wait_s",
        "number",
        86_400.0,
        "how long quality waits for labels after a window's end",
        range=(0, 31_622_400),
    ),
    Key(
        "windows.past_s",
        "number",
        604_800.0,
        "predictions further behind the stream's watermark are counted and in no window",
        range=(0, 1e10),
    ),
    Key(
        "windows.future_s",
        "number",
        600.0,
        "windows that begin further ahead of the watermark are on trial until the stream confirms them",
        range=(0, 1e10),
    ),
    Key(
        "text.prices",
        "list",
        [],
        "what a million tokens cost, 'PROJECT/MODEL INPUT OUTPUT' a model, as in 'shop/chat 3 15'",
    ),
    Key("windows.keep", "integer", 400, "closed windows kept for each model", range=(10, 100_000)),
    Key(
        "metrics.series_per_model",
        "integer",
        500,
        "series of a model version on /metrics; what is beyond is left out or added up, and counted",
        range=(50, 100_000),
    ),
    Key(
        "metrics.series_per_project",
        "integer",
        2_000,
        "series of a project on /metrics; what is beyond is left out or added up, and counted",
        range=(50, 10_000_000),
    ),
    Key(
        "remote_write.url",
        "text",
        "",
        "a remote write receiver that gets what is on /metrics: a Prometheus' /api/v1/write, Mimir, Thanos",
    ),
    Key("remote_write.version", "text", "1.0", "version of the protocol", range=("1.0", "2.0")),
    *_receiver("remote_write"),
    Key(
        "otlp.url",
        "text",
        "",
        "an OTLP receiver that gets what is on /metrics, in JSON: a Prometheus' /api/v1/otlp/v1/metrics, a "
        "Collector's /v1/metrics",
    ),
    *_receiver("otlp"),
    Key("drift.min_rows", "integer", 200, "a window with fewer rows is not judged", range=(1, 1_000_000)),
    Key(
        "drift.policy",
        "text",
        "calibrated",
        "who decides that a feature drifts: evidence added up over the windows at a stated rate of false alarms, where "
        "the reference has enough of them; or each window by itself against thresholds",
        range=("calibrated", "threshold"),
    ),
    Key(
        "quality.floors",
        "list",
        [],
        "the least that a score should be (the most, where less is better), 'PROJECT MODEL SCORE VALUE' each, as in "
        "'shop credit auc 0.7'; two windows in a row that are surely beyond alarm",
    ),
    Key(
        "quality.costs",
        "list",
        [],
        "what a mistake costs in money, 'PROJECT MODEL LABEL PREDICTED COST' each, as in 'shop credit bad good 1200'; "
        "a class of several words in quotes",
    ),
    Key(
        "alerting.targets_file",
        "text",
        "",
        "a file with one Apprise URL a line (webhook, chat, mail); it holds secrets",
    ),
    Key(
        "alerting.judge",
        "text",
        "collector",
        "who judges alerts and sends their messages: the collector itself, Prometheus' rules with Alertmanager, or "
        "Grafana's rules; the others' messages come through /v1/notifications and read the same",
        range=("collector", "prometheus", "grafana"),
    ),
    Key("alerting.page_url", "text", "", "the page's address as people reach it, for links in messages; empty: listen"),
    Key("prometheus.url", "text", "", "the Prometheus that scrapes tocsin: its state is shown, rules are reloaded"),
    Key("prometheus.targets_file", "text", "", "written for Prometheus' file_sd_configs: collector and agents"),
    Key("prometheus.rules_dir", "text", "", "a folder of Prometheus' rule_files, for `tocsin provision`"),
    Key("prometheus.token_file", "text", "", "a file with the bearer token that Prometheus asks for"),
    Key("prometheus.username", "text", "", "a user of Prometheus' web.yml, in place of a token"),
    Key("prometheus.password_file", "text", "", "a file with that user's password"),
    Key(
        "prometheus.ca_file", "text", "", "PEM file with the authority of Prometheus' certificate; empty: the system's"
    ),
    Key("alertmanager.url", "text", "", "the Alertmanager that Prometheus' rules go to: its state is shown"),
    Key("alertmanager.token_file", "text", "", "a file with the bearer token that Alertmanager asks for"),
    Key("alertmanager.username", "text", "", "a user of Alertmanager's web.yml, in place of a token"),
    Key("alertmanager.password_file", "text", "", "a file with that user's password"),
    Key(
        "alertmanager.ca_file",
        "text",
        "",
        "PEM file with the authority of Alertmanager's certificate; empty: the system's",
    ),
    Key("grafana.url", "text", "", "the Grafana that `tocsin provision` fills: its state is shown"),
    Key("grafana.token_file", "text", "", "a file with the token of a service account of Grafana"),
    Key("grafana.username", "text", "", "a user of Grafana, in place of a token"),
    Key("grafana.password_file", "text", "", "a file with that user's password"),
    Key("grafana.ca_file", "text", "", "PEM file with the authority of Grafana's certificate; empty: the system's"),
    Key("grafana.public_url", "text", "", "Grafana's address as people reach it, for links; empty: grafana.url"),
    Key("elasticsearch.urls", "list", [], "nodes of the Elasticsearch that keeps the logs; none: the embedded store"),
    Key("elasticsearch.namespace", "text", "default", "last part of the names of the data streams"),
    Key("elasticsearch.api_key_file", "text", "", "a file with an API key, encoded as Elasticsearch gives it"),
    Key("elasticsearch.username", "text", "", "a user of Elasticsearch, in place of an API key"),
    Key("elasticsearch.password_file", "text", "", "a file with that user's password"),
    Key("elasticsearch.ca_file", "text", "", "PEM file with the authority of its certificate; empty: the system's"),
    Key(
        "logs.keep_records",
        "integer",
        1_000_000,
        "log records kept in the embedded store",
        range=(1_000, 1_000_000_000),
    ),
    Key(
        "reports.python",
        "text",
        "",
        "a Python that has the extra `reports`; empty: this one",
        env="TOCSIN_REPORTS_PYTHON",
    ),
    Key(
        "reports.schedule",
        "list",
        [],
        "reports that are made by themselves, 'PROJECT MODEL every=day|week at=HH:MM by=tocsin|evidently "
        "reference=NAME' each, as in 'shop credit every=day at=06:00'; * is any; at is local time after the day's or "
        "the week's end (Monday), midnight without it",
    ),
    Key("reports.dir", "text", "", "the folder that takes them; empty: reports in data_dir"),
    Key(
        "reports.keep",
        "integer",
        60,
        "how many of a line and a model version are kept, the newest",
        range=(1, 10_000),
    ),
    Key(
        "reports.keep_s",
        "number",
        7_776_000.0,
        "reports made longer ago are deleted, but the newest",
        range=(3_600, 1e10),
    ),
)
