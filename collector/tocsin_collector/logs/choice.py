"""Which log store the settings choose."""

import os
from typing import Any

from tocsin_collector.logs.contract import Logs
from tocsin_collector.logs.store import LogStore


def open_logs(values: dict[str, Any]) -> Logs:
    """Elasticsearch when it is configured, else the embedded store. Raises StoreError; Unusable when that cannot be."""
    folder = os.path.join(values["data_dir"], "logs")
    if not values["elasticsearch.urls"]:
        return LogStore(folder, values["logs.keep_records"])
    # The client takes a second and 25 MiB to import.
    from tocsin_collector.logs.elasticsearch import Access, ElasticsearchStore

    access = Access(
        tuple(values["elasticsearch.urls"]),
        api_key_file=values["elasticsearch.api_key_file"],
        username=values["elasticsearch.username"],
        password_file=values["elasticsearch.password_file"],
        ca_file=values["elasticsearch.ca_file"],
    )
    return ElasticsearchStore(access, values["elasticsearch.namespace"], folder)
