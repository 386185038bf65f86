"""Against the real Elasticsearch 8.19 and 9.2: what is shipped is found, once; what does not fit is not lost."""

from collections import Counter
from contextlib import suppress

import pytest

from tests.collector.exposed import render
from tests.collector.logs.elasticsearch.conftest import Open, Real, made
from tests.collector.logs.elasticsearch.faults import FAULTS, Proxy
from tests.servers.process import until
from tocsin_collector.logs import QueryError, StoreError
from tocsin_collector.logs.contract import MARK_BEGIN, MARK_END
from tocsin_collector.logs.elasticsearch import Pace

pytestmark = [pytest.mark.system]
BRISK = {"look_s": 1, "search_s": 1, "retry_s": 0.02, "watch_s": 0.1, "first_pause_s": 0.02, "longest_pause_s": 0.05}
LEVELS = ("debug", "info", "warning", "error", "critical")


def _outcomes(store) -> dict[str, float]:
    named = "tocsin_elasticsearch_documents_total"
    return {sample.labels["outcome"]: sample.value for sample in store.samples() if sample.name == named}


def _strict(real: Real) -> None:
    """Somebody's data streams that take next to nothing."""
    real.ask("PUT", "/_index_template/strict", {
        "index_patterns": ["logs-strict-*"], "data_stream": {}, "priority": 500,
        "template": {"mappings": {"dynamic": "strict", "properties": {"message": {"type": "long"}}}},
    })  # fmt: skip


def test_what_is_shipped_is_found_as_in_the_embedded_store(real: Real, opened: Open) -> None:
    store = opened(real.server.url)
    records = [
        made(
            f"flight UA{i} took {i} ms", "search", f"id{i}", i, **{"log.level": LEVELS[i % 5], "host.name": f"h{i % 3}"}
        )
        for i in range(100)
    ]
    assert store.add(records).result(30) == (100, 0)
    real.documents("search")
    for asked, count in (
        ({"query": "UA7"}, 1), ({"query": "ua7*"}, 11), ({"query": '"took 5 ms"'}, 1), ({"query": '"took 5"*'}, 11),
        ({"query": "took ms nothing"}, 0), ({"query": "flight", "level": "error"}, 40),
        ({"query": "flight", "host": "h1"}, 33), ({"query": "flight", "since_s": 90.0}, 10),
        ({"since_s": 10.0, "until_s": 20.0, "query": "flight"}, 10), ({"until_s": -5.0}, 0), ({"since_s": 1e300}, 0),
    ):  # fmt: skip
        assert store.search(**asked).total == count, asked
    assert store.search("UA42").rows[0].marked == f"flight {MARK_BEGIN}UA42{MARK_END} took 42 ms"
    assert [row.id for row in store.search("flight", limit=2).rows] == ["id99", "id98"]
    assert {"h0", "h1", "h2"} <= set(store.hosts())
    seen, before = [], None
    while True:
        page = store.search("flight", limit=30, before=before)
        assert (page.total, page.capped) == (100, False)
        seen += [row.message for row in page.rows]
        if (before := page.next) is None:
            break
    assert seen == [f"flight UA{i} took {i} ms" for i in reversed(range(100))]
    with pytest.raises(QueryError):
        store.search("!!!")
    with pytest.raises(ValueError, match="one of debug"):
        store.search(level="loud")


def test_the_same_record_twice_is_one(real: Real, opened: Open) -> None:
    store = opened(real.server.url)
    twice = [made("a", "twice", "x"), made("a", "twice", "x"), made("b", "twice", "y")]
    assert store.add(twice).result(30) == (2, 1)
    assert store.add(twice[:1]).result(30) == (0, 1)
    assert len(real.documents("twice")) == 2
    assert _outcomes(store)["duplicate"] == 2
    assert b'tocsin_logs_records_total{outcome="duplicate"} 2' in render(store.samples())


