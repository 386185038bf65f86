"""What all tests share: how hypothesis draws, and that the longest tests start first."""

import pytest
from hypothesis import settings

# A loaded machine is slow, not wrong: no example has a deadline. Nothing is left behind either: no database.
settings.register_profile("tocsin", deadline=None, max_examples=60, database=None)
settings.load_profile("tocsin")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start what takes longest first, whatever order is drawn: it runs beside all the others then."""
    items.sort(key=lambda item: -_limit_s(item))


def _limit_s(item: pytest.Item) -> float:
    own = item.get_closest_marker("timeout")
    return float(own.args[0]) if own and own.args else 0.0
