"""PostgreSQL goes away and comes back: a clear 503 meanwhile, and nothing to do by hand afterwards."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.harness import app
from tests.harness.app import TOKEN, Server
from tests.harness.postgres import Postgres
from tests.harness.waiting import allowed, until

pytestmark = [pytest.mark.only("postgres"), pytest.mark.usefixtures("database_url")]


@pytest.fixture
def own_server(crashable_postgres: Postgres, tmp_path: Path) -> Iterator[Server]:
    url = crashable_postgres.fresh()
    with app.running(tmp_path / "log", YZT_DATABASE_URL=url, YZT_DATA_DIR=str(tmp_path)) as server:
        yield server


async def test_503_while_it_is_away_and_service_again_within_ten_seconds(
    own_server: Server, crashable_postgres: Postgres
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(own_server.base, headers=headers) as client:

        async def status(method: str, path: str, **options: object) -> int:
            async with client.request(method, path, **options) as answer:  # type: ignore[arg-type]
                if answer.status == 503 and not path.startswith("/health"):
                    assert answer.headers["Retry-After"]
                    assert (await answer.json(content_type=None))["code"] == "unavailable"
                return answer.status

        assert await status("GET", "/probe/notes") == 200
        crashable_postgres.crash()
        for _ in range(3):
            began = time.monotonic()
            assert await status("GET", "/probe/notes") == 503
            assert await status("POST", "/probe/notes", json={"text": "x"}) == 503
            assert await status("GET", "/health/ready") == 503
            assert await status("GET", "/health/live") == 200
            assert await status("GET", "/api/v1/guide/2026") == 200  # content needs no database
            assert time.monotonic() - began < allowed(2)
        await asyncio.to_thread(crashable_postgres.start_again)

        async def back() -> bool:
            return await status("POST", "/probe/notes", json={"text": "x"}) == 201

        await until(back, 10)
        assert await status("GET", "/health/ready") == 200
        assert (
            await asyncio.gather(*(status("POST", "/probe/notes", json={"text": "x"}) for _ in range(30))) == [201] * 30
        )
