"""InfiniBand and RoCE ports, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

DEVICES, PORTS = 256, 256
_PORT = {"device": DEVICES, "port": PORTS}

INFO = Metric(
    "node_infiniband_info",
    GAUGE,
    "",
    "Non-numeric data from /sys/class/infiniband/<device>, value is always 1.",
    emitter="agent",
    labels={"device": DEVICES, "board_id": DEVICES, "firmware_version": DEVICES, "hca_type": DEVICES},
)


def _gauge(name: str, help: str, unit: str = "") -> Metric:
    return Metric(f"node_infiniband_{name}", GAUGE, unit, help, emitter="agent", labels=_PORT)


def _counters(helps: dict[str, tuple[str, str]]) -> dict[str, Metric]:
    return {
        file: Metric(
            f"node_infiniband_{name}_total",
            COUNTER,
            "bytes" if name.endswith("bytes") else "",
            help,
            emitter="agent",
            labels=_PORT,
        )
        for file, (name, help) in helps.items()
    }


STATE = _gauge(
    "state_id", "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, 5: act defer)"
)
PHYSICAL_STATE = _gauge(
    "physical_state_id",
    "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, 4: shift, 5: link up, "
    "6: link error recover, 7: phytest)",
)
RATE = _gauge("rate_bytes_per_second", "Maximum signal transfer rate", "bytes")
LIFESPAN = _gauge("lifespan_seconds", "How long the device may repeat the values of its hardware counters.", "seconds")

COUNTERS = _counters(
    {
        "VL15_dropped": ("vl15_dropped", "Number of incoming VL15 packets dropped for lack of resources."),
        "excessive_buffer_overrun_errors": (
            "excessive_buffer_overrun_errors",
            "Number of times that buffers overran in consecutive flow control periods.",
        ),
        "link_downed": (
            "link_downed",
            "Number of times the link failed to recover from an error state and went down",
        ),
        "link_error_recovery": (
            "link_error_recovery",
            "Number of times the link successfully recovered from an error state",
        ),
        "local_link_integrity_errors": (
            "local_link_integrity_errors",
            "Number of times that local physical errors exceeded their threshold.",
        ),
        "multicast_rcv_packets": (
            "multicast_packets_received",
            "Number of multicast packets received (including errors)",
        ),
        "multicast_xmit_packets": (
            "multicast_packets_transmitted",
            "Number of multicast packets transmitted (including errors)",
        ),
        "port_rcv_constraint_errors": (
            "port_constraint_errors_received",
            "Number of packets received on the switch physical port that are discarded",
        ),
        "port_rcv_data": ("port_data_received_bytes", "Number of data octets received on all links"),
        "port_rcv_discards": (
            "port_discards_received",
            "Number of inbound packets discarded by the port because the port is down or congested",
        ),
        "port_rcv_errors": (
            "port_errors_received",
            "Number of packets containing an error that were received on this port",
        ),
        "port_rcv_packets": (
            "port_packets_received",
            "Number of packets received on all VLs by this port (including errors)",
        ),
        "port_rcv_remote_physical_errors": (
            "port_receive_remote_physical_errors",
            "Number of packets received that were marked bad on their way.",
        ),
        "port_rcv_switch_relay_errors": (
            "port_receive_switch_relay_errors",
            "Number of packets that the switch could not forward.",
        ),
        "port_xmit_constraint_errors": (
            "port_constraint_errors_transmitted",
            "Number of packets not transmitted from the switch physical port",
        ),
        "port_xmit_data": ("port_data_transmitted_bytes", "Number of data octets transmitted on all links"),
        "port_xmit_discards": (
            "port_discards_transmitted",
            "Number of outbound packets discarded by the port because the port is down or congested",
        ),
        "port_xmit_packets": (
            "port_packets_transmitted",
            "Number of packets transmitted on all VLs from this port (including errors)",
        ),
        "port_xmit_wait": (
            "port_transmit_wait",
            "Number of ticks during which the port had data to transmit but no data was sent during the entire tick",
        ),
        "symbol_error": ("symbol_error", "Number of minor link errors on the physical lanes."),
        "unicast_rcv_packets": ("unicast_packets_received", "Number of unicast packets received (including errors)"),
        "unicast_xmit_packets": (
            "unicast_packets_transmitted",
            "Number of unicast packets transmitted (including errors)",
        ),
    }
)
"""By the file in ``counters/``."""

LEGACY = _counters(
    {
        "port_multicast_rcv_packets": ("legacy_multicast_packets_received", "Number of multicast packets received"),
        "port_multicast_xmit_packets": (
            "legacy_multicast_packets_transmitted",
            "Number of multicast packets transmitted",
        ),
        "port_rcv_data_64": ("legacy_data_received_bytes", "Number of data octets received on all links"),
        "port_rcv_packets_64": ("legacy_packets_received", "Number of data packets received on all links"),
        "port_unicast_rcv_packets": ("legacy_unicast_packets_received", "Number of unicast packets received"),
        "port_unicast_xmit_packets": ("legacy_unicast_packets_transmitted", "Number of unicast packets transmitted"),
        "port_xmit_data_64": ("legacy_data_transmitted_bytes", "Number of data octets transmitted on all links"),
        "port_xmit_packets_64": ("legacy_packets_transmitted", "Number of data packets transmitted on all links"),
    }
)
"""By the file in ``counters_ext/``, which Linux had before 4.5."""

HARDWARE = _counters(
    {
        "duplicate_request": ("duplicate_requests_packets", "Number of requests received that were executed before."),
        "implied_nak_seq_err": ("implied_nak_seq_errors", "Number of acknowledgements that came out of sequence."),
        "local_ack_timeout_err": ("local_ack_timeout_errors", "Number of acknowledgements that came too late."),
        "np_cnp_sent": ("np_cnp_packets_sent", "Number of congestion notifications sent."),
        "np_ecn_marked_roce_packets": (
            "np_ecn_marked_roce_packets_received",
            "Number of RoCE packets received that were marked for congestion.",
        ),
        "out_of_buffer": ("out_of_buffer_drops", "Number of drops because no receive request was posted."),
        "out_of_sequence": (
            "out_of_sequence_packets_received",
            "Number of packets received out of sequence.",
        ),
        "packet_seq_err": ("packet_sequence_errors", "Number of sequence errors that the other side reported."),
        "req_cqe_error": ("req_cqes_errors", "Number of requests that completed with an error."),
        "req_cqe_flush_error": ("req_cqes_flush_errors", "Number of requests that completed as flushed."),
        "req_remote_access_errors": ("req_remote_access_errors", "Number of requests refused for their access."),
        "req_remote_invalid_request": (
            "req_remote_invalid_request_errors",
            "Number of requests refused as invalid.",
        ),
        "resp_cqe_error": ("resp_cqes_errors", "Number of responses that completed with an error."),
        "resp_cqe_flush_error": ("resp_cqes_flush_errors", "Number of responses that completed as flushed."),
        "resp_local_length_error": ("resp_local_length_errors", "Number of responses of a wrong length."),
        "resp_remote_access_errors": ("resp_remote_access_errors", "Number of responses refused for their access."),
        "rnr_nak_retry_err": (
            "rnr_nak_retry_packets_received",
            "Number of times that the receiver was not ready.",
        ),
        "roce_adp_retrans": ("roce_adp_retransmits", "Number of adaptive retransmissions."),
        "roce_adp_retrans_to": ("roce_adp_retransmits_timeout", "Number of adaptive retransmissions that timed out."),
        "roce_slow_restart": ("roce_slow_restart_used", "Number of times that slow restart was used."),
        "roce_slow_restart_cnps": (
            "roce_slow_restart_cnps",
            "Number of congestion notifications that slow restart sent.",
        ),
        "roce_slow_restart_trans": ("roce_slow_restart", "Number of times that slow restart was entered."),
        "rp_cnp_handled": ("rp_cnp_packets_handled", "Number of congestion notifications obeyed."),
        "rp_cnp_ignored": ("rp_cnp_ignored_packets_received", "Number of congestion notifications ignored."),
        "rx_atomic_requests": ("rx_atomic_requests", "Number of atomic requests received."),
        "rx_dct_connect": ("rx_dct_connect_requests", "Number of requests for a dynamic connection received."),
        "rx_icrc_encapsulated": ("rx_icrc_encapsulated_errors", "Number of RoCE packets received with a wrong CRC."),
        "rx_read_requests": ("rx_read_requests", "Number of read requests received."),
        "rx_write_requests": ("rx_write_requests", "Number of write requests received."),
    }
)
"""By the file in ``hw_counters/``."""

AGE = Metric(
    "tocsin_infiniband_age_seconds",
    GAUGE,
    "seconds",
    "How old what a device told is, when it is slow to tell it.",
    emitter="agent",
    labels={"device": DEVICES},
)

METRICS = (
    *(INFO, STATE, PHYSICAL_STATE, RATE, *COUNTERS.values(), *LEGACY.values(), LIFESPAN, *HARDWARE.values()),
    AGE,
)
