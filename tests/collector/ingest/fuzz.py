"""``python -m tests.collector.ingest.fuzz [COUNT] [SEED]``: mutated bodies of every form against both ways in.

Each input is a good body, cut, doubled, spliced with another form's and sprinkled with what parsers stumble over.
Held for each: an answer below 500 (an exception is what a server answers with 500), at most two seconds of CPU, memory
within 64 MiB of the beginning. In every fourth, one row between two good ones is mutated, and both must be kept.
"""

import asyncio
import gzip
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import zstandard

from tests.collector.ingest.bad import arrow, block, otlp
from tests.collector.ingest.bad.case import event, text
from tests.collector.ingest.inprocess import InProcess, Told
from tocsin_collector.ingest.forms import cloudevents, csvfile
from tocsin_schema.block import encode

MAX_CPU_S = 2.0
MAX_WALL_S = 60.0
"""For what waits and uses none: far more, since the machine has other work."""
MAX_GROWTH_BYTES = 64 << 20


class Seed(NamedTuple):
    """A good body, and what its form's parser may stumble over."""

    media_type: str
    body: bytes
    pieces: tuple[bytes, ...]
    path: str = "/v1/events"


_ANY = (b"", b"\0", b"\xff", b"\x80", b"\xed\xa0\x80", b"\n", b"\r", b"\xef\xbb\xbf", b"\xff" * 8, bytes(8), b"9" * 400)
_JSON = (
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"NaN", b"1e999", b"-", b"true", b'"\\ud800"', b"\\u0000", b"{}",
    b"[" * 2_000, b'{"a":' * 1_500, b'"id"', b'"features"', b'"type":"label"', b"0.1e", b"99999999999999999999", b'""',
    b"[0.5,1]", b"[[1]]",
)  # fmt: skip
_CSV = (
    b",",
    b'"',
    b'""',
    b";",
    b"\r\n",
    b"nan",
    b"1e999",
    b"true",
    b":number",
    b"id,",
    b"feature.",
    b"," * 300,
    b"x" * 70_000,
)
_WIRE = (
    b"\x0a\x00",
    b"\x12\x00",
    b"\x80\x80\x80",
    b"\x0b",
    b"\x32\x02\x12\x00",
    b"\x0a\xff\xff\xff\xff\x0f",
    b"\x0a\x00" * 900,
)
_LENGTHS = tuple(number.to_bytes(8, "little", signed=True) for number in (0, 1, 7, 8, 255, 1 << 31, (1 << 63) - 1, -1))


