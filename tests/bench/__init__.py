"""tocsin and its peers side by side; each module measures one thing and exposes ``run() -> list[Measure]``."""
