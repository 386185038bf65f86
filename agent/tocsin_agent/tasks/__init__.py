"""One file a background task, found by listing this folder; ``tocsin_agent.task`` says what a file holds."""
