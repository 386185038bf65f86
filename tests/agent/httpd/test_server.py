"""The loop, over real sockets: malformed, slow, greedy and many clients."""

import socket
import threading
import time

import pytest

from tocsin_agent.httpd import client as states
from tocsin_agent.httpd.connection import Connection, least_missed
from tocsin_agent.httpd.server import MAX_CLIENTS, MAX_HANDLERS, Server, listener

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /task HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"


def until(condition, seconds=5.0):
    """Wait for a condition, not for a time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        threading.Event().wait(0.005)
    assert condition()


def test_a_request_is_answered_and_the_connection_kept(connect, answer):
    sock = connect()
    for _ in range(3):
        sock.sendall(GET)
        status, headers, body = answer(sock)
        assert (status, body) == (200, b"GET /a")
        assert "connection" not in headers


def test_head_has_the_length_and_no_body(connect, answer):
    sock = connect(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
    status, headers, _ = answer(sock, "HEAD")
    assert (status, headers["content-length"]) == (200, "7")
    assert answer(sock)[2] == b"GET /a"


def test_a_refusal_after_a_head_has_its_reason(connect, answer):
    sock = connect(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\njunk\r\n\r\n")
    assert answer(sock, "HEAD")[0] == 200
    assert answer(sock)[2].startswith(b"a request line")


def test_pipelined_requests_are_answered_in_their_order(connect, answer):
    count = 500
    sock = connect(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(count)))
    assert [answer(sock)[2] for _ in range(count)] == [b"GET /%d" % number for number in range(count)]


def test_bytes_that_come_one_by_one_hold_nobody_up(connect, answer):
    slow = connect()
    for byte in GET[:-1]:
        slow.send(bytes([byte]))
        if byte == ord("/"):
            assert answer(connect(GET))[0] == 200
    slow.send(GET[-1:])
    assert answer(slow)[2] == b"GET /a"


def test_http_1_0_is_answered_and_closed(connect, answer):
    sock = connect(b"GET /a HTTP/1.0\r\n\r\n")
    status, headers, _ = answer(sock)
    assert (status, headers["connection"]) == (200, "close")
    assert sock.recv(1) == b""


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),  # a client of https, which would wait
        (b"\0", 400),
        (b"\r\n \t", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40_000, 431),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", 411),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505),
    ],
)
def test_what_is_refused_gets_its_status_and_a_reason_and_the_end(connect, answer, data, status):
    sock = connect(data)
    found, headers, body = answer(sock)
    assert (found, headers["connection"]) == (status, "close")
    assert body.endswith(b"\n")
    assert sock.recv(1) == b""
    assert answer(connect(GET))[0] == 200


def test_a_client_that_is_refused_while_it_still_sends_can_read_the_reason(connect, answer):
    sock = connect(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
    for _ in range(30):
        sock.sendall(b"z" * 65_536)
    assert answer(sock)[0] == 413


def test_a_client_that_does_not_read_holds_nobody_up(server, connect, answer):
    lazy = connect(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n", receive_buffer=262_144)
    until(lambda: any(one.timed[0] == states.SENDING for one in server.connections.values()))
    assert answer(connect(GET))[0] == 200
    assert len(answer(lazy)[2]) == 12 << 20


@pytest.mark.parametrize(("data", "phase"), [(b"GET / HT", states.HEAD), (POST[:-1], states.BODY)])
def test_a_client_whose_time_is_up_is_told_and_cut(server, connect, answer, data, phase):
    sock = connect(data)
    until(lambda: [one.timed[0] for one in server.connections.values()] == [phase])
    (connection,) = server.connections.values()
    connection.deadline = 0  # its patience is 10 s and more
    assert answer(connect(GET))[0] == 200  # wakes the loop
    status, _, body = answer(sock)
    assert (status, body.split()[0].decode()) == (408, phase)
    assert sock.recv(1) == b""
    assert server.cut == 1


def test_a_reader_whose_time_is_up_is_cut(server, connect, answer):
    connect(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n", receive_buffer=262_144)
    until(lambda: any(one.timed[0] == states.SENDING for one in server.connections.values()))
    (connection,) = server.connections.values()
    connection.deadline = 0
    assert answer(connect(GET))[0] == 200
    until(lambda: connection.gone)
    assert server.cut == 1


def test_bytes_that_trickle_in_gain_no_time(server, connect):
    sock = connect(b"GET / HT")
    until(lambda: len(server.connections) == 1)
    (connection,) = server.connections.values()
    until(lambda: connection.client.phase == states.HEAD and connection.timed[0] == states.HEAD)
    before = connection.deadline
    for _ in range(5):
        sock.send(b"T")
    until(lambda: len(connection.client.inbox) == 13)
    assert connection.deadline == before
    assert before <= time.monotonic() + states.PATIENCE_S[states.HEAD]


def test_too_many_clients_take_the_place_of_idle_ones(server, connect, answer):
    idle = [connect() for _ in range(MAX_CLIENTS)]
    until(lambda: len(server.connections) == MAX_CLIENTS)
    assert answer(connect(GET))[0] == 200
    assert idle[0].recv(1) == b""
    assert len(server.connections) == MAX_CLIENTS


def test_too_many_busy_clients_are_a_503(server, connect, answer):
    for _ in range(MAX_CLIENTS):
        connect(POST[:-1])
    until(lambda: [one.client.phase for one in server.connections.values()].count(states.BODY) == MAX_CLIENTS)
    status, headers, body = answer(connect())
    assert (status, headers["retry-after"]) == (503, "1")
    assert b"too many" in body


def test_a_client_that_goes_leaves_nothing(server, connect):
    for data in (b"", b"GET", POST[:-1], GET):
        connect(data).close()
    until(lambda: not server.connections)


def test_requests_are_counted_by_status(server, connect, answer):
    answer(connect(GET))
    answer(connect(b"junk\r\n\r\n"))
    assert server.requests == {200: 1, 400: 1}


class TestHandlers:
    """Handlers run in threads of their own."""

    @pytest.fixture
    def gate(self):
        return threading.Event()

    @pytest.fixture
    def handlers(self, gate):
        def wait(request):
            gate.wait(5)
            return 202, {"X-Seen": request.headers["host"]}, f"{request.method}{request.path}".encode() + request.body

        def fail(request):
            raise KeyError("secret")

        return {"/task": wait, "/fail": fail}

    def test_a_handler_that_waits_holds_nobody_up(self, gate, connect, answer):
        waiting = connect(POST)
        assert answer(connect(GET))[0] == 200
        gate.set()
        status, headers, body = answer(waiting)
        assert (status, headers["x-seen"], body) == (202, "x", b"POST/taskabc")

    def test_requests_pipelined_behind_a_handler_wait_for_it(self, gate, connect, answer):
        sock = connect(POST + GET + POST)
        gate.set()
        assert [answer(sock)[0] for _ in range(3)] == [202, 200, 202]

    def test_a_handler_that_fails_is_a_500_that_tells_no_secret(self, connect, answer, capfd):
        sock = connect(POST.replace(b"/task", b"/fail"))
        status, _, body = answer(sock)
        assert status == 500
        assert b"secret" not in body
        assert "handler_failed path=/fail" in capfd.readouterr().err

    def test_too_many_at_once_are_a_503(self, server, gate, connect, answer):
        waiting = [connect(POST) for _ in range(MAX_HANDLERS)]
        until(lambda: sum(one.client.phase == states.ANSWERING for one in server.connections.values()) == MAX_HANDLERS)
        assert answer(connect(POST))[0] == 503
        gate.set()
        assert {answer(sock)[0] for sock in waiting} == {202}
        assert answer(connect(POST))[0] == 202

    def test_a_client_that_goes_while_its_handler_runs_is_forgotten(self, server, gate, connect, answer):
        connect(POST).close()
        until(lambda: server._handling == 1)
        gate.set()
        until(lambda: server._handling == 0)
        assert answer(connect(POST))[0] == 202

    def test_no_thread_to_be_had_is_a_503_and_the_server_goes_on(self, server, gate, connect, answer):
        gate.set()
        usual = threading.stack_size(1 << 47)  # more than there are addresses: the system refuses every thread
        try:
            assert answer(connect(POST))[0] == 503
        finally:
            threading.stack_size(usual)
        assert server._handling == 0
        assert answer(connect(POST))[0] == 202

    def test_a_large_body_arrives_whole(self, gate, connect, answer):
        gate.set()
        size = 5 << 20
        head = b"POST /task HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size
        sock = connect(head)
        assert sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"z" * size)
        assert len(answer(sock)[2]) == size + len("POST/task")


def test_bodies_beyond_the_memory_for_them_are_a_503(connect, answer):
    head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (16 << 20)
    for _ in range(4):
        connect(head)
    assert answer(connect(head))[0] == 503


def test_a_server_that_stops_finishes_its_answers(answer):
    server, gate = Server("127.0.0.1", 0), threading.Event()
    handlers = {"/task": lambda _: (202, {}, b"done" if gate.wait(5) else b"")}
    server.answer_with(lambda _: (200, {}, b""), handlers)
    served = threading.Thread(target=server.serve)
    served.start()
    with socket.create_connection((server.host, server.port), timeout=5) as sock:
        sock.sendall(POST)
        until(lambda: server._handling == 1)
        server.stop()
        gate.set()
        assert answer(sock)[2] == b"done"
    served.join(5)
    assert not served.is_alive()


def test_the_address_is_free_again_after_the_end():
    first = Server("127.0.0.1", 0)
    with pytest.raises(OSError, match="in use"):
        Server("127.0.0.1", first.port)
    first.stop()
    first.serve()
    second = Server("127.0.0.1", first.port)
    second.stop()
    second.serve()


def test_a_server_that_stops_answers_who_has_begun_to_ask_and_takes_who_has_knocked(answer):
    server = Server("127.0.0.1", 0)
    server.answer_with(lambda _: (200, {}, b"done"), {})
    begun = socket.create_connection((server.host, server.port), timeout=5)
    begun.sendall(GET[:-2])
    served = threading.Thread(target=server.serve)
    served.start()
    until(lambda: any(one.client.phase == states.HEAD for one in server.connections.values()))
    kept = socket.create_connection((server.host, server.port), timeout=5)
    kept.sendall(GET)
    assert answer(kept)[2] == b"done"
    server.stop()
    begun.sendall(GET[-2:])
    status, headers, _ = answer(begun)
    assert (status, headers["connection"]) == (200, "close")
    served.join(5)
    assert not served.is_alive()
    assert kept.recv(1) == b""
    begun.close()
    kept.close()


def test_what_another_thread_asks_for_is_done_between_two_turns(server):
    done = threading.Event()
    server.call(done.set)
    assert done.wait(5)


def test_a_server_that_moves_listens_there_and_keeps_its_clients(server, connect, answer):
    kept = connect(GET)
    assert answer(kept)[0] == 200
    before = server.port
    server.call(lambda: server.move(listener("127.0.0.1", 0)))
    until(lambda: server.port != before)
    kept.sendall(GET)
    assert answer(kept)[0] == 200
    assert answer(connect(GET))[0] == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, before), timeout=5)


class TestPagesThatFail:
    """A fault in a page is one client's answer."""

    def test_it_is_a_500_and_a_line_in_the_log(self, answer, capfd):
        def fail(_request):
            raise KeyError("secret")

        server = Server("127.0.0.1", 0)
        server.answer_with(fail, {})
        served = threading.Thread(target=server.serve)
        served.start()
        with socket.create_connection((server.host, server.port), timeout=5) as sock:
            for _ in range(2):
                sock.sendall(GET)
                status, _, body = answer(sock)
                assert (status, b"secret" in body) == (500, False)
        server.stop()
        served.join(5)
        assert "page_failed error=" in capfd.readouterr().err


