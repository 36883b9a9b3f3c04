"""The story of an award in a real browser: on a phone of 390 px, and on A4 paper."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from server.organisations.roles import Role
from tests.browser.test_pages import A4, SMALL_TEXT, TOO_WIDE, WIDTH
from tests.harness import browser
from tests.harness.browser import Tab
from tests.harness.callers import staff
from tests.statements.telling import told

pytestmark = [pytest.mark.browser, pytest.mark.only("sqlite"), pytest.mark.usefixtures("database")]


@pytest.fixture(scope="module")
async def page(client: aiohttp.ClientSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as the server gives it, in a file: a browser's address bar sends no token."""
    award = (await told()).award
    editor = await staff(client, Role.EDITOR)
    status, html, _ = await editor.ask("GET", f"/awards/{award.id}/story", Accept="text/html")
    assert status == 200
    path = tmp_path_factory.mktemp("story") / "story.html"
    path.write_bytes(html)
    return path


@pytest.fixture(scope="module")
async def tab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tab]:
    async with browser.tab(tmp_path_factory.mktemp("chromium") / "profile") as one:
        await one.phone(WIDTH)
        yield one


async def test_on_a_phone_nothing_is_cut_off_or_too_small_or_fetched(page: Path, tab: Tab) -> None:
    await tab.goto(page.as_uri())
    assert await tab.value("document.scrollingElement.scrollWidth") <= WIDTH
    assert await tab.value(TOO_WIDE) == []
    assert await tab.value(SMALL_TEXT) == []
    assert await tab.value("document.body.innerText.length") > 500
    assert [address for address in tab.requests if not address.startswith("data:")] == [page.as_uri()]


async def test_it_prints_on_a4(page: Path, tab: Tab) -> None:
    await tab.goto(page.as_uri())
    sheets = await tab.sheets()
    assert set(sheets) == {A4}
    assert len(sheets) <= 3
