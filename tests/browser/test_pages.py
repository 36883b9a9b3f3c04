"""The leaflets and articles in a real browser: on a phone of 390 px, and as A4 paper."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness import browser
from tests.harness.app import Server
from tests.harness.browser import Tab

pytestmark = [pytest.mark.browser, pytest.mark.only("sqlite")]

WIDTH = 390
SMALLEST_TEXT = 15
A4 = (210, 297)
API = "/api/v1"
READERS = ("student", "feeder_school", "enterprise", "vocational_school")
SLUGS = ("free-tuition", "feeder-school-reward", "cooperative-class-subsidy")
LEAFLETS = [f"{API}/guide/2026/leaflet?audience={reader}" for reader in READERS]
ARTICLES = [f"{API}/guide/2026/articles/{slug}" for slug in SLUGS]
OTHERS = [
    f"{API}/guide/2026",
    f"{API}/policies/aq-2024-91/clauses/15",
    f"{API}/policies/aq-2019-7/clauses/5.2",
    f"{API}/programmes/feeder-referral",
    f"{API}/programmes/model-enterprise",
]

SMALL_TEXT = f"""
(() => {{
  const small = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {{
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility()) continue;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < {SMALLEST_TEXT}) small.push(`${{size}}px: ${{text}}`);
  }}
  return small;
}})()
"""

TOO_WIDE = f"""
[...document.querySelectorAll("body *")]
  .filter(element => element.getBoundingClientRect().right > {WIDTH} + 0.5)
  .map(element => element.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
async def tab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tab]:
    async with browser.tab(tmp_path_factory.mktemp("chromium") / "profile") as one:
        await one.phone(WIDTH)
        yield one


async def show(tab: Tab, html: str, folder: Path) -> None:
    """Open a page of the test's own."""
    path = folder / "page.html"
    path.write_text(f'<!doctype html><meta name="viewport" content="width=device-width">{html}', encoding="utf-8")
    await tab.goto(path.as_uri())


@pytest.mark.parametrize("path", [*LEAFLETS, *ARTICLES, *OTHERS])
async def test_on_a_phone_nothing_is_cut_off_or_too_small_or_fetched(server: Server, tab: Tab, path: str) -> None:
    await tab.goto(server.base + path)
    assert await tab.value("document.contentType") == "text/html"
    assert await tab.value("innerWidth") == WIDTH
    assert await tab.value("document.scrollingElement.scrollWidth") <= WIDTH
    assert await tab.value(TOO_WIDE) == []
    assert await tab.value(SMALL_TEXT) == []
    assert await tab.value("document.body.innerText.length") > 100
    assert [address for address in tab.requests if not address.startswith("data:")] == [server.base + path]


@pytest.mark.parametrize("path", LEAFLETS)
async def test_a_leaflet_is_one_sheet_of_a4(server: Server, tab: Tab, path: str) -> None:
    await tab.goto(server.base + path)
    assert await tab.sheets() == [A4]


@pytest.mark.parametrize("path", ARTICLES)
async def test_an_article_prints_on_a4(server: Server, tab: Tab, path: str) -> None:
    await tab.goto(server.base + path)
    sheets = await tab.sheets()
    assert set(sheets) == {A4}
    assert len(sheets) <= 2


async def test_the_front_door_leads_to_the_guide(server: Server, tab: Tab) -> None:
    await tab.goto(server.base + "/")
    assert await tab.value("location.pathname") == f"{API}/guide/2026"
    links: list[str] = await tab.value("[...document.querySelectorAll('main a')].map(a => a.getAttribute('href'))")
    assert set(LEAFLETS + ARTICLES) <= set(links)


@pytest.mark.parametrize(
    ("html", "expression"),
    [
        ('<p style="font-size: 14px">小字</p>', SMALL_TEXT),
        ('<div style="width: 400px">太宽</div>', TOO_WIDE),
    ],
)
async def test_what_is_looked_for_would_be_seen(tab: Tab, tmp_path: Path, html: str, expression: str) -> None:
    await show(tab, html, tmp_path)
    assert len(await tab.value(expression)) == 1


async def test_a_second_sheet_and_a_fetched_picture_would_be_seen(tab: Tab, tmp_path: Path) -> None:
    long = '<style>@page { size: A4 }</style><p style="height: 1200px">长</p><img src="missing.png">'
    await show(tab, long, tmp_path)
    assert await tab.sheets() == [A4, A4]
    assert [Path(address).name for address in tab.requests] == ["page.html", "missing.png"]
