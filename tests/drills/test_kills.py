"""Nothing acknowledged is lost: the app is killed under load, and PostgreSQL with it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server import db
from server.kernel.outbox import Event
from tests.harness import postgres
from tests.harness.app import TOKEN, Server
from tests.harness.postgres import Postgres

WRITERS = 8


async def write_until(server: Server, acknowledged: set[str], enough: int) -> None:
    """Write one note after the other, with a key each, and note every 201; a killed server is waited for."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(server.base, headers=headers, timeout=aiohttp.ClientTimeout(5)) as client:
        while len(acknowledged) < enough:
            try:
                async with client.post("/probe/notes", json={"text": "kept"}) as answer:
                    if answer.status == 201:
                        acknowledged.add((await answer.json())["id"])
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.05)


async def killed_under_load(server: Server, kills: int, enough: int, also: Callable[[], None]) -> set[str]:
    acknowledged: set[str] = set()
    writers = [asyncio.create_task(write_until(server, acknowledged, enough)) for _ in range(WRITERS)]
    for kill in range(1, kills + 1):
        while len(acknowledged) < enough * kill // (kills + 1):
            await asyncio.sleep(0.01)
        server.kill()
        await asyncio.to_thread(also)
        server.start()
        await asyncio.to_thread(server.wait_until_live)
    await asyncio.gather(*writers)
    return acknowledged


@pytest.fixture
def victim(database_url: str, tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "log", {"YZT_DATABASE_URL": database_url, "YZT_DATA_DIR": str(tmp_path)})
    server.start()
    server.wait_until_live()
    yield server
    server.kill()


async def test_a_killed_app_loses_nothing_acknowledged(victim: Server, database: BaseDBAsyncClient) -> None:
    acknowledged = await killed_under_load(victim, kills=3, enough=1000, also=lambda: None)
    kept = {str(event.id) for event in await Event.filter(subject="kept")}
    assert len(acknowledged) >= 1000
    assert acknowledged <= kept
    assert await db.schema_faults(database) == []


@pytest.fixture
def own_postgres() -> Iterator[tuple[Postgres, str]]:
    with postgres.running() as server:
        yield server, server.fresh()


@pytest.mark.drill
@pytest.mark.only("postgres")
@pytest.mark.usefixtures("database_url")
async def test_a_crashed_database_loses_nothing_acknowledged(
    own_postgres: tuple[Postgres, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database_server, url = own_postgres
    server = Server(tmp_path / "log", {"YZT_DATABASE_URL": url, "YZT_DATA_DIR": str(tmp_path)})
    server.start()
    request.addfinalizer(server.kill)
    server.wait_until_live()

    def crash() -> None:
        database_server.crash()
        database_server.start_again()

    acknowledged = await killed_under_load(server, kills=10, enough=3000, also=crash)
    async with db.opened(url):
        kept = {str(event.id) for event in await Event.filter(subject="kept")}
    assert acknowledged <= kept
