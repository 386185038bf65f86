import json
import socket
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.agent.sink import Sink
from tocsin_agent.httpd.request import Request
from tocsin_agent.relay.relay import AT_ONCE
from tocsin_agent.tasks import relay


def _values(url):
    return {"collector": url, "collector_ca_file": "", "collector_cert_file": "", "collector_token_file": ""}


@pytest.fixture
def task(sink):
    made = relay.start(_values(sink.url))
    yield made
    made.stop()


def ask(task, method="POST", target="/v1/events", headers=None, body=b"{}"):
    request = Request(method, target, headers or {}, "HTTP/1.1")
    request.body = body
    return task.routes()[request.path](request)


def post(task):
    return ask(task)


def requests(task):
    return {
        sample.labels["code"]: sample.value
        for family in text_string_to_metric_families(task.read().decode())
        for sample in family.samples
    }


def test_without_a_collector_there_is_no_relay():
    assert relay.start(_values("")) is None


def test_a_wrong_address_is_a_fault_of_the_configuration():
    (fault,) = relay.check(_values("collector:10301"))
    assert fault.startswith("collector: 'collector:10301': an address like http://")
    assert relay.check(_values("http://127.0.0.1:10301")) == relay.check(_values("")) == []


def test_body_and_headers_arrive_as_they_were_and_the_answer_comes_back(sink, task):
    sink.answer = (429, {"content-type": "application/json", "retry-after": "7", "x-internal": "1"}, b'{"accepted":0}')
    headers = {"content-type": "application/vnd.tocsin.block", "content-encoding": "gzip", "cookie": "no", "host": "x"}
    status, back, body = ask(task, headers=headers, body=b"\0block")
    assert (status, body) == (429, b'{"accepted":0}')
    assert back == {"content-type": "application/json", "retry-after": "7"}
    path, sent, got = sink.requests[0]
    assert (path, got) == ("/v1/events", b"\0block")
    assert sent["content-type"] == "application/vnd.tocsin.block"
    assert sent["content-encoding"] == "gzip"
    assert "cookie" not in sent
    assert requests(task) == {"429": 1}


def test_the_query_and_the_attributes_of_a_cloudevent_arrive(sink, task):
    headers = {"ce-specversion": "1.0", "ce-id": "a%201", "cookie": "no"}
    ask(task, target="/v1/events?model=credit&version=3%2F4", headers=headers)
    path, sent, _ = sink.requests[0]
    assert path == "/v1/events?model=credit&version=3%2F4"
    assert {name: value for name, value in sent.items() if name in headers} == {
        "ce-specversion": "1.0",
        "ce-id": "a%201",
    }


def test_a_dead_collector_is_503_and_comes_back():
    first = Sink()
    task = relay.start(_values(first.url))
    assert post(task)[0] == 200
    first.close()
    status, headers, body = post(task)
    assert status == 503
    assert int(headers["retry-after"]) >= 1
    told = json.loads(body)
    assert (told["accepted"], told["rejected_count"]) == (0, 1)
    assert told["rejected"][0]["code"] == "collector_unreachable"
    assert "send them again" in told["rejected"][0]["reason"]
    second = Sink(port=first.port)
    assert post(task)[0] == 200
    second.close()
    task.stop()
    assert requests(task) == {"200": 2, "503": 1}


def test_only_post_is_answered(task):
    status, headers, _ = ask(task, "GET")
    assert (status, headers["allow"]) == (405, "POST")


def test_a_slow_collector_costs_a_bounded_number_of_requests():
    slow = Sink()
    slow.faults.extend(["hang"] * AT_ONCE)
    task = relay.start(_values(slow.url))
    threads = [threading.Thread(target=post, args=(task,)) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    slow.wait(lambda sink: len(sink.requests) == AT_ONCE)
    status, headers, body = post(task)
    assert (status, headers["retry-after"]) == (503, "1")
    assert json.loads(body)["rejected"][0]["code"] == "relay_busy"
    slow.close()
    for thread in threads:
        thread.join()
    task.stop()


def test_connections_are_kept(sink, task):
    for _ in range(5):
        assert post(task)[0] == 200
    assert len({id(upstream) for upstream in task._relay._idle}) == 1


def test_a_collector_that_speaks_no_http_is_503():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak():
            connection, _ = server.accept()
            connection.sendall(b"SSH-2.0-x\r\n")
            connection.recv(1 << 16)
            connection.close()

        thread = threading.Thread(target=speak)
        thread.start()
        task = relay.start(_values(f"http://127.0.0.1:{server.getsockname()[1]}"))
        assert post(task)[0] == 503
        thread.join()
        task.stop()
