"""The kinds of segment files that there are, by the name that the setting `journal.store` has for them."""

from tocsin_collector.journal.database import Databases
from tocsin_collector.journal.plainfile import PlainFiles
from tocsin_collector.journal.segment import Name, Store

STORES: dict[str, Store] = {"segments": PlainFiles(), "sqlite": Databases()}
_BY_ENDING = {".journal": STORES["segments"], ".sqlite": STORES["sqlite"]}


def store_of(name: Name) -> Store:
    """The kind that a segment is of."""
    return _BY_ENDING[name.path.suffix]
