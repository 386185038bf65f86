"""A reference as the profiles of its hours: two kilobytes a feature and hour, however many rows it had."""

import io
import zipfile
from typing import NamedTuple

from tocsin_collector.frame import Frame
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import Layout, Profile, layout_of
from tocsin_collector.tables.rows import Rows
from tocsin_collector.tables.windows import cut, profiled

HOUR_S = 3_600.0
_LAYOUT = "layout.json"


class Hours(NamedTuple):
    """The profiles by where their hour begins, in order of time, all under one layout."""

    layout: Layout
    profiles: dict[float, Profile]

    def to_bytes(self) -> bytes:
        """A zip file, the same bytes each time."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, raw in [
                (_LAYOUT, self.layout.to_bytes()),
                *((repr(s), p.to_bytes()) for s, p in self.profiles.items()),
            ]:
                archive.writestr(zipfile.ZipInfo(name), raw, zipfile.ZIP_DEFLATED)
        return out.getvalue()

    @staticmethod
    def from_bytes(raw: bytes) -> "Hours":
        """Read it back. Raises ProfileError, KeyError or zipfile.BadZipFile for damaged bytes."""
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            layout = Layout.from_bytes(archive.read(_LAYOUT))
            starts = [name for name in archive.namelist() if name != _LAYOUT]
            return Hours(layout, {float(name): Profile.from_bytes(archive.read(name), layout) for name in starts})


def hours_of(frame: Frame) -> Hours:
    """Count a frame's features by the hour."""
    layout = layout_of([frame])
    parts = cut([Rows(frame.time_us, frame.group("feature."))], Calendar(HOUR_S))
    return Hours(layout, profiled(parts, layout))
