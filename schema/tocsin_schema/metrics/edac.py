"""Memory errors that the memory controllers found, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, Metric

_CONTROLLER = {"controller": 64}
_ROW = {"controller": 64, "csrow": 64}


def _errors(name: str, help: str, labels: dict[str, int]) -> Metric:
    return Metric(f"node_edac_{name}_errors_total", COUNTER, "", help, emitter="agent", labels=labels)


CORRECTABLE = _errors("correctable", "Total correctable memory errors.", _CONTROLLER)
UNCORRECTABLE = _errors("uncorrectable", "Total uncorrectable memory errors.", _CONTROLLER)
ROW_CORRECTABLE = _errors("csrow_correctable", "Total correctable memory errors for this csrow.", _ROW)
ROW_UNCORRECTABLE = _errors("csrow_uncorrectable", "Total uncorrectable memory errors for this csrow.", _ROW)

METRICS = (CORRECTABLE, UNCORRECTABLE, ROW_CORRECTABLE, ROW_UNCORRECTABLE)
