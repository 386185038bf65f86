"""The metrics of a source that most hosts have nothing for: imported when somebody asks for them."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_schema.metric import Metric


class Later:
    """The ``METRICS`` of files of the catalogue, as a class attribute: ``METRICS = Later("hwmon")``.

    A hundred metrics cost every start 1 ms and 100 KiB. The source imports the file itself once it has found a device.
    """

    def __init__(self, *groups: str) -> None:
        self._groups = groups

    def __get__(self, instance: object, owner: type) -> "tuple[Metric, ...]":
        names = [f"tocsin_schema.metrics.{group}" for group in self._groups]
        return tuple([metric for name in names for metric in __import__(name, fromlist=["METRICS"]).METRICS])
