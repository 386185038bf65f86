"""What the demo's flights have not: a model that answers in texts, and a project that is over its quota.

The model's days are those of the demo's collector; its reference is long enough for evidence to be added up. In the
last ones its answers refuse, and its questions grow beyond a rule.
"""

import contextlib
import json
import random
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

DAYS, ROWS = 172, 30
LIVE_DAYS, LIVE_ROWS = 5, 240
_FIRST = datetime(2012, 3, 1, 17, tzinfo=UTC)  # noon in New York
_NAME = "shop/assistant"
QUOTA = {"TOCSIN_QUOTA_PROJECTS": "trial events=1 series=500"}
_RULES = '[[rule]]\ncolumn = "feature.tokens_in"\nbetween = [0, 60]\n'
_JSON = "application/json"
_TEXT = "your parcel left the store on monday and will be with you by the end of this week"


def plant(page: str) -> None:
    """Give the collector of a page the reference, the rules and the days, and one event too many."""
    event = {"type": "prediction", "project": "trial", "model": "m", "prediction": 1}
    with contextlib.suppress(urllib.error.HTTPError):
        for number in range(9):
            _ask(page, "POST", "/v1/events", json.dumps([event | {"id": f"{number}-{row}"} for row in range(9)]), _JSON)
    rng = random.Random(5)
    _ask(page, "PUT", f"/v1/references/{_NAME}", _reference(rng), "text/csv")
    _ask(page, "PUT", f"/v1/constraints/{_NAME}", _RULES, "application/toml")
    for day in range(DAYS, DAYS + LIVE_DAYS):
        rows = [_row(rng, day, row, changed=True) for row in range(LIVE_ROWS)]
        for start in range(0, LIVE_ROWS, 8):
            _ask(page, "POST", "/v1/events", json.dumps(rows[start : start + 8]), _JSON)


def _row(rng: random.Random, day: int, row: int, *, changed: bool) -> dict[str, Any]:
    answer = f"Order {rng.randrange(10**6)}: {' '.join(rng.choices(_TEXT.split(), k=rng.randint(8, 20)))}."
    refuses = changed and rng.random() < 0.5
    return {
        "type": "prediction",
        "project": "shop",
        "model": "assistant",
        "id": f"{day}-{row}",
        "time": (_FIRST + timedelta(days=day, seconds=row)).isoformat(),
        "features": {"tokens_in": rng.randint(20, 50) + 40 * changed},
        "prediction": "I'm sorry, but I can't help with that." if refuses else answer,
    }


def _reference(rng: random.Random) -> str:
    rows = [_row(rng, day, row, changed=False) for day in range(DAYS) for row in range(ROWS)]
    lines = [f'{row["time"]},{row["id"]},{row["features"]["tokens_in"]},"{row["prediction"]}"' for row in rows]
    return "\n".join(["time,id,feature.tokens_in,prediction", *lines, ""])


def _ask(page: str, method: str, path: str, body: str, media_type: str) -> None:
    request = urllib.request.Request(
        page.rstrip("/") + path, body.encode(), {"content-type": media_type}, method=method
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()