def waits(phase: str, taken: int, age_s: float) -> Connection:
    """A connection whose client has been in a phase for some time, at the time 1000."""
    one = Connection(socket.socket())
    one.sock.close()
    one.client.phase, one.client.taken = phase, taken
    one.deadline = 1000 - age_s + states.PATIENCE_S[phase]
    return one


def test_who_has_to_make_room():
    order = [
        waits(states.IDLE, 0, 2),
        waits(states.LINGERING, 9, 1),
        waits(states.HANDSHAKE, 0, 0),
        waits(states.HEAD, 5, 3),
        waits(states.HEAD, 5, 1),
        waits(states.IDLE, 1, 5),
        waits(states.IDLE, 90, 14),
        waits(states.SENDING, 1, 20),
        waits(states.BODY, 1, 6),
    ]
    stays = [waits(states.ANSWERING, 1, 29), waits(states.BODY, 1, 1), waits(states.SENDING, 1, 4)]
    waiting = [*stays, *reversed(order)]
    found = []
    while (one := least_missed(waiting, 1000)) is not None:
        waiting.remove(one)
        found.append(one.client.phase)
    ranks = [states.IDLE, states.LINGERING, states.HANDSHAKE]
    assert set(found[:3]) == set(ranks)
    assert found[3:] == [one.client.phase for one in order[3:]]
    assert waiting == stays
