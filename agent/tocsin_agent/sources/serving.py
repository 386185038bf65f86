"""Serving processes: what their workers leave in ``runtime_dir`` (``tocsin_agent.capture``), dead ones included."""

from tocsin_schema.metrics import capture, inference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values


class Serving:
    """``tocsin_inference_*`` and ``tocsin_capture_*``; nothing while no ``runtime_dir`` is set."""

    METRICS = (*inference.METRICS, *capture.METRICS)

    def __init__(self, values: "Values") -> None:
        self._reader = None
        if values["runtime_dir"]:
            from tocsin_agent.capture.reader import Reader

            self._reader = Reader(str(values["runtime_dir"]))

    def read(self) -> bytes:
        """One pass over the files: about 0.6 ms with one worker."""
        if self._reader is None:
            return b""
        from tocsin_agent.capture.families import render

        return render(self._reader.read())

    def close(self) -> None:
        """Nothing is kept open."""


SOURCE = Serving
