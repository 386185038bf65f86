"""References on disk: given once, there after a restart."""
