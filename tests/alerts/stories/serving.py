"""Model servers. Series that begin with the fault have the right ratio from their second sample on."""

from tests.alerts.promtool import BEFORE, FIRES, RESOLVES, Check, Fires, Story
from tests.alerts.stories.telling import (
    AGENT,
    MODEL,
    TICK_S,
    Counter,
    Course,
    Kinds,
    named,
    silent,
    standard,
    told,
)

_NAME = "ServingErrorRatioHigh"
_TENTH = 6.0
"""A minute: a tenth of a request a second."""


def stories() -> list[Story]:
    """Those of the alert."""
    failed, ok = _requests("server_error"), _requests("ok")
    neighbours = ({"project": "lab"}, {"model": "fraud"}, {"version": "4"})
    busy = {_requests("ok", **other): Counter(1e4, 1e4) for other in neighbours}
    # Good are 1 and 19 a second: a twentieth to the last bit.
    bad, rest = Counter(61.2, 60.0), Counter(1_138.8, 1_140.0)
    ratio, whole = Fires(MODEL, 0.051), Fires(MODEL, 1.0)
    common = standard(_NAME, {failed: bad, ok: rest}, MODEL, Course(0.051, good=0, holds_after=1, lasts=5))
    # Without a request that went well all of them fail; a ratio that falls for minutes ends before the window does.
    told_below = [story for story in common if story.name not in ("fires, and ends", f"without {ok}")]
    return [
        *told_below,
        _story("fires, and ends", {failed: Counter(61.2, 0.0), ok: Counter(1_138.8, 1_200.0)},
               [Check(BEFORE, 150), Check(FIRES, 180, (ratio,)), Check(FIRES, 19 * TICK_S, (ratio,)),
                Check(RESOLVES, 21 * TICK_S)], "b" * 20 + "g" * 2),
        _story("all fail", {failed: bad}, [Check(BEFORE, 150), Check(FIRES, 180, (whole,))]),
        _story("other models are well", {failed: bad, ok: rest, **busy}, [Check(FIRES, 900, (ratio,))]),
        _story("hosts count together", {failed: bad, _requests("ok", instance="http://b:10300"): rest},
               [Check(FIRES, 900, (ratio,))]),
        silent(_NAME, "hardly any traffic", {failed: Counter(_TENTH, 0.0)}),
        _story("a little traffic", {failed: Counter(_TENTH * 1.05, 0.0)}, [Check(FIRES, 900, (whole,))]),
        silent(_NAME, "clients err", {_requests("client_error"): Counter(60.0, 0.0), ok: Counter(1.0, 0.0)}),
    ]  # fmt: skip


def _requests(outcome: str, **labels: str) -> str:
    return named("tocsin_inference_requests_total", {**MODEL, "outcome": outcome, **AGENT, **labels})


def _story(name: str, kinds: Kinds, checks: list[Check], states: str = "b" * 20) -> Story:
    return Story(_NAME, name, TICK_S, told(kinds, states), tuple(checks))
