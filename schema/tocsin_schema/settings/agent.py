"""The keys of the agent's configuration file."""

from tocsin_schema.config import Key
from tocsin_schema.ports import AGENT_LISTEN

SAMPLING_HZ = Key(
    "sampling.hz",
    "number",
    0.0,
    "times a second that host and GPUs are looked at, always; 0: the host 10 times while tasks wait, and of GPUs what "
    "their driver keeps",
    env="TOCSIN_AGENT_SAMPLE_HZ",
    range=(0, 10),
)

AGENT = (
    Key(
        "listen", "text", AGENT_LISTEN, "address and port of /metrics and of the event relay", env="TOCSIN_AGENT_LISTEN"
    ),
    Key(
        "web_config_file",
        "text",
        "",
        "web.yml with TLS, client certificates and passwords, as node_exporter takes it; empty: none",
        env="TOCSIN_AGENT_WEB_CONFIG_FILE",
    ),
    Key(
        "runtime_dir", "text", "", "where serving processes leave their metrics; empty: none", env="TOCSIN_RUNTIME_DIR"
    ),
    Key(
        "collector",
        "text",
        "",
        "the collector's address, http://host:port; events and logs go there",
        env="TOCSIN_COLLECTOR",
    ),
    Key(
        "collector_ca_file",
        "text",
        "",
        "PEM file with the authority of the collector's certificate; empty: the system's",
        env="TOCSIN_COLLECTOR_CA_FILE",
    ),
    Key(
        "collector_cert_file",
        "text",
        "",
        "PEM file with the client certificate, and its key, that the collector asks for; empty: none",
        env="TOCSIN_COLLECTOR_CERT_FILE",
    ),
    Key(
        "collector_token_file",
        "text",
        "",
        "a file with a key of `tocsin keys make`; a serving process that sends its own goes before it; empty: none",
        env="TOCSIN_COLLECTOR_TOKEN_FILE",
    ),
    Key(
        "host",
        "text",
        "",
        "this host's name in node_uname_info and in log records, for a container that has another; empty: the kernel's",
        env="TOCSIN_AGENT_HOST",
    ),
    Key("state_dir", "text", "", "where log positions are kept; empty: $XDG_STATE_HOME/tocsin-agent"),
    Key(
        "sources",
        "list",
        [],
        "sources to run, and no other; empty: those that `tocsin-agent list` shows as on by default",
        env="TOCSIN_AGENT_SOURCES",
    ),
    Key(
        "profile",
        "text",
        "full",
        "what a host tells: all that node_exporter does, or some 250 series, however many CPUs and devices it has",
        range=("full", "summary"),
        env="TOCSIN_AGENT_PROFILE",
    ),
    Key(
        "textfile",
        "list",
        [],
        "folders, as paths or glob patterns, whose *.prom files the source `textfile` shows",
        env="TOCSIN_AGENT_TEXTFILE",
    ),
    Key("procfs", "text", "/proc", "where procfs is mounted", env="TOCSIN_AGENT_PROCFS"),
    Key("sysfs", "text", "/sys", "where sysfs is mounted", env="TOCSIN_AGENT_SYSFS"),
    Key("rootfs", "text", "/", "where the host's root is mounted", env="TOCSIN_AGENT_ROOTFS"),
    Key("udev_data", "text", "/run/udev/data", "where udev keeps its records", env="TOCSIN_AGENT_UDEV_DATA"),
    Key(
        "kmsg",
        "text",
        "/dev/kmsg",
        "the kernel's log, read for XIDs on hosts with a GPU; empty: not read",
        env="TOCSIN_AGENT_KMSG",
    ),
    Key("gpu.enabled", "boolean", True, "look for NVIDIA GPUs through NVML", env="TOCSIN_AGENT_GPU"),
    Key("gpu.interval_s", "number", 1.0, "seconds between two samples of a GPU", range=(0.1, 60)),
    SAMPLING_HZ,
    Key("logs.files", "list", [], "log files to tail, as glob patterns", env="TOCSIN_AGENT_LOGS"),
    Key("logs.dataset", "text", "app", "event.dataset of the records"),
    Key("logs.namespace", "text", "default", "data_stream.namespace of the records"),
    Key("logs.service", "text", "", "service.name of the records; empty: none"),
)
