"""Field values past the binding's wrapper: the same layout and the same values as through it."""

import ctypes

import pynvml
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.gpu.buffer import SAMPLE
from tocsin_agent.gpu.fields import ANSWERED, ASKED, TYPES, VALUES


def test_the_layout_is_the_bindings():
    field = pynvml.c_nvmlFieldValue_t
    assert ASKED.size == ANSWERED.size == ctypes.sizeof(field) == 40
    places = [(field.fieldId, 0), (field.scopeId, 4), (field.valueType, 24), (field.nvmlReturn, 28), (field.value, 32)]
    assert SAMPLE.size == ctypes.sizeof(pynvml.c_nvmlSample_t) == 16
    assert pynvml.c_nvmlSample_t.sampleValue.offset == 8
    assert [descriptor.offset for descriptor, _ in places] == [offset for _, offset in places]


@pytest.mark.parametrize("kind", range(len(TYPES)))
@given(raw=st.integers(0, 2**64 - 1))
def test_each_type_is_read_as_the_binding_reads_it(kind, raw):
    value = pynvml.c_nvmlValue_t.from_buffer_copy(raw.to_bytes(8, "little"))
    expected = float(getattr(value, TYPES[kind]))
    found = VALUES[kind](raw)
    assert found == expected or (found != found and expected != expected)