def test_a_record_that_does_not_fit_the_mapping_is_repaired_and_its_neighbours_are_not_touched(
    real: Real, opened: Open
) -> None:
    store = opened(real.server.url)
    odd = [
        made("object", "odd", user={"name": "bob"}),
        made("dots", "odd", **{"a..b": 1, "": 2, "_id": 3}),
        made("ours", "odd", tocsin="a text", labels="no object", log="none"),
        made("huge", "odd", number=10**40),
    ]
    assert store.add([made("scalar", "odd", user="bob")]).result(30) == (1, 0)
    assert store.add([*odd, made("good", "odd", user="ann")]).result(30) == (5, 0)
    found = {hit["_source"]["message"]: hit["_source"] for hit in real.documents("odd")}
    assert set(found) == {"scalar", "object", "dots", "ours", "huge", "good"}
    assert found["object"]["labels"] == {"user_name": "bob"}
    assert (_outcomes(store)["repaired"], _outcomes(store)["dead_letter"]) == (3, 0)
    assert store.search("object").rows[0].fields["labels.user_name"] == "bob"


def test_what_even_repaired_is_refused_is_a_dead_letter_with_its_reason(real: Real, opened: Open) -> None:
    _strict(real)
    store = opened(real.server.url)
    assert store.add([made("not a number", "strict", "refused-twice"), made("good", "loose")]).result(30) == (2, 0)
    assert store.add([made("not a number", "strict", "refused-twice")]).result(30) == (1, 0)
    (letter,) = [each for each in real.documents("tocsin.deadletter") if each["_id"] == "refused-twice"]
    source = letter["_source"]
    assert (letter["_id"], source["tocsin.stream"]) == ("refused-twice", "logs-strict-default")
    assert "not allowed" in source["error.message"] or "failed to parse" in source["error.message"]
    assert '"message":"not a number"' in source["event.original"]
    assert {row.level for row in store.search('"dead letter"').rows} == {"error"}
    assert len(real.documents("loose")) == 1


def test_what_the_dead_letters_refuse_too_is_in_a_file(real: Real, opened: Open, tmp_path) -> None:
    for name in ("strict2", "tocsin.deadletter"):
        real.ask("PUT", f"/_index_template/strict-{name}", {
            "index_patterns": [f"logs-{name}-closed"], "data_stream": {}, "priority": 501,
            "template": {"mappings": {"dynamic": "strict"}},
        })  # fmt: skip
    store = opened(real.server.url, namespace="closed")
    assert store.add([made("nobody takes me", "strict2")]).result(30) == (1, 0)
    kept = (tmp_path / "logs/dead-letters.ndjson").read_text()
    assert kept.count("\n") == 1
    assert "nobody takes me" in kept
    assert _outcomes(store)["dead_letter_file"] == 1


@pytest.mark.parametrize("source", ["stored", "synthetic"])
def test_it_is_the_same_in_logsdb_which_newer_clusters_choose_by_themselves(
    real: Real, opened: Open, source: str
) -> None:
    custom, dataset = "/_component_template/tocsin-logs-custom", f"logsdb_{source}"
    settings = {"index.mode": "logsdb", "index.mapping.source.mode": source}
    real.ask("PUT", custom, {"template": {"settings": settings}})
    try:
        store = opened(real.server.url)
        sent = made("columns compared", dataset, "c1", 7.25, **{"host.name": "h1", "x.y": 3.5, "user": "u"})
        assert store.add([sent, made("odd one", dataset, user={"name": "u"})]).result(30) == (2, 0)
        assert store.add([sent]).result(30) == (0, 1)
        assert len(real.documents(dataset)) == 2
        rows = store.search('"columns compared"', host="h1").rows
        (row,) = [row for row in rows if row.fields["event.dataset"] == dataset]
        assert (row.id, row.time_s) == ("c1", 7.25)
        assert row.fields == {"event.dataset": dataset, "x.y": 3.5, "user": "u"}
    finally:
        real.ask("PUT", custom, {"template": {}})


def test_a_foreign_template_of_the_same_name_is_left_as_it_is(real: Real, opened: Open) -> None:
    theirs = {"index_patterns": ["logs-theirs-default"], "data_stream": {}, "priority": 300}
    real.ask("PUT", "/_index_template/tocsin-logs-theirs-default", {**theirs, "_meta": {"managed_by": "them"}})
    store = opened(real.server.url)
    assert store.add([made("a", "theirs")]).result(30) == (1, 0)
    assert "index template tocsin-logs-theirs-default is not tocsin's" in store.state().error
    found = real.ask("GET", "/_index_template/tocsin-logs-theirs-default")["index_templates"][0]["index_template"]
    assert (found["priority"], found["_meta"]) == (300, {"managed_by": "them"})


