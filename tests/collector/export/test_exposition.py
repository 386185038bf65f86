"""Columns by family and owner."""

import pytest

from tocsin_collector.export.exposition import Column, Exposition, Sample, columns, single

OF = {"project": "shop", "model": "credit", "version": "3"}


def names(exposition: Exposition) -> dict[str, list]:
    return {metric.name: [owner for owner, _ in family] for metric, family in exposition.families()}


def test_families_are_whole_whoever_puts_their_columns():
    exposition = Exposition()
    exposition.put("a", [single("tocsin_window_rows", OF, 1), single("tocsin_drift_alarm", OF, 0)])
    exposition.put("b", [single("tocsin_drift_alarm", OF, 1), single("tocsin_window_rows", OF, 2)])
    assert names(exposition) == {"tocsin_window_rows": ["a", "b"], "tocsin_drift_alarm": ["a", "b"]}


def test_what_an_owner_does_not_put_again_is_gone():
    exposition = Exposition()
    exposition.put("a", [single("tocsin_window_rows", OF, 1), single("tocsin_drift_alarm", OF, 0)])
    exposition.put("a", [single("tocsin_drift_alarm", OF, 0)])
    assert names(exposition) == {"tocsin_drift_alarm": ["a"]}
    exposition.put("a", [Column("tocsin_drift_alarm", OF, (), [], [])])
    assert names(exposition) == {}


def test_what_was_asked_for_does_not_change_afterwards():
    exposition = Exposition()
    exposition.put("a", [single("tocsin_window_rows", OF, 1)])
    before = exposition.families()
    exposition.put("a", [single("tocsin_window_rows", OF, 2)])
    assert before[0][1][0][1].values == [1]


def test_a_name_that_the_catalogue_lacks_is_a_bug():
    with pytest.raises(KeyError, match="tocsin_unheard_of"):
        Exposition().put("a", [single("tocsin_unheard_of", {}, 1)])


def test_samples_become_columns_and_samples_again():
    samples = [Sample("tocsin_window_rows", {"model": name}, len(name)) for name in ("a", "bb")]
    samples.insert(1, Sample("tocsin_drift_alarm", {}, 1))
    found = [sample for column in columns(samples) for sample in column.samples()]
    assert sorted(found, key=repr) == sorted(samples, key=repr)
