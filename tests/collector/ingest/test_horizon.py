"""How far back events are told apart: by each stream's own time, whatever fails, repeats or comes out of order."""

from hypothesis import given
from hypothesis import strategies as st

from tests.collector.ingest.blocks import NOW_S, PRODUCER, labels, predictions
from tocsin_collector.frame import frame
from tocsin_collector.ingest.dedupe import Dedupe
from tocsin_collector.ingest.drafts import NO_PRODUCER
from tocsin_collector.ingest.horizon import MAX_STREAMS, WITNESSES, Horizon
from tocsin_schema.block import Block

HOUR_S = 3_600.0
LITTLE, MUCH = 28 << 10, 1 << 24  # bytes of ids


def taken(dedupe: Dedupe, block: Block) -> str:
    """What becomes of a block of one row, durably."""
    judged = dedupe.judge([block], frame(block))
    dedupe.keep()
    names = ("new", "conflict", "forgotten")
    return next((name for name, rows in zip(names, judged, strict=False) if rows.size), "known")


def moved(dedupe: Dedupe, at: float, *, model: str = "credit") -> Dedupe:
    """Let a stream's watermark come to a time, by blocks of a producer of their own."""
    for sequence in range(WITNESSES):
        block = predictions(
            [f"{at}-{sequence}"], at=at, model=model, producer="f" * 32, sequence=int(at) * WITNESSES + sequence
        )
        assert taken(dedupe, block) == "new"
    return dedupe


def single(name: str, at: float, *, age: float = 41.0) -> Block:
    """A prediction as JSON brings it: without a producer."""
    return predictions([name], at=at, producer=NO_PRODUCER, sequence=0, age=age)


def test_what_is_older_than_the_horizon_is_refused_and_what_is_younger_taken() -> None:
    dedupe = moved(Dedupe(HOUR_S, MUCH), 7_200)
    assert taken(dedupe, single("young", 3_601)) == "new"
    assert taken(dedupe, single("old", 3_599)) == "forgotten"
    assert taken(dedupe, predictions(["spilled"], at=3_599)) == "forgotten"
    assert taken(dedupe, predictions(["late"], at=3_600, sequence=2)) == "new"


def test_a_known_id_is_known_or_contradicted_however_old_its_time_has_become() -> None:
    dedupe = Dedupe(HOUR_S, MUCH)
    assert taken(dedupe, single("a", 0)) == "new"
    moved(dedupe, 7_200)
    assert taken(dedupe, single("a", 7_200)) == "known"  # its time was not sent: the retry has another
    assert taken(dedupe, single("a", 7_200, age=42.0)) == "conflict"


def test_a_new_stream_takes_events_of_any_age_until_it_has_a_watermark() -> None:
    dedupe = Dedupe(HOUR_S, MUCH)
    assert taken(dedupe, single("now", 0)) == "new"
    assert taken(dedupe, single("1973", 1e8 - NOW_S)) == "new"


def test_senders_with_a_wrong_clock_drag_nothing_along_while_they_are_fewer() -> None:
    dedupe = moved(Dedupe(HOUR_S, MUCH), 0)
    for sequence in range(400):
        wrong = sequence % 5 < 2
        at = 2.3e9 - NOW_S if wrong else sequence
        assert taken(dedupe, predictions([f"{sequence}"], at=at, sequence=sequence)) == "new"
    assert taken(dedupe, single("now", 1)) == "new"
    assert taken(dedupe, single("1970", 1e6 - NOW_S)) == "forgotten"


def test_a_replay_of_the_past_has_a_horizon_of_its_own() -> None:
    dedupe = moved(Dedupe(HOUR_S, MUCH), 0, model="live")
    in_2013 = 1_386_000_000 - NOW_S
    moved(dedupe, in_2013)
    assert taken(dedupe, single("2013", in_2013 - 3_599)) == "new"
    assert taken(dedupe, single("2012", in_2013 - 3e7)) == "forgotten"
    assert taken(dedupe, predictions(["now"], model="live", at=-3_599)) == "new"


def test_labels_follow_their_own_times() -> None:
    dedupe = moved(Dedupe(HOUR_S, MUCH), 7_200)
    assert taken(dedupe, labels([("a", "yes", -1e6)])) == "new"


