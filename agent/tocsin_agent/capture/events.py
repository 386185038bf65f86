"""The events of one model version: what waits, and how it becomes blocks."""

from tocsin_agent.capture.rows import Waiting, split, table
from tocsin_agent.capture.singles import COLUMNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tocsin_agent.capture.columns import Builder
    from tocsin_agent.capture.counts import Counts
    from tocsin_agent.capture.outbox import Outbox
    from tocsin_agent.capture.rows import Batch, Table

    Encoded = list[tuple[bytes, int]]
    """Blocks, each with the number of its rows."""

MAX_BLOCK_ROWS = 4_096
MAX_BLOCK_BYTES = 1_000_000
"""A larger block is split while it has more than one row. Agent and collector take 16 MiB, but a proxy before them need
not: nginx takes 1 MiB unless told otherwise."""


class Events:
    """Events of one model version of one project in this process. ``waiting`` has those of each type."""

    __slots__ = ("_builders", "model", "project", "version", "waiting")

    def __init__(self, project: str, model: str, version: str) -> None:
        self.project = project
        self.model = model
        self.version = version
        self.waiting = {type: Waiting(type) for type in COLUMNS}
        self.reset()

    def reset(self) -> None:
        """Forget everything; after a fork the parent sends what was there."""
        for waiting in self.waiting.values():
            waiting.reset()
        self._builders: dict[str, Builder] = {}

    def send(
        self,
        outbox: "Outbox",
        counts: "Counts",
        rest: "Callable[[], None]",
        fault: "Callable[[Exception], None]",
        *,
        all_: bool,
    ) -> None:
        """Put what has ripened (or all) into the outbox as blocks. What fails costs its own rows, counted and told."""
        from tocsin_agent.capture.columns import Builder

        for type, waiting in self.waiting.items():
            values, batches = waiting.take(all_=all_)
            if not values and not batches:
                continue
            if type not in self._builders:
                self._builders[type] = Builder(lambda reason: counts.add("columns_altered", reason), rest)
            step = MAX_BLOCK_ROWS * waiting.width
            # A block's worth at a time, so that no single step keeps the interpreter lock for long.
            for at in range(0, max(len(values), 1), step):
                for given, blocks in self._blocks(type, values[at : at + step], batches, outbox, fault):
                    sent = sum(rows for _, rows in blocks)
                    for body, rows in blocks:
                        outbox.put(body, rows)
                    counts.add("rows", type, sent)
                    counts.add("rows_dropped", "invalid", given - sent)
                batches = []
                rest()

    def _blocks(
        self,
        type: str,
        values: "list[Any]",
        batches: "list[Batch]",
        outbox: "Outbox",
        fault: "Callable[[Exception], None]",
    ) -> "Iterator[tuple[int, Encoded]]":
        """How many rows there were, and their blocks. Where all together fail, each half is tried, down to the row or
        the batch that is to blame: its values or their names are objects whose own methods fail."""
        width = self.waiting[type].width
        singles = len(values) // width
        given = singles + sum(batch.rows for batch in batches)
        try:
            whole = table(type, values, batches)
            blocks = [block for piece in split(whole, MAX_BLOCK_ROWS) for block in self._encoded(type, piece, outbox)]
        except Exception as error:
            if singles + len(batches) > 1:
                at = -(-singles // 2) * width
                half = 0 if values else len(batches) // 2
                yield from self._blocks(type, values[:at], batches[:half], outbox, fault)
                yield from self._blocks(type, values[at:], batches[half:], outbox, fault)
                return
            blocks = []
            fault(error)
        else:
            if whole[0] < given:
                wanted = "a time in epoch seconds or a datetime" + (", and a number" if type == "outcome" else "")
                fault(ValueError(f"{type}: {given - whole[0]} of {given} rows left out; {wanted} is needed"))
        yield given, blocks

    def _encoded(self, type: str, piece: "Table", outbox: "Outbox") -> "Encoded":
        from tocsin_schema.block import Block, encode

        rows, found = piece[0], []
        for count, columns in self._builders[type].build(piece):
            block = Block(
                type,
                project=self.project,
                model=self.model,
                version=self.version,
                rows=count,
                producer=outbox.producer,
                sequence=outbox.number(),
                columns=columns,
            )
            found.append((encode(block), count))
        parts = -(-max([len(body) for body, _ in found], default=0) // MAX_BLOCK_BYTES)
        if rows > 1 and parts > 1:
            return [block for part in split(piece, -(-rows // parts)) for block in self._encoded(type, part, outbox)]
        return found
