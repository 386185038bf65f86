"""Some documents on their way: sent again until each is there, found to be there, or in the dead letter.

What becomes of a document:
1. stored, or a duplicate (it was there): done;
2. the server could not take it now (429, 5xx, no answer, a wrong key): again after a pause, while its sender waits;
3. refused for good: repaired and sent again; refused again: a dead letter; that refused too: into a file of our own.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tocsin_collector.logs.elasticsearch.answer import AGAIN, REFUSED, STORED, Garbled, Outcome, read
from tocsin_collector.logs.elasticsearch.connection import Connection, Trouble
from tocsin_collector.logs.elasticsearch.deadfile import DeadFile
from tocsin_collector.logs.elasticsearch.document import as_it_is, dead_letter, repaired
from tocsin_collector.logs.elasticsearch.rollover import Rollover
from tocsin_collector.logs.elasticsearch.stream import Stream
from tocsin_collector.logs.elasticsearch.templates import Templates
from tocsin_collector.logs.record import Record

_AS_IT_IS, _REPAIRED, _DEAD = range(3)
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Document:
    """A record on its way: in which form it is sent, and the lines of that form."""

    record: Record
    id: str
    stream: Stream
    order: int
    lines: str
    form: int = _AS_IT_IS
    target: Stream | None = None
    sends: int = 0
    """How often its lines were sent; 0 again in each new form."""
    outcome: str = ""

    @classmethod
    def of(cls, record: Record, id_: str, stream: Stream, order: int) -> "Document":
        """A record that was not sent yet."""
        return cls(record, id_, stream, order, as_it_is(record, id_, stream, order))

    @property
    def written_to(self) -> Stream:
        """The data stream that its lines name."""
        return self.target or self.stream


class Shipping:
    """What all shipments share: the connection, the templates, the last places, the counts."""

    def __init__(
        self,
        connection: Connection,
        templates: Templates,
        file: DeadFile,
        rollover: Rollover,
        count: Callable[[Mapping[str, int]], None],
    ) -> None:
        self._connection = connection
        self._templates = templates
        self._file = file
        self._rollover = rollover
        self._count = count
        self._told: set[str] = set()

    def attempt(self, documents: Sequence[Document], timeout_s: float, now_us: int) -> tuple[list[Document], str]:
        """Send the documents once. Returns those that must be sent again after a pause, and why.

        A document that is done has its ``outcome``; one that took another form is sent in it at once. Raises Trouble
        when nothing is known of any of them.
        """
        late: list[Document] = []
        reasons: Counter[str] = Counter()
        done: Counter[str] = Counter()
        waiting = list(documents)
        while waiting:
            changed: list[Document] = []
            for document, outcome in zip(waiting, self._bulk(waiting, timeout_s), strict=True):
                if outcome.kind == AGAIN:
                    reasons[outcome.reason] += 1
                    late.append(document)
                elif outcome.kind == REFUSED:
                    try:
                        if self._worsen(document, outcome.reason, now_us):
                            changed.append(document)
                    except OSError as error:  # no room for the last place of all: this one's sender keeps it
                        reasons[f"{self._file.path}: {error.strerror}"] += 1
                        late.append(document)
                else:
                    done[_done(document, outcome.kind)] += 1
            self._count(done)
            done.clear()
            waiting = changed
        return late, max(reasons, key=reasons.__getitem__, default="")

    def _bulk(self, documents: Sequence[Document], timeout_s: float) -> list[Outcome]:
        for stream in {document.written_to for document in documents}:
            self._templates.ensure(stream)
        again = sum(document.sends > 0 for document in documents)
        body = "".join([document.lines for document in documents]).encode()
        if again:
            self._count({"retried": again})
        for document in documents:
            document.sends += 1
        try:
            outcomes = read(self._connection.bulk(body, timeout_s), len(documents))
        except Garbled as error:
            raise Trouble(f"{self._connection.access.shown} {error}", 200) from None
        except Trouble as error:
            if error.status != 413:
                raise
            if len(documents) == 1:
                return [Outcome(REFUSED, str(error))]
            half = len(documents) // 2
            return self._bulk(documents[:half], timeout_s) + self._bulk(documents[half:], timeout_s)
        return self._rollover.undo_doubles(documents, outcomes)

    def _worsen(self, document: Document, reason: str, now_us: int) -> bool:
        """Give a refused document its next form; False when it has none and is done. Raises OSError."""
        where = (document.record, document.id, document.stream)
        document.sends = 0
        if document.form == _AS_IT_IS:
            document.form = _REPAIRED
            document.lines = repaired(*where, document.order)
            self._count({"repaired": 1})
            return True
        if document.form == _REPAIRED:
            document.form, document.target = _DEAD, self._templates.dead_letters
            document.lines = dead_letter(*where, document.target, document.order, reason, now_us)
            self._tell("dead_letter", document.stream, reason)
            return True
        self._into_file(document, reason)
        return False

    def _into_file(self, document: Document, reason: str) -> None:
        kept = self._file.keep(document.lines.partition("\n")[2].rstrip("\n"))
        document.outcome = STORED
        self._count({"dead_letter_file" if kept else "dropped": 1})
        self._tell("dead_letter_file" if kept else "dead_letter_dropped", document.stream, reason)

    def _tell(self, event: str, stream: Stream, reason: str) -> None:
        """One line for each kind of event and data stream; the counts and the dead letter have the rest."""
        key = f"{event} {stream.name}"
        if key not in self._told and len(self._told) < 1_000:
            self._told.add(key)
            _log.warning("elasticsearch_%s stream=%s reason=%s", event, stream.name, reason)


def _done(document: Document, kind: str) -> str:
    """Note what became of a document; its outcome in the metrics."""
    dead = document.form == _DEAD
    document.outcome = STORED if dead else kind
    return "dead_letter" if dead else kind
