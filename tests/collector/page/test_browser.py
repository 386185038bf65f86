"""The page in a real browser: three widths, light and dark, with scripts and without."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.servers import chromium
from tests.servers.cache import have

pytestmark = pytest.mark.browser

PATHS = (
    "/", "/models/demo/flights/2", "/models/demo/flights/2/features/dep_delay", "/models/shop/churn/7",
    "/models/demo/flights/2/quality",    "/logs?q=flight", "/alarms", "/runbooks/GpuXid",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not for the whole session: while playwright is there this thread has an event loop, and no test may run another.
    path = have(chromium.binary)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        yield made
        made.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Any]:
    """Opens pages with the given context; at the end none may have written to the console."""
    contexts = []
    said: list[str] = []

    def visit(path: str, **keywords: Any) -> Page:
        context = browser.new_context(**keywords)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        answer = page.goto(address + path)
        assert answer is not None
        assert answer.ok
        return page

    yield visit
    for context in contexts:
        context.close()
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1000, 1600])
def test_every_page_fits_its_width(visit: Any, address: str, width: int, scheme: str) -> None:
    page = visit(PATHS[0], viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in PATHS:
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        assert page.evaluate("getComputedStyle(document.querySelector('.card')).borderTopLeftRadius") != "0px", (
            "no style"
        )


OVERLAPS = """() => [...document.querySelectorAll('svg.chart')].flatMap((chart) => {
  const seen = [...chart.querySelectorAll('text.tick')].map((text) => [text.textContent, text.getBoundingClientRect()])
    .filter(([_, box]) => box.width > 0).sort((a, b) => a[1].left - b[1].left);
  return seen.slice(1).filter(([_, box], index) => box.left < seen[index][1].right + 2).map(([text]) => text);
})"""


@pytest.mark.parametrize("width", [320, 400, 560, 1000, 1280])
def test_no_name_beneath_a_chart_lies_on_another(visit: Any, address: str, width: int) -> None:
    page = visit(PATHS[0], viewport={"width": width, "height": 900})
    for path in PATHS:
        page.goto(address + path)
        assert page.evaluate(OVERLAPS) == [], path


def test_the_history_of_alarms_can_be_read_on_a_telephone(visit: Any) -> None:
    page = visit("/alarms", viewport={"width": 400, "height": 900})
    row = page.locator(".history tbody tr").first
    assert row.bounding_box()["height"] < 200
    assert "fired" in row.locator(".time").first.evaluate("e => getComputedStyle(e, '::before').content")


CONTRAST = """(element) => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (value) => value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  let behind = element;
  while ((parse(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0) behind = behind.parentElement;
  const text = light(parse(getComputedStyle(element).color));
  const ground = light(parse(getComputedStyle(behind).backgroundColor));
  return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
}"""


def _contrast(page: Page, selector: str) -> float:
    """WCAG's contrast of an element's text against the first background behind it."""
    return float(page.locator(selector).first.evaluate(CONTRAST))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read(visit: Any, scheme: str) -> None:
    page = visit("/", color_scheme=scheme)
    for selector in (
        "h2",
        ".note",
        ".pill.critical",
        ".pill.warning",
        ".pill.ok",
        "main a",
        ".tile .label",
        ".clock",
        ".count",
        ".server .bad",
        ".server .muted",
        ".tile .query",
        ".board",
    ):
        assert _contrast(page, selector) >= 4.5, selector
    page = visit("/models/demo/flights/2", color_scheme=scheme)
    for selector in (".cell.ok", ".cell.alarm", ".chartcard.alarmed .big", ".legend span"):
        assert _contrast(page, selector) >= 4.5, selector


def test_all_of_it_is_there_without_scripts(visit: Any) -> None:
    page = visit("/models/demo/flights/2", java_script_enabled=False)
    assert page.locator("svg.chart").count() >= 14
    assert page.get_by_text("2 windows in a row alarm, since 5 Dec 2013.").is_visible()
    page.get_by_role("link", name="dep_delay", exact=True).click()
    assert page.get_by_role("heading", name="dep_delay").is_visible()
    page.locator("nav.steps a").first.click()
    assert page.url.split("?")[1].startswith("end=")


def test_a_search_works_without_scripts(visit: Any) -> None:
    page = visit("/logs", java_script_enabled=False)
    page.get_by_label("Search").fill('"flight UA1007"')
    page.get_by_label("Level").select_option("warning")
    page.get_by_role("button", name="Search").click()
    assert page.get_by_text("Nothing found.").is_visible()
    page.get_by_label("Level").select_option("")
    page.get_by_role("button", name="Search").click()
    assert page.locator("mark").first.is_visible()


def test_the_page_renews_itself_and_keeps_what_is_open(visit: Any) -> None:
    page = visit("/models/demo/flights/2")
    page.evaluate("document.querySelector('main').dataset.old = '1'")
    which = "[...document.querySelectorAll('main details')].map(item => item.open)"
    first, *others = page.evaluate(which)
    page.locator("main summary").first.click()
    page.locator("main[data-old]").wait_for(state="detached", timeout=15_000)
    assert page.evaluate(which) == [not first, *others]
    assert page.get_by_role("heading", name="flights").is_visible()


def test_a_dot_of_the_timeline_leads_to_its_window(visit: Any) -> None:
    page = visit("/models/demo/flights/2/features/wind_speed", viewport={"width": 1200, "height": 900})
    page.locator("a:has(circle.dot.alarm)").first.click()
    page.wait_for_url("**end=*")
    assert page.get_by_text("5 Dec 2013", exact=True).is_visible()
