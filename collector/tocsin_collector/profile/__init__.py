"""Windows as integers: pure functions from blocks to counts that merge exactly."""

from tocsin_collector.profile.counts import Profile, Tally, empty, merge, merged, profile
from tocsin_collector.profile.layout import FORMAT, FeatureLayout, Layout, ProfileError, layout_of

__all__ = [
    "FORMAT",
    "FeatureLayout",
    "Layout",
    "Profile",
    "ProfileError",
    "Tally",
    "empty",
    "layout_of",
    "merge",
    "merged",
    "profile",
]
