"""Each NFS mount, its traffic and its operations, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

MOUNTS, OPERATIONS = 1024, 128
_MOUNT = {"export": MOUNTS, "protocol": 8, "mountaddr": MOUNTS}


def _metric(name: str, help: str, unit: str = "", labels: dict[str, int] | None = None, type: str = COUNTER) -> Metric:
    return Metric(f"node_mountstats_nfs_{name}", type, unit, help, emitter="agent", labels=_MOUNT | (labels or {}))


AGE = _metric("age_seconds_total", "The age of the NFS mount in seconds.", "seconds")
INFO = _metric("mountpoint_info", "Info metric for an NFS mountpoint.", labels={"mountpoint": MOUNTS}, type=GAUGE)

BYTES = (
    _metric("read_bytes_total", "Number of bytes read using the read() syscall.", "bytes"),
    _metric("write_bytes_total", "Number of bytes written using the write() syscall.", "bytes"),
    _metric("direct_read_bytes_total", "Number of bytes read using the read() syscall in O_DIRECT mode.", "bytes"),
    _metric("direct_write_bytes_total", "Number of bytes written using the write() syscall in O_DIRECT mode.", "bytes"),
    _metric("total_read_bytes_total", "Number of bytes read from the NFS server, in total.", "bytes"),
    _metric("total_write_bytes_total", "Number of bytes written to the NFS server, in total.", "bytes"),
    _metric("read_pages_total", "Number of pages read directly via mmap()'d files."),
    _metric("write_pages_total", "Number of pages written directly via mmap()'d files."),
)
"""In the order of the line `bytes`."""


def _transport(name: str, help: str, unit: str = "", type: str = COUNTER) -> Metric:
    return _metric(f"transport_{name}", help, unit, {"transport": 64}, type)


TRANSPORT = (
    _transport("bind_total", "Number of times the client established a connection from scratch."),
    _transport("connect_total", "Number of times the client made a TCP connection."),
    _transport("idle_time_seconds", "Time since the mount last saw any RPC traffic, in seconds.", "seconds", GAUGE),
    _transport("sends_total", "Number of RPC requests sent."),
    _transport("receives_total", "Number of RPC responses received."),
    _transport("bad_transaction_ids_total", "Number of responses that belong to no request."),
    _transport("backlog_queue_total", "Total number of items added to the RPC backlog queue."),
    _transport("maximum_rpc_slots", "The most RPC requests that were ever under way at once.", type=GAUGE),
    _transport("sending_queue_total", "Total number of items added to the sending queue."),
    _transport("pending_queue_total", "Total number of items added to the pending queue."),
)
"""In the order of the line `xprt`, without its port, its idle connections and the sum of its requests under way."""

_EVENTS = """
inode_revalidate dnode_revalidate data_invalidate attribute_invalidate vfs_open vfs_lookup vfs_access vfs_update_page
vfs_read_page vfs_read_pages vfs_write_page vfs_write_pages vfs_getdents vfs_setattr vfs_flush vfs_fsync vfs_lock
vfs_file_release - truncation write_extension silly_rename short_read short_write jukebox_delay pnfs_read pnfs_write
"""
EVENTS = tuple(
    None if name == "-" else _metric(f"event_{name}_total", f"Number of events of the kind {name.replace('_', ' ')}.")
    for name in _EVENTS.split()
)
"""In the order of the line `events`; what it has there of congestion has not been counted for long."""


def _operation(name: str, help: str, unit: str = "") -> Metric:
    return _metric(f"operations_{name}_total", help, unit, {"operation": OPERATIONS})


OPERATION = (
    _operation("requests", "Number of requests performed for a given operation."),
    _operation("transmissions", "Number of times a request was transmitted for a given operation."),
    _operation("major_timeouts", "Number of times a request has had a major timeout for a given operation."),
    _operation("sent_bytes", "Number of bytes sent for a given operation, with RPC headers.", "bytes"),
    _operation("received_bytes", "Number of bytes received for a given operation, with RPC headers.", "bytes"),
    _operation("queue_time_seconds", "Time that requests of a given operation waited to be sent.", "seconds"),
    _operation("response_time_seconds", "Time from sending to the reply for a given operation.", "seconds"),
    _operation("request_time_seconds", "Time from queueing to the end for a given operation.", "seconds"),
    _operation("errors", "Number of errors for a given operation"),
)
"""In the order of a line of the statistics by operation."""

METRICS = (AGE, INFO, *BYTES, *TRANSPORT, *(metric for metric in EVENTS if metric), *OPERATION)
