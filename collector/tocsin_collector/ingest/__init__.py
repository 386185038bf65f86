"""The way in: events as blocks or JSON, checked row by row, deduplicated, durable before they are acknowledged."""
