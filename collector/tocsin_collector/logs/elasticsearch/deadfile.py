"""The last place for a record: a file of the collector, for what the data stream of dead letters refuses too."""

import os
import threading

MOST_BYTES = 64 << 20


class DeadFile:
    """Appends documents, one JSON object a line, until the file is full. Safe from any thread."""

    def __init__(self, folder: str, most_bytes: int = MOST_BYTES) -> None:
        self.path = os.path.join(folder, "dead-letters.ndjson")
        self._most_bytes = most_bytes
        self._lock = threading.Lock()

    def keep(self, document: str) -> bool:
        """Whether the document is on disk now; False when the file is full. Raises OSError."""
        line = document.encode() + b"\n"
        with self._lock:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            with open(self.path, "ab") as file:
                if file.tell() + len(line) > self._most_bytes:
                    return False
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        return True
