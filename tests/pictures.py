"""``python -m tests.pictures``: the pictures of the documentation, made anew from the demo beside the real servers.

Each page of the collector on 5 December, and each board as its preview draws it. The GPUs are the fake library's.
"""

import contextlib
import math
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from tests.agent.gpu.conftest import Control
from tests.servers import chromium
from tests.system.stack import Stack, stack
from tocsin_dashboards.generate import found
from tocsin_dashboards.preview.__main__ import main as preview

IMAGES = Path(__file__).parents[1] / "docs/images"
PACE_DAYS_PER_SECOND = 1 / 8
"""Slower than `make demo`: a busy machine has eight seconds to notice the alarm and hold the replay before it ends."""
PAGES = {
    "overview": ("/", 1010),
    "model": ("/models/demo/flights/1", 860),
    "feature": ("/models/demo/flights/1/features/dep_delay_min", 1010),
    "alarms": ("/alarms", 860),
    "logs": ("/logs", 860),
    "runbook": ("/runbooks/FeatureMissingValues", 860),
    "api": ("/docs", 860),
}
"""Path and height of each page's picture; the width is 1,200."""


@contextlib.contextmanager
def _working(gpus: Control) -> Iterator[None]:
    """The GPUs at work, each in its own rhythm."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(1):
            for gpu in range(2):
                load = 0.55 + 0.4 * math.sin(time.monotonic() / (25 + 10 * gpu) + gpu)
                power, memory = int(1_000 * (100 + 550 * load)), int((30 + 25 * load) * (1 << 30))
                gpus.set(gpu, utilization=int(100 * load), power_mw=power, memory_used=memory)
                gpus.set(gpu, temperature=int(40 + 35 * load))
                gpus.set(gpu, energy_mj=gpus.get(gpu, "energy_mj") + power)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def _held(stack_: Stack) -> Iterator[None]:
    """The replay stands still, so that it stays 5 December."""
    found = Path(f"/proc/{stack_.terminal.process.pid}/task/{stack_.terminal.process.pid}/children").read_text().split()
    traffic = [int(pid) for pid in found if b"tocsin_demo.traffic" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert traffic, "no traffic among the demo's processes"
    for pid in traffic:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in traffic:
            os.kill(pid, signal.SIGCONT)


def _pages(stack_: Stack, page: Page) -> None:
    base = urlsplit(stack_.page)
    for name, (path, height) in PAGES.items():
        page.set_viewport_size({"width": 1200, "height": height})
        answer = page.goto(f"{base.scheme}://{base.netloc}{path}")
        assert answer is not None, path
        assert answer.ok, path
        page.screenshot(path=IMAGES / f"{name}.png")


def _boards(stack_: Stack, page: Page, folder: Path) -> None:
    for name in found():
        html = folder / f"{name}.html"
        options = ["--range", "4m", "--scrape-interval", "1s", "--output", str(html)]
        if code := preview(["--prometheus", stack_.prometheus.url, "--board", name, *options]):
            sys.exit(code)
        page.set_viewport_size({"width": 1400, "height": 900})
        page.goto(html.as_uri())
        page.screenshot(path=IMAGES / f"board-{name}.png", full_page=True)


def main() -> None:
    """Start everything, wait for the alarm, and take the pictures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium.binary(), args=chromium.FLAGS) as browser,
        stack(Path(folder), PACE_DAYS_PER_SECOND, _working) as running,
        _held(running),
    ):
        page = browser.new_page()
        _pages(running, page)
        _boards(running, page, Path(folder))


if __name__ == "__main__":
    main()
