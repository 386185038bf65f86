"""The events of one model version: what waits, and how it becomes blocks."""

from tocsin_agent.capture.rows import Waiting, rows_of, split, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_agent.capture.counts import Counts
    from tocsin_agent.capture.outbox import Outbox
    from tocsin_agent.capture.rows import Table
    from tocsin_schema.block import Column

TYPES = ("prediction", "label", "outcome")
MAX_BLOCK_ROWS = 8_192
MAX_BLOCK_BYTES = 4 << 20
"""A larger block is split while it has more than one row; agent and collector take 16 MiB."""


class Events:
    """Events of one model version of one project in this process."""

    __slots__ = ("_builders", "model", "project", "version", "waiting")

    def __init__(self, project: str, model: str, version: str) -> None:
        self.project = project
        self.model = model
        self.version = version
        self.reset()

    def reset(self) -> None:
        """Forget everything; after a fork the parent sends what was there."""
        self.waiting = {type: Waiting() for type in TYPES}
        self._builders: dict[str, Callable[[Table], dict[str, Column]]] = {}

    def send(self, outbox: "Outbox", counts: "Counts", rest: "Callable[[], None]", *, all_: bool) -> None:
        """Put what has ripened (or all) into the outbox as blocks. Whatever fails costs its own rows, counted."""
        from tocsin_agent.capture.vectors import apart

        for type, waiting in self.waiting.items():
            items = waiting.take(all_=all_)
            given = rows_of(items)
            if not given:
                continue
            sent = 0
            try:
                for part in apart(table(items)):
                    for piece in split(part, MAX_BLOCK_ROWS):
                        sent += self._put(type, piece, outbox, counts, rest)
            finally:
                counts.add("rows", type, sent)
                counts.add("rows_dropped", "invalid", given - sent)

    def _put(self, type: str, piece: "Table", outbox: "Outbox", counts: "Counts", rest: "Callable[[], None]") -> int:
        from tocsin_agent.capture.columns import Builder
        from tocsin_schema.block import Block, encode

        rows = piece[0]
        builder = self._builders.get(type)
        if builder is None:
            altered = lambda reason: counts.add("columns_altered", reason)  # noqa: E731 - a def would hide the line
            builder = self._builders[type] = Builder(altered, rest).build
        body = encode(
            Block(
                type,
                project=self.project,
                model=self.model,
                version=self.version,
                rows=rows,
                producer=outbox.producer,
                sequence=outbox.number(),
                columns=builder(piece),
            )
        )
        if len(body) > MAX_BLOCK_BYTES and rows > 1:
            return sum([self._put(type, half, outbox, counts, rest) for half in split(piece, -(-rows // 2))])
        outbox.put(body, rows)
        return rows
