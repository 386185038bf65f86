"""The traffic: flights in order of departure, asked of the model server at a compressed pace; labels as they land.

    python -m tocsin_demo.traffic --server http://127.0.0.1:8000

The pace is kept by the clock: what a stall left behind is made up for in larger requests. A label and the delay in
minutes go to tocsin when the flight's arrival has passed; a cancelled flight never gets one. At the last day it ends.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from tocsin_agent.capture import Capture
from tocsin_demo import data, model
from tocsin_demo.data import DAY_S, Flights

FIRST, LAST = date(2013, 11, 8), date(2013, 12, 31)
DAYS_PER_SECOND = 0.34
"""So that 5 December, day 28, is over after 83 seconds."""
MAX_FLIGHTS = 64
_TICK_S = 0.1
_RETRY_S = 0.5
_TIMEOUT_S = 5.0


class ServerError(Exception):
    """The model server's answer is not one that waiting could mend."""


class Clock:
    """Event time that runs ``days_per_second`` from ``start_s``, on a monotonic clock that may be given for tests."""

    def __init__(self, start_s: float, days_per_second: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._start_s = start_s
        self._speed = days_per_second * DAY_S
        self._monotonic = monotonic
        self._begun = monotonic()

    def now_s(self) -> float:
        """The event time that has been reached, seconds since the epoch."""
        return self._start_s + (self._monotonic() - self._begun) * self._speed


class Client:
    """POST /predict over one kept connection; waits and asks again when the server is not there."""

    def __init__(self, server: str) -> None:
        address = urlsplit(server)
        if address.scheme != "http" or not address.hostname:
            raise ServerError(f"server {server!r}: http://host:port is needed")
        self._connection = HTTPConnection(address.hostname, address.port or 80, timeout=_TIMEOUT_S)

    def predict(self, flights: Flights) -> None:
        """Ask for some flights; returns when they were answered."""
        body = json.dumps({"flights": list(rows(flights))}).encode()
        while True:
            try:
                return self._post(body)
            except (OSError, HTTPException) as error:
                self._connection.close()
                _say(f"server_not_there error={error!r} retry_s={_RETRY_S}")
                time.sleep(_RETRY_S)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "traceparent": _traceparent()}
        self._connection.request("POST", "/predict", body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status >= 500:
            raise HTTPException(f"status {response.status}")
        if response.status != 200:
            raise ServerError(
                f"the server refused a request: status {response.status}: {answer[:500].decode('utf-8', 'replace')}"
            )


def replay(flights: Flights, client: Client, capture: Capture, clock: Clock) -> None:
    """Ask for each flight once its departure has passed, send its label once its arrival has, until the last."""
    landings = _landings(flights)
    labels = model.labels(flights)
    ids = flights.ids()
    asked = told = 0
    while asked < len(flights) or told < len(landings):
        now_s = clock.now_s()
        due = int(np.searchsorted(flights.departure_s, now_s, "right"))
        for start in range(asked, due, MAX_FLIGHTS):
            client.predict(flights.take(slice(start, min(start + MAX_FLIGHTS, due))))
        asked = due
        landed = int(np.searchsorted(flights.arrival_s[landings], now_s, "right"))
        for row in landings[told:landed].tolist():
            _tell(capture, ids[row], labels[row], float(flights.arr_delay_min[row]), int(flights.arrival_s[row]))
        told = landed
        time.sleep(_TICK_S)


def rows(flights: Flights) -> Iterator[dict[str, object]]:
    """The flights as the server wants them, None where a number is unknown."""
    columns = zip(
        flights.ids(),
        map(data.rfc3339, flights.departure_s.tolist()),
        flights.scheduled_hour.tolist(),
        _known(flights.dep_delay_min),
        flights.distance_mi.tolist(),
        _known(flights.seats),
        flights.carrier.tolist(),
        flights.origin.tolist(),
        flights.dest.tolist(),
        strict=True,
    )
    for name, at, hour, delay, distance, seats, carrier, origin, dest in columns:
        yield {
            "id": name,
            "time": at,
            "scheduled_hour": hour,
            "dep_delay_min": delay,
            "distance_mi": distance,
            "seats": seats,
            "carrier": carrier,
            "origin": origin,
            "dest": dest,
        }


def _landings(flights: Flights) -> NDArray[np.intp]:
    arrived = np.flatnonzero(flights.arrived)
    return arrived[np.argsort(flights.arrival_s[arrived], kind="stable")]


def _tell(capture: Capture, name: str, label: str | None, delay_min: float, arrival_s: int) -> None:
    capture.label(name, label, arrival_s)
    capture.outcome(name, "arrival_delay_minutes", delay_min, arrival_s)


def _known(numbers: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(number) else number for number in numbers.tolist()]


def _traceparent() -> str:
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def _say(text: str) -> None:
    print(f"tocsin_demo_traffic_{text}", file=sys.stderr, flush=True)


def _options(arguments: Iterable[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tocsin_demo.traffic", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--server", default="http://127.0.0.1:8000", metavar="URL")
    parser.add_argument("--start", type=date.fromisoformat, default=FIRST, metavar="DATE")
    parser.add_argument("--end", type=date.fromisoformat, default=LAST, metavar="DATE", help="the last day, included")
    parser.add_argument("--days-per-second", type=float, default=DAYS_PER_SECOND, metavar="DAYS")
    options = parser.parse_args(None if arguments is None else list(arguments))
    if not 0 < options.days_per_second <= 10:
        parser.error("--days-per-second: a number above 0, at most 10, is needed")
    if options.start > options.end:
        parser.error("--start lies after --end")
    return options


def main(arguments: Iterable[str] | None = None) -> int:
    """Replay until the last day is over, or until SIGINT or SIGTERM."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    capture = None
    try:
        flights = data.load().between(options.start, options.end)
        client = Client(options.server)
        capture = Capture(model=model.NAME, version=model.VERSION, project=model.PROJECT)
        _say(f"started flights={len(flights)} from={options.start} to={options.end} speed={options.days_per_second:g}")
        replay(flights, client, capture, Clock(data.midnight_s(options.start), options.days_per_second))
        _say(f"ended flights={len(flights)} labels={int(flights.arrived.sum())} to={options.end}: the replay is over")
    except KeyboardInterrupt:
        return 0
    except (data.DataError, ServerError) as error:
        _say(f"failed error={error}")
        return 1
    finally:
        if capture:
            capture.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