def test_what_was_not_written_moves_no_watermark() -> None:
    dedupe = moved(Dedupe(HOUR_S, MUCH), 0)
    for sequence in range(WITNESSES):
        block = predictions([f"lost-{sequence}"], at=90_000, sequence=sequence)
        dedupe.judge([block], frame(block))
    dedupe.undo()
    assert taken(dedupe, single("a", -3_599)) == "new"
    assert taken(dedupe, predictions(["lost-1"], at=90_000, sequence=1)) == "new"


def test_memory_ends_with_the_horizon() -> None:
    dedupe = Dedupe(HOUR_S, MUCH)
    sizes = []
    for minute in range(1_200):
        block = predictions([f"{minute}-{n}" for n in range(200)], at=60 * minute, sequence=minute)
        assert dedupe.judge([block], frame(block)).accepted.size == 200
        dedupe.keep()
        sizes.append(dedupe.size_bytes)
    assert max(sizes[600:]) <= 140 * 200 * (60 + WITNESSES) * 2
    assert dedupe.horizon.shortest_s == HOUR_S


def test_where_ids_need_too_much_memory_the_oldest_go_and_blocks_are_told_by_their_sequence() -> None:
    dedupe = Dedupe(HOUR_S, LITTLE)
    for second in range(3_000):
        assert taken(dedupe, predictions([f"{second}"], at=second, sequence=second)) == "new"
    assert 60 < dedupe.horizon.shortest_s < 1_200
    assert dedupe.size_bytes < LITTLE + 2_000
    assert taken(dedupe, single("of JSON", 500)) == "forgotten"
    assert taken(dedupe, predictions(["spilled"], at=500, producer="e" * 32)) == "new"
    assert taken(dedupe, predictions(["spilled"], at=500, producer="e" * 32)) == "known"
    assert taken(dedupe, predictions(["500"], at=500, sequence=500)) == "known"


def test_producers_that_have_ended_are_forgotten() -> None:
    dedupe = Dedupe(HOUR_S, MUCH)
    for second in range(0, 200_000, 40):
        dedupe.judge([block := predictions([str(second)], at=second, producer=f"{second:032x}")], frame(block))
        dedupe.keep()
    assert dedupe.size_bytes < 28 * (1 << 16) + 3_000_000
    assert taken(dedupe, predictions(["199960"], at=199_960, producer=f"{199_960:032x}")) == "known"


def test_streams_beyond_the_bound_share_a_horizon() -> None:
    horizon = Horizon(HOUR_S)
    numbers = {horizon.number(frame(predictions(["a"], model=f"m{n}"))) for n in range(MAX_STREAMS + 50)}
    assert len(numbers) == MAX_STREAMS + 1


SENDS = st.lists(st.tuples(st.integers(0, 25), st.sampled_from(["sent", "sent", "lost", "restart"])), max_size=60)


@given(SENDS, st.booleans(), st.sampled_from([LITTLE >> 4, MUCH]))
def test_no_order_of_retries_failures_and_restarts_counts_an_event_twice_or_loses_it(
    sends: list[tuple[int, str]], singles: bool, most_bytes: int
) -> None:
    dedupe, journal, told = Dedupe(HOUR_S, most_bytes), [], set()
    for number, what in sends:
        ids = [f"{number}-{row}" for row in range(8)]
        producer, sequence = (NO_PRODUCER, 0) if singles else (PRODUCER, number)
        block = predictions(ids, at=100 * number, producer=producer, sequence=sequence)
        judged = dedupe.judge([block], frame(block))
        if what == "lost":
            dedupe.undo()
            continue
        dedupe.keep()
        known = number in told
        assert judged.accepted.size in ((0,) if known else (8,) if not judged.forgotten.size else (0,))
        assert singles or not judged.forgotten.size
        if judged.accepted.size:
            told.add(number)
            journal.append(block)
        if what == "restart":
            dedupe = Dedupe(HOUR_S, most_bytes)
            assert all(dedupe.replay(block, frame(block)).accepted.size == 8 for block in journal)
