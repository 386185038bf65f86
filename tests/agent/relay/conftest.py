import pytest

from tests.agent.sink import Sink


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()
