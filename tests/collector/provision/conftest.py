"""A Grafana that can be made to fail, and a configuration that names it."""

import pytest

from tests.collector.provision.double import double
from tests.collector.provision.shop import values

SECRET = "a-token-that-nobody-may-see"


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "token"
    path.write_text(SECRET + "\n")
    return str(path)


@pytest.fixture
def grafana():
    with double() as (state, url):
        state.url = url
        yield state


@pytest.fixture
def configuration(grafana, token):
    """Grafana judges, so that every kind of object is wanted."""
    return values(
        grafana__url=grafana.url, grafana__token_file=token, prometheus__url=grafana.url, alerting__judge="grafana"
    )
