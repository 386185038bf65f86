"""The request parser against ten thousand odd inputs; `make fuzz` has a million, others each time."""

import pytest

from tests.agent.httpd.fuzz import fuzz


@pytest.mark.parametrize("seed", range(4))
def test_odd_requests_are_told_the_same_however_they_arrive_or_are_refused(seed):
    seen = fuzz(2_500, seed)
    assert seen[0] > 100
    assert {400, 411, 431, 505} <= set(seen)
