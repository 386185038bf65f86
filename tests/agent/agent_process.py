"""The real agent as a child process."""

import os
import re
import select
import subprocess
import sys
import time
import urllib.request


class Agent:
    """``tocsin-agent run`` on a free port; ``kill`` is kill -9."""

    def __init__(self, config, **environ):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tocsin_agent", "run", "--config", str(config), "--listen", "127.0.0.1:0"],
            env={**os.environ, **environ}, stderr=subprocess.PIPE, text=False,
        )  # fmt: skip
        try:
            self.url = self._listening()
        except AssertionError:
            self.kill()
            raise

    def _listening(self, limit_s=20):
        told, deadline = b"", time.monotonic() + limit_s
        while not (found := re.search(rb"tocsin_agent_listening address=(\S+)\n", told)):
            ready, _, _ = select.select([self.process.stderr], [], [], max(0, deadline - time.monotonic()))
            part = os.read(self.process.stderr.fileno(), 65_536) if ready else b""
            assert part, f"the agent does not listen: {told.decode()}"
            told += part
        return found[1].decode()

    def metrics(self):
        with urllib.request.urlopen(self.url + "/metrics", timeout=5) as answer:
            return answer.read().decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Whatever became of the test, no agent is left."""
        if self.process.returncode is None:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stderr.close()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(10) == 0
        self.process.stderr.close()
