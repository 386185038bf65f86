"""What all tests share: how hypothesis draws."""

from hypothesis import settings

# A loaded machine is slow, not wrong: no example has a deadline. Nothing is left behind either: no database.
settings.register_profile("tocsin", deadline=None, max_examples=60, database=None)
settings.load_profile("tocsin")
