"""Nothing but the locked jars is ever run: a wrong sum names its jar and leaves nothing in the cache."""

import hashlib

import pytest

from tests.servers import elasticsearch
from tests.servers.cache import Missing, kept

WANTED = {"org.a:one:1": hashlib.sha256(b"one").hexdigest(), "org.b:two:2.0": hashlib.sha256(b"two").hexdigest()}


def _jars(folder, **contents):
    for name, content in contents.items():
        (folder / {"one": "one-1.jar", "two": "two-2.0.jar", "three": "three-3.jar"}[name]).write_bytes(content)
    return str(folder)


def test_the_locked_jars_are_taken(tmp_path):
    elasticsearch.check(_jars(tmp_path, one=b"one", two=b"two"), WANTED)


@pytest.mark.parametrize(
    ("jars", "said"),
    [
        ({"one": b"one", "two": b"other"}, r"two-2\.0\.jar has the SHA-256"),
        ({"one": b"one"}, r"two-2\.0\.jar was not fetched"),
        ({"one": b"one", "two": b"two", "three": b""}, r"three-3\.jar is not in the lock"),
    ],
)
def test_any_other_jar_is_named_and_nothing_stays(tmp_path, monkeypatch, jars, said):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def fill(folder):
        made = tmp_path / "jars"
        made.mkdir()
        elasticsearch.check(_jars(made, **jars), WANTED)

    with pytest.raises(elasticsearch.WrongSum, match=said):
        kept("an-elasticsearch", fill)
    assert not (tmp_path / "tocsin/an-elasticsearch").exists()


@pytest.mark.parametrize("version", elasticsearch.VERSIONS)
def test_a_lock_names_every_jar_once_with_its_sum(version):
    wanted = elasticsearch.locked(version)
    assert f"org.elasticsearch:elasticsearch:{version}" in wanted
    assert len({coordinate.rpartition(":")[0] for coordinate in wanted}) == len(wanted)
    assert all(len(total) == 64 for total in wanted.values())


def test_a_machine_without_a_new_jdk_is_told_so(monkeypatch, tmp_path):
    old = tmp_path / "jdk-17"
    (old / "bin").mkdir(parents=True)
    (old / "bin/javac").touch(0o755)
    (old / "release").write_text('JAVA_VERSION="17.0.1"\n')
    monkeypatch.setenv("JAVA_HOME", str(old))
    with pytest.raises(Missing, match="no JDK 21 or newer"):
        elasticsearch.jdk(str(tmp_path / "none"))
    (old / "release").write_text('JAVA_VERSION="21"\n')
    assert elasticsearch.jdk(str(tmp_path / "none")) == str(old)