def seeds() -> list[Seed]:
    """A good body of each form; Arrow's as it is and compressed."""
    import pyarrow as pa

    columns = {"id": ["a", "b"], "model": ["m", "m"], "feature.x": [1.5, None], "feature.s": ["é", "x"]}
    table = pa.table(
        columns | {"prediction": pa.array(["y", "n"]).dictionary_encode(), "features": [{"z": True}, None]}
    )
    halves = [
        cloudevents.EXAMPLE
        | {"id": "i", "type": f"x.serving.inference.{kind}", "inferenceservicename": "m", "data": data}
        for kind, data in (
            ("request", {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4.5]}]}),
            (
                "response",
                {"model_name": "m", "outputs": [{"name": "y", "shape": [2], "datatype": "INT64", "data": [1, 0]}]},
            ),
        )
    ]
    log = {"timeUnixNano": "1386237600123456789", "severityNumber": 9, "body": {"stringValue": "x"},
           "attributes": [{"key": "a", "value": {"arrayValue": {"values": [{"intValue": "1"}]}}}]}  # fmt: skip
    logs = {"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"logRecords": [log]}]}]}
    vectors = pa.table({"id": ["v", "w"], "model": ["m", "m"], "feature.e": [[0.5, 1.5], [2.5, None]],
                        "feature.f": pa.array([[1.0] * 3, None], pa.list_(pa.float32(), 3))})  # fmt: skip
    full = event(
        features={"x": 1, "e": [0.5, 2.5, -1]},
        scores={"a": 0.5},
        segment={"s": "x"},
        latency_s=0.1,
        time="2026-11-18T10:00:00Z",
        trace_id="t",
    )
    message = otlp.message({"model": "m", "id": "o", "prediction": "y"}, "a line")
    return [
        Seed(
            "application/json", text([full, event(id="b", type="label", label=1, features=..., prediction=...)]), _JSON
        ),
        Seed("application/x-ndjson", text(full) + b"\n" + text(event(id="c")), _JSON),
        Seed("application/vnd.tocsin.block", encode(block.made()), (*_JSON, *_LENGTHS)),
        Seed(arrow.MEDIA_TYPE, arrow.stream(table), (*_LENGTHS, b"\xff\xff\xff\xff")),
        Seed(arrow.MEDIA_TYPE, arrow.stream(table, "zstd", rows=1), _LENGTHS),
        Seed(arrow.MEDIA_TYPE, arrow.stream(table, "lz4"), _LENGTHS),
        Seed(arrow.MEDIA_TYPE, arrow.stream(vectors), _LENGTHS),
        Seed(csvfile.MEDIA_TYPE, csvfile.EXAMPLE.encode(), _CSV),
        Seed(cloudevents.STRUCTURED, text(cloudevents.EXAMPLE | {"id": "ce"}), _JSON),
        Seed(cloudevents.BATCH, text(halves), _JSON),
        Seed(otlp.MEDIA_TYPE, message, _WIRE),
        Seed(otlp.MEDIA_TYPE, message, _WIRE, otlp.LOGS),
        Seed("application/json", text(logs), _JSON, otlp.LOGS),
        Seed(
            "application/x-ndjson", b'{"message":"x","event.id":"1"}\n{"message":"y","a":{"b":[1]}}', _JSON, otlp.LOGS
        ),
    ]


class Input(NamedTuple):
    """What is sent; ``kept`` rows must be taken whatever became of the rest."""

    seed: Seed
    body: bytes
    kept: int = 0
    encoding: str = ""


def generated(draw: random.Random, number: int, all_seeds: list[Seed]) -> Input:
    """One input."""
    if number % 4 == 0:
        return _between(draw, number)
    seed = draw.choice(all_seeds)
    body = mutated(draw, seed.body, (*_ANY, *seed.pieces))
    if draw.random() < 0.03:
        other = draw.choice(all_seeds).body
        body = body[: draw.randrange(len(body) + 1)] + other[draw.randrange(len(other)) :]
    if draw.random() < 0.04:
        encoding = draw.choice(["gzip", "zstd"])
        packed = gzip.compress(body, 1, mtime=0) if encoding == "gzip" else zstandard.compress(body)
        return Input(seed, packed if draw.random() < 0.5 else mutated(draw, packed, _ANY), encoding=encoding)
    return Input(seed, body)


def mutated(draw: random.Random, body: bytes, pieces: tuple[bytes, ...]) -> bytes:
    """The body after one to five edits."""
    data = bytearray(body)
    for _ in range(draw.randint(1, 5)):
        at = draw.randrange(len(data) + 1)
        match draw.randrange(7):
            case 0:
                data[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                data[at:at] = draw.choice(pieces)
            case 2:
                del data[at : at + draw.randint(1, 30)]
            case 3:
                data[at:at] = data[at : at + draw.randint(1, 60)]
            case 4:
                piece = draw.choice(pieces)
                data[at : at + len(piece)] = piece
            case 5 if data:
                data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            case 6 if draw.random() < 0.2:
                del data[at:]
    return bytes(data)


def _between(draw: random.Random, number: int) -> Input:
    """A mutated row between two good ones, in lines of JSON or of CSV. A row stays one: no line ends, no quotes."""
    first, last = f"k{number}a", f"k{number}b"
    if number % 8:
        row = mutated(draw, text(event(id=f"k{number}")), (*_ANY, *_JSON)).replace(b"\n", b" ")
        body = b"\n".join([text(event(id=first)), row, text(event(id=last))])
        return Input(Seed("application/x-ndjson", body, ()), body, 2)
    row = mutated(draw, b"k,m,,41,Lyon,yes,0.81", (*_ANY, *_CSV))
    row = row.translate(None, b'\n\r"') + b"\n"
    head = b"id,model,time,feature.age,feature.city,prediction,score.yes:number\n"
    body = head + f"{first},m,,1,x,y,0.5\n".encode() + row + f"{last},m,,1,x,y,0.5\n".encode()
    return Input(Seed(csvfile.MEDIA_TYPE, body, ()), body, 2)


class Found(NamedTuple):
    """What a run saw: answers by status, the dearest input's CPU, the growth of memory."""

    statuses: Counter[int]
    most_cpu_s: float
    growth_bytes: int


async def fuzz(count: int, seed: int, folder: Path) -> Found:
    """Send so many inputs. Raises AssertionError with the input that broke a rule."""
    draw, all_seeds, served = random.Random(seed), seeds(), InProcess(folder)
    try:
        for each in all_seeds:  # packages are imported, tables of the parsers built
            assert (await _post(served, Input(each, each.body))).status == 200, each.media_type
        statuses, most, before, growth = Counter[int](), 0.0, _resident_bytes(), 0
        for number in range(count):
            given = generated(draw, number, all_seeds)
            try:
                start = time.process_time()
                async with asyncio.timeout(MAX_WALL_S):
                    told = await _post(served, given)
                spent = time.process_time() - start
                _hold(given, told, spent)
            except Exception as fault:
                where = f"seed {seed}, input {number}: {given.seed.media_type} {given.seed.path} {given.encoding}"
                raise AssertionError(f"{where} {given.body!r:.3000}: {fault!r}") from fault
            statuses[told.status] += 1
            most = max(most, spent)
            if number % 500 == 0:
                growth = max(growth, _resident_bytes() - before)
        assert growth <= MAX_GROWTH_BYTES, f"seed {seed}: memory grew by {growth >> 20} MiB"
        return Found(statuses, most, growth)
    finally:
        await served.close()


def _hold(given: Input, told: Told, spent_s: float) -> None:
    assert told.status < 500, told
    assert told.status != 422, told  # what no check foresaw: the collector's log has a traceback
    assert spent_s < MAX_CPU_S, spent_s
    if given.kept:
        assert told.status == 200, told
        assert told.body["accepted"] >= given.kept, told


async def _post(served: InProcess, given: Input) -> Told:
    headers = {"content-encoding": given.encoding} if given.encoding else {}
    return await served.post(given.body, given.seed.media_type, given.seed.path, **headers)


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def main() -> None:
    """Run and print what was seen."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.path.isdir(memory) else None) as folder:
        found = asyncio.run(fuzz(count, seed, Path(folder)))
    print(
        f"{count} inputs, seed {seed}: answers {json.dumps(dict(sorted(found.statuses.items())))}, dearest "
        f"{found.most_cpu_s:.2f} s of CPU, memory +{found.growth_bytes / 2**20:.0f} MiB"
    )


if __name__ == "__main__":
    main()
