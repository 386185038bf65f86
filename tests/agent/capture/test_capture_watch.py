"""The decorator for plain functions."""

import asyncio

import pytest

from tests.agent.capture.test_capture_asgi import counted


def test_a_function_is_observed_and_stays_itself(capture, tmp_path):
    @capture.watch()
    def double(x: int, *, more: int = 0) -> int:
        """Twice."""
        return 2 * x + more

    assert double(2, more=1) == 5
    assert (double.__name__, double.__doc__) == ("double", "Twice.")
    assert counted(capture, tmp_path) == ({(double.__qualname__[:200], "ok"): 1}, 0)


def test_exceptions_and_cancellation_pass_untouched(capture, tmp_path):
    error = KeyError("mine")

    @capture.watch()
    def fails():
        raise error

    @capture.watch()
    async def waits():
        await asyncio.Event().wait()

    with pytest.raises(KeyError) as raised:
        fails()
    assert raised.value is error

    async def cancel():
        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())
    assert set(counted(capture, tmp_path)[0].values()) == {1}
    assert {outcome for _, outcome in counted(capture, tmp_path)[0]} == {"server_error", "cancelled"}


def test_extraction_makes_a_row(capture, sink):
    @capture.watch(features=lambda age, city: {"age": age, "city": city}, prediction=lambda result: result["label"])
    async def predict(age, city):
        return {"label": "yes"}

    asyncio.run(predict(3, city="Lyon"))
    assert capture.flush(5)
    assert (sink.rows("feature.age"), sink.rows("feature.city"), sink.rows("prediction")) == ([3], ["Lyon"], ["yes"])
    assert sink.rows("latency_s")[0] > 0


def test_an_extraction_that_fails_fails_nothing(capture, sink):
    @capture.watch(features=lambda: 1 / 0)
    def predict():
        return 1

    assert predict() == 1
    assert capture.flush(5)
    assert sink.rows() == []
    assert capture._worker.counts.get("errors") == 1


def test_a_generator_is_refused_where_it_is_decorated(capture):
    with pytest.raises(TypeError, match="generator"):

        @capture.watch()
        def numbers():
            yield 1


def test_a_callable_object_can_be_watched(capture, tmp_path):
    class Model:
        def __call__(self, x):
            return x + 1

    assert capture.watch()(Model())(1) == 2
    assert list(counted(capture, tmp_path)[0]) == [("test_a_callable_object_can_be_watched.<locals>.Model", "ok")]
