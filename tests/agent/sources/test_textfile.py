"""Files of metrics that others leave."""

import os
from pathlib import Path

import pytest

from tests.servers.process import until
from tocsin_agent.readings import OLD_S
from tocsin_agent.sources.textfile import Textfile, folders, own_names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "textfile").mkdir()
    return tmp_path / "textfile"


@pytest.fixture
def source(folder):
    found = Textfile({"textfile": [str(folder)]})
    yield found
    found.close()


def write(path: Path, text: str) -> None:
    """As a careful program does: another file takes the place of the one before."""
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").rename(path)


def plain(found) -> dict[str, float]:
    return {name: value for (name, labels), value in found.items() if not labels}


def test_without_a_folder_there_is_no_error(series):
    assert plain(series(Textfile({"textfile": []}).read())) == {"node_textfile_scrape_error": 0}


def test_files_come_change_and_go(source, series, folder):
    assert plain(series(source.read())) == {"node_textfile_scrape_error": 0}
    write(folder / "a.prom", "a 1\n")
    assert plain(series(source.read()))["a"] == 1
    write(folder / "a.prom", "a 2\n")
    assert plain(series(source.read()))["a"] == 2
    (folder / "a.prom").unlink()
    assert plain(series(source.read())) == {"node_textfile_scrape_error": 0}


def test_the_age_of_each_file_that_is_well(source, series, folder):
    write(folder / "a.prom", "a 1\n")
    write(folder / "b.prom", "b x\n")
    os.utime(folder / "a.prom", ns=(0, 1_700_000_000_999_999_999))
    found = series(source.read())
    ages = {dict(labels)["file"]: value for (name, labels), value in found.items() if name.endswith("mtime_seconds")}
    assert ages == {f"{folder}/a.prom": 1_700_000_000}
    assert plain(found)["node_textfile_scrape_error"] == 1


def test_a_broken_file_takes_no_other_with_it_and_is_told_of_once(source, series, folder, capfd):
    write(folder / "a.prom", "a 1\n")
    write(folder / "b.prom", "c 1\nb x\n")
    for _ in range(3):
        found = plain(series(source.read()))
    assert found == {"a": 1, "node_textfile_scrape_error": 1}
    told = capfd.readouterr().err
    assert told.count("textfile_failed") == 1
    assert "line 2: a number expected" in told
    write(folder / "b.prom", "b 1\n")
    assert plain(series(source.read())) == {"a": 1, "b": 1, "node_textfile_scrape_error": 0}
    assert "textfile_recovered" in capfd.readouterr().err


def test_a_name_of_the_agents_own_keeps_its_file_out(source, series, folder):
    write(folder / "a.prom", "node_load1 5\na 1\n")
    write(folder / "b.prom", "node_of_somebody_else 5\n")
    assert plain(series(source.read())) == {"node_of_somebody_else": 5, "node_textfile_scrape_error": 1}


def test_own_names_are_those_of_the_agent():
    names = own_names()
    assert {"node_load1", "node_textfile_mtime_seconds", "process_cpu_seconds_total"} <= names
    assert "tocsin_drift_alarm" not in names


def test_two_files_may_share_a_family_but_not_call_it_differently(source, series, folder):
    write(folder / "a.prom", '# TYPE jobs gauge\njobs{q="1"} 1\nplain 1\n')
    write(folder / "b.prom", '# HELP jobs All.\n# TYPE jobs gauge\njobs{q="1"} 9\njobs{q="2"} 2\n')
    write(folder / "c.prom", '# TYPE jobs counter\njobs{q="3"} 3\nothers 1\n')
    text = source.read()
    found = {tuple(dict(labels).values()): value for (name, labels), value in series(text).items() if name == "jobs"}
    assert found == {("1",): 1, ("2",): 2}
    assert b"others" not in text
    assert b"# HELP jobs All.\n" in text
    assert plain(series(text))["node_textfile_scrape_error"] == 1


def test_help_names_every_file_that_has_a_family_without_one(source, folder):
    write(folder / "a.prom", 'a{x="1"} 1\n')
    write(folder / "b.prom", 'a{x="2"} 1\n')
    assert f"# HELP a Metric read from {folder}/a.prom, {folder}/b.prom\n".encode() in source.read()


def test_a_folder_that_is_not_there_is_an_error_until_it_is(source, series, folder):
    folder.rmdir()
    assert plain(series(source.read())) == {"node_textfile_scrape_error": 1}
    folder.mkdir()
    assert plain(series(source.read())) == {"node_textfile_scrape_error": 0}


def test_a_pattern_means_folders(folder):
    for name in ("x1", "x2", "y"):
        (folder / name).mkdir()
    assert folders(f"{folder}/x*") == [f"{folder}/x1", f"{folder}/x2"]
    assert folders(f"{folder}/z*") == [f"{folder}/z*"]
    assert folders(str(folder)) == [str(folder)]


def test_a_file_name_that_is_no_utf_8(source, series, folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.prom")).write_text("a 1\n")
    found = series(source.read())
    assert found["a", frozenset()] == 1
    assert ("node_textfile_mtime_seconds", frozenset({("file", f"{folder}/\ufffd.prom")})) in found


@pytest.mark.system
def test_a_file_that_hangs_takes_its_folder_with_it_and_no_other(tmp_path, series, hang):
    for name in ("local", "nfs"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "x.prom", f"{name} 1\n")
    source = Textfile({"textfile": [str(tmp_path / "nfs"), str(tmp_path / "local")]})
    until(lambda: plain(series(source.read())).keys() >= {"local", "nfs"}, "both are read")
    hang(tmp_path / "nfs/x.prom")
    until(lambda: plain(series(source.read())) == {"local": 1, "node_textfile_scrape_error": 1}, "one is late")
    age = "tocsin_textfile_age_seconds", frozenset({("folder", str(tmp_path / "nfs"))})
    until(lambda: series(source.read()).get(age, 0) > OLD_S, "it tells how long it has not answered")


def test_a_file_is_parsed_again_only_when_it_has_changed(source, folder):
    write(folder / "a.prom", "a 1\n")
    source.read()
    (known,) = source._folders[0].files.values()
    source.read()
    assert list(source._folders[0].files.values()) == [known]
    write(folder / "a.prom", "a 2\n")
    source.read()
    assert list(source._folders[0].files.values()) != [known]
