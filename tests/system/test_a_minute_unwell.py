"""All servers slow, or answering 500, for a minute."""

from collections.abc import Iterator

import pytest

from tests.system import minute

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(420),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Apprise's, about itself (imghdr)
]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[minute.Everything]:
    with minute.everything(tmp_path_factory.mktemp("away")) as started:
        yield started


@pytest.mark.parametrize("kind", ["slow", "answering 500"])
def test_a_minute_unwell_loses_nothing_and_doubles_nothing(everything: minute.Everything, kind: str) -> None:
    minute.a_minute_away(everything, kind)
