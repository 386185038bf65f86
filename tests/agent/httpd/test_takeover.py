"""A page that hangs costs one thread: another one serves on, over real sockets."""

import socket
import threading

import pytest

from tests.agent.httpd.test_server import until
from tocsin_agent.exposition import family
from tocsin_agent.httpd.server import Server
from tocsin_agent.pages import MOST_SCRAPES, Pages
from tocsin_agent.scrape import Scrape
from tocsin_schema.metrics.loadavg import METRICS

HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"


def scrape_within(seconds: float) -> bytes:
    return b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: %g\r\n\r\n" % seconds


class Hung:
    """A server one of whose sources hangs, and what its guard would do."""

    def __init__(self) -> None:
        self.inside, self.open = threading.Event(), threading.Event()
        self.first_thread_ended, self.ended = threading.Event(), threading.Event()
        self.server = Server("127.0.0.1", 0)
        readers = [("hung", self._read), ("well", lambda: family(METRICS[1], [({}, 1)]))]
        scrape = Scrape(readers)
        scrape.ring = self.server.ring
        self.server.answer_with(Pages(scrape, []), {})
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _read(self) -> bytes:
        self.inside.set()
        assert self.open.wait(20)
        return family(METRICS[0], [({}, 1)])

    def _serve(self) -> None:
        if self.server.serve():
            self.ended.set()
        self.first_thread_ended.set()

    def take_over(self) -> None:
        """As the alarm does."""
        assert self.inside.wait(5)
        assert self.server.take_over(self.ended.set)
        until(lambda: self.server.taken_over)

    def connect(self, data: bytes) -> socket.socket:
        sock = socket.create_connection((self.server.host, self.server.port), timeout=5)
        sock.sendall(data)
        return sock


@pytest.fixture
def hung():
    one = Hung()
    yield one
    one.open.set()
    one.server.stop()
    assert one.ended.wait(5)
    one.thread.join(5)
    assert not one.server.connections


def test_other_clients_are_served_and_the_scrape_is_answered_within_its_time(hung, answer):
    with hung.connect(scrape_within(0.5)) as scraper:
        hung.take_over()
        with hung.connect(HEALTHY) as other:
            assert answer(other)[2] == b"ok\n"
        status, _, body = answer(scraper)
        assert status == 200
        assert b"node_load5 1\n" in body
        assert b"node_load1 " not in body
        assert b'node_scrape_collector_success{collector="hung"} 0\n' in body
        scraper.sendall(scrape_within(5))
        assert b'node_scrape_collector_success{collector="hung"} 0\n' in answer(scraper)[2]


def test_what_comes_back_in_time_is_in_the_answer_and_its_thread_ends(hung, answer):
    with hung.connect(scrape_within(30)) as scraper:
        hung.take_over()
        hung.open.set()
        assert b"node_load1 1\n" in answer(scraper)[2]
        assert hung.first_thread_ended.wait(5)
        assert not hung.ended.is_set()
        scraper.sendall(scrape_within(5))
        assert b"node_load1 1\n" in answer(scraper)[2]


def test_a_scraper_that_goes_while_it_waits_is_forgotten(hung, answer):
    scraper = hung.connect(scrape_within(30))
    hung.take_over()
    scraper.close()
    hung.open.set()
    assert hung.first_thread_ended.wait(5)
    with hung.connect(HEALTHY) as other:
        assert answer(other)[0] == 200


def test_too_many_scrapes_that_wait_are_a_503(hung, answer):
    waiting = [hung.connect(scrape_within(60))]
    hung.take_over()
    waiting += [hung.connect(scrape_within(60)) for _ in range(MOST_SCRAPES - 1)]
    until(lambda: len(hung.server._late) == MOST_SCRAPES)
    with hung.connect(scrape_within(60)) as refused:
        status, headers, body = answer(refused)
    assert (status, headers["retry-after"]) == (503, "1")
    assert body.endswith(b"try again in a second\n")
    hung.open.set()
    assert {answer(sock)[0] for sock in waiting} == {200}
    for sock in waiting:
        sock.close()


def test_a_thread_that_has_come_back_is_not_replaced(hung, answer):
    hung.open.set()
    with hung.connect(scrape_within(5)) as scraper:
        assert answer(scraper)[0] == 200
        assert hung.server.take_over(hung.ended.set)
        scraper.sendall(scrape_within(5))
        assert answer(scraper)[0] == 200
    assert hung.server.taken_over == 0


def test_a_server_whose_source_hangs_ends_all_the_same(hung, answer):
    with hung.connect(scrape_within(0.5)) as scraper:
        hung.take_over()
        hung.server.stop()
        assert answer(scraper)[1]["connection"] == "close"
    assert hung.ended.wait(5)
