"""Random bits in store."""

import pytest

from tocsin_agent.sources.entropy import Entropy


def test_recorded_host(planted, series, tmp_path):
    source = Entropy(planted("entropy"))
    assert {name: value for (name, _), value in series(source.read()).items()} == {
        "node_entropy_available_bits": 1337,
        "node_entropy_pool_size_bits": 4096,
    }
    (tmp_path / "proc/sys/kernel/random/entropy_avail").write_text("many\n")
    with pytest.raises(ValueError, match="one count expected"):
        source.read()
    source.close()
