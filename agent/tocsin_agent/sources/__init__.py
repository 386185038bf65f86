"""One file a source of metrics, found by listing this folder; ``tocsin_agent.source`` says what a file holds."""
