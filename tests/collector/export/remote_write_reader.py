"""A decoder of remote write requests, written from ``remote.proto`` and ``write/v2/types.proto`` alone."""

import struct

import cramjam


def fields(data: bytes):
    """(number, value) of each field of a message."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = data[at : at + 8], at + 8
        else:
            assert key & 7 == 2, key
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
            assert len(value) == size, "a field is cut"
        yield key >> 3, value


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def packed(data: bytes) -> list[int]:
    found, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        found.append(value)
    return found


def unpacked(body: bytes, content_type: str) -> list[tuple[dict[str, str], int, int, dict]]:
    """Labels, the bits of the value, the time in ms and what else is told of each series."""
    data = bytes(cramjam.snappy.decompress_raw(body))
    if "v2" in content_type:
        return _version_2(data)
    return [_series_1(value) for number, value in fields(data) if number == 1]


def _series_1(data):
    pairs, sample = [], None
    for number, value in fields(data):
        if number == 1:
            own = dict(fields(value))
            pairs.append((own[1].decode(), own[2].decode()))
        else:
            assert (number, sample) == (2, None)
            sample = value
    return (*_checked(pairs, sample), {})


def _version_2(data):
    symbols = [value.decode() for number, value in fields(data) if number == 4]
    assert symbols[0] == ""
    assert len(set(symbols)) == len(symbols)
    found = []
    for number, value in fields(data):
        assert number in (4, 5)
        if number == 5:
            series = dict(fields(value))
            refs = packed(series[1])
            pairs = [(symbols[name], symbols[text]) for name, text in zip(refs[::2], refs[1::2], strict=True)]
            about = dict(fields(series[5]))
            told = {"type": about.get(1, 0), "help": symbols[about[3]], "unit": symbols[about[4]]}
            found.append((*_checked(pairs, series[2]), told))
    return found


def _checked(pairs, sample):
    assert pairs == sorted(pairs), "labels are sorted"
    assert all(name and value for name, value in pairs), "no label is empty"
    assert len(dict(pairs)) == len(pairs)
    own = dict(fields(sample))
    return dict(pairs), struct.unpack("<Q", own[1])[0], own[2]
