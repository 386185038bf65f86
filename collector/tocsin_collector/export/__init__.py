"""What the collector gives to others."""