def test_a_template_that_was_removed_is_installed_again(real: Real, opened: Open) -> None:
    _strict(real)
    store = opened(real.server.url, namespace="removed")
    name = "/_index_template/tocsin-logs-tocsin.deadletter-removed"
    real.ask("DELETE", name)
    assert store.add([made("not a number", "strict", "s1")]).result(30) == (1, 0)
    assert real.ask("GET", name)["index_templates"]
    assert _outcomes(store)["dead_letter"] == 1


def test_a_resent_record_is_one_also_when_its_stream_has_rolled_over(real: Real, opened: Open) -> None:
    store = opened(real.server.url)
    old = [made(f"m{i}", "rolled", f"r{i}") for i in range(50)]
    store.add(old).result(30)
    real.ask("POST", "/logs-rolled-default/_rollover")
    new = [made(f"n{i}", "rolled", f"n{i}") for i in range(50)]
    assert store.add(old[25:] + new).result(30) == (50, 25)
    again = opened(real.server.url)
    assert again.add(old[:25]).result(30) == (0, 25)
    assert Counter(hit["_id"] for hit in real.documents("rolled")) == Counter(
        f"{k}{i}" for k in "rn" for i in range(50)
    )


def test_nothing_is_lost_and_nothing_doubled_whatever_happens_to_a_bulk_request(real: Real, opened: Open) -> None:
    hang_s = 1.0
    pace = Pace(request_s=0.5, patience_s=40, grace_s=40, **BRISK)
    with Proxy(real.server.url, hang_s).running() as proxy:
        store = opened(proxy.url, pace)
        store.add([made("warm", "chaos", "warm")]).result(30)
        sent = ["warm"]
        for turn, fault in enumerate(FAULTS):
            proxy.plan.append(fault)
            ids = [f"{turn}-{i}" for i in range(40)]
            # Every second record has no id of its own.
            batch = [made(name, "chaos", name if i % 2 else None) for i, name in enumerate(ids)]
            taken = store.add(batch).result(40)
            assert sum(taken) == 40, fault
            sent += ids
        assert tuple(proxy.met) == FAULTS
    assert Counter(hit["_source"]["message"] for hit in real.documents("chaos")) == Counter(sent)
    outcomes = _outcomes(store)
    assert outcomes["retried"] > 0
    assert outcomes["repaired"] == outcomes["dead_letter"] == 0


def test_a_sender_is_asked_to_come_back_while_the_server_is_away(real: Real, opened: Open) -> None:
    with Proxy(real.server.url, 1.0).running() as proxy:
        store = opened(proxy.url, Pace(request_s=1, patience_s=0.5, grace_s=0.2, **BRISK))

        def taken() -> tuple[int, int] | None:
            with suppress(StoreError):  # a first write can take longer than a second: come back, as a sender does
                return store.add([made("first", "away", "first")]).result(30)
            return None

        until(taken, "the first record is taken")
        real.server.pause()
        try:
            until(lambda: not store.state().up, "the store notices")
            with pytest.raises(StoreError, match="does not answer in time"):
                store.add([made("second", "away", "second")]).result(10)
            with pytest.raises(StoreError, match="does not answer in time"):
                store.search("x")
        finally:
            real.server.resume()
        until(lambda: store.state().up, "the store is up again")
        assert store.add([made("second", "away", "second")]).result(30) in ((1, 0), (0, 1))
    assert sorted(hit["_id"] for hit in real.documents("away")) == ["first", "second"]


def test_memory_is_bounded_while_records_wait(real: Real, opened: Open) -> None:
    pace = Pace(request_s=1, patience_s=20, grace_s=20, **BRISK)
    store = opened(real.server.url, pace, waiting_bytes=100_000)
    batch = [made("x" * 1_000, "bounded", f"b{i}") for i in range(60)]
    real.server.pause()
    try:
        first = store.add(batch)
        with pytest.raises(StoreError, match="wait for Elasticsearch already"):
            store.add(batch).result(0)
    finally:
        real.server.resume()
    assert sum(first.result(30)) == 60
    assert store.add(batch).result(30) == (0, 60)
    waiting = {sample.name: sample.value for sample in store.samples()}["tocsin_elasticsearch_waiting_bytes"]
    assert waiting == 0
