"""What the tests that compare with node_exporter share."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tocsin_agent import listing
from tocsin_agent.settings import SOURCES


@pytest.fixture
def read_here(series):
    """Read a source over a configuration: the families' types, and the series without those that are ours alone."""

    def read(name: str, values: dict[str, object]):
        source = listing.module(SOURCES, name).SOURCE(values)
        try:
            text = source.read()
        finally:
            source.close()
        types = {family.name: family.type for family in text_string_to_metric_families(text.decode())}
        return types, {key: value for key, value in plain(series(text)).items() if not key[0].startswith("tocsin_")}

    return read


def plain(found):
    """With empty labels left out, as Prometheus leaves them out."""
    return {(name, frozenset((k, v) for k, v in labels if v)): value for (name, labels), value in found.items()}
