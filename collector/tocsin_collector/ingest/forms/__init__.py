"""One file a wire form of events, found by listing this folder; ``ingest.form`` says what a file holds."""
