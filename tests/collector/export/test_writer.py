"""What has not changed is not written again, and what has is never missed."""

from hypothesis import given
from hypothesis import strategies as st

from tests.collector.export.test_text import read
from tocsin_collector.export.exposition import Column, Exposition
from tocsin_collector.export.text import lines, text_head
from tocsin_collector.export.writer import Writer
from tocsin_schema.catalogue import catalogue

NAMES = ("tocsin_window_rows", "tocsin_drift_alarm")
COLUMN = st.builds(
    lambda name, model, values: Column(
        name, {"model": model}, ("feature",), [(key,) for key in values], [*values.values()]
    ),
    st.sampled_from(NAMES),
    st.sampled_from("ab"),
    st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3) | st.just(0.5), max_size=3),
)
PUT = st.tuples(st.sampled_from("pq"), st.lists(COLUMN, max_size=2, unique_by=lambda column: column.name))


def pieces(writer, metric, family) -> list[bytes]:
    found: list[bytes] = []
    for _ in writer.family(metric, family, found):
        pass
    return found


def text(writer: Writer, exposition: Exposition) -> bytes:
    return b"".join(
        text_head(metric) + b"".join(pieces(writer, metric, family)) for metric, family in exposition.families()
    )


@given(st.lists(PUT, max_size=12))
def test_a_writer_that_remembers_writes_what_a_new_one_does(puts):
    exposition, writer = Exposition(), Writer(lines)
    for owner, columns in puts:
        exposition.put(owner, columns)
        assert text(writer, exposition) == text(Writer(lines), exposition)


def test_only_columns_with_another_value_are_written_and_only_new_series_named():
    done: list[str] = []

    def rows(metric, column):
        fill = lines(metric, column)
        done.append(f"name {column.labels['model']}")

        def filled(column):
            done.append(f"write {column.labels['model']}")
            return fill(column)

        return filled

    def column(model, **values):
        return Column(NAMES[0], {"model": model}, ("feature",), [(key,) for key in values], [*values.values()])

    writer = Writer(rows)

    def written(**columns):
        done.clear()
        pieces(writer, catalogue()[NAMES[0]], [*columns.items()])
        return [*done]

    kept = column("a", x=1)
    assert written(p=kept, q=column("b", x=1)) == ["name a", "write a", "name b", "write b"]
    assert written(p=kept, q=column("b", x=1)) == []
    assert written(p=kept, q=column("b", x=2)) == ["write b"]
    assert written(p=kept, q=column("b", x=2, y=1)) == ["name b", "write b"]
    assert written(p=kept) == []
    assert written(p=kept, q=column("b", x=2)) == ["name b", "write b"]


def test_a_writer_forgets_owners_that_are_gone():
    exposition, writer = Exposition(), Writer(lines)
    for owner in range(100):
        exposition.put(owner, [Column(NAMES[0], {}, ("model",), [(str(owner),)], [1])])
        text(writer, exposition)
        exposition.put(owner - 1, [])
    assert len(read(text(writer, exposition), "text")) == 1
    assert len(writer._families[NAMES[0]]) == 1


def test_scrapes_that_write_by_turns_each_show_what_they_began_with():
    writer, metric = Writer(lines), catalogue()[NAMES[0]]

    def column(value):
        return Column(NAMES[0], {}, ("model",), [("a",), ("b",)], [value, value])

    old, new = ([(owner, column(value)) for owner in "pq"] for value in (1, 2))
    assert pieces(writer, metric, old) == [b'tocsin_window_rows{model="a"} 1\ntocsin_window_rows{model="b"} 1\n'] * 2
    shown: dict[int, list[bytes]] = {1: [], 2: []}
    scrapes = [writer.family(metric, new, shown[2]), writer.family(metric, old, shown[1])]
    for _ in range(3):
        for scrape in scrapes:
            next(scrape, None)
    for value, found in shown.items():
        assert [piece.count(b" %d\n" % value) for piece in found] == [2, 2]
    assert pieces(writer, metric, new) == shown[2]
