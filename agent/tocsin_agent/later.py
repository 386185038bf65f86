"""The metrics of a source that most hosts have nothing for: imported when somebody asks for them."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_schema.metric import Metric


class Later:
    """The ``METRICS`` of a file of the catalogue, as a class attribute: ``METRICS = Later("hwmon")``.

    A hundred metrics cost every start 1 ms and 100 KiB. The source imports the file itself once it has found a device.
    """

    def __init__(self, group: str) -> None:
        self._group = group

    def __get__(self, instance: object, owner: type) -> "tuple[Metric, ...]":
        module = __import__(f"tocsin_schema.metrics.{self._group}", fromlist=["METRICS"])
        return tuple(module.METRICS)
