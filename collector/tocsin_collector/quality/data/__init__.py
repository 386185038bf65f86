"""Data quality that is learnt, with nothing to configure: what a reference's windows never or hardly showed. Pure."""

from tocsin_collector.quality.data.counts import Form, Observed, merge, observe
from tocsin_collector.quality.data.judge import CHECKS, judge
from tocsin_collector.quality.data.reference import DataReference, fit
from tocsin_collector.quality.data.volume import VOLUME, volume

__all__ = ["CHECKS", "VOLUME", "DataReference", "Form", "Observed", "fit", "judge", "merge", "observe", "volume"]
