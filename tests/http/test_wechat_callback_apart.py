"""Callbacks in production, with the jobs in another process, and while the database is away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from server.callbacks.models import WeChatEvent
from server.people.models import Follower
from server.secrets import WeChatAccount
from tests.callbacks.sealing import MINI_PROGRAM, SERVICE_ACCOUNT, Call, as_xml, event, greeting, plain, sealed
from tests.harness import app
from tests.harness.app import Server
from tests.harness.postgres import Postgres
from tests.harness.standin import StandIn
from tests.harness.waiting import until
from tests.test_settings import PRODUCTION

MINI, SERVICE = "/api/v1/wechat/callback", "/api/v1/wechat/service-callback"


async def status(server: Server, path: str, call: Call) -> int:
    async with (
        aiohttp.ClientSession(server.base) as client,
        client.post(f"{path}?{call.text}", data=call.body) as answer,
    ):
        return answer.status


@pytest.fixture
def in_production(settings: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    environment = {**PRODUCTION, **settings, "YZT_HOST": "127.0.0.1", "YZT_REDIS_URL": "", "YZT_JOBS": "off"}
    with app.running(tmp_path / "production.log", **environment) as server:
        yield server


async def test_production_takes_its_own_accounts_in_secure_mode_only(in_production: Server) -> None:
    for path, prefix in ((MINI, "YZT_WECHAT"), (SERVICE, "YZT_SERVICE")):
        texts = [PRODUCTION[f"{prefix}_{name}"] for name in ("APPID", "SECRET", "CALLBACK_TOKEN", "CALLBACK_KEY")]
        account = WeChatAccount(*texts)
        message = as_xml(event(openid=f"o-{prefix}"))
        assert await status(in_production, path, plain(message, account)) == 403
        assert await status(in_production, path, sealed(message, account)) == 200
        for stand_in in (MINI_PROGRAM, SERVICE_ACCOUNT):
            assert await status(in_production, path, sealed(message, stand_in)) == 403
        async with (
            aiohttp.ClientSession(in_production.base) as client,
            client.get(f"{path}?{greeting(account).text}") as answer,
        ):
            assert answer.status == 200


@contextlib.asynccontextmanager
async def working(settings: dict[str, str], log: Path) -> AsyncIterator[None]:
    worker = Server(log, settings, "server", ("worker",))
    worker.start()
    try:
        yield
    finally:
        assert await asyncio.to_thread(worker.stop) == 0


@pytest.mark.usefixtures("database")
async def test_a_worker_process_does_the_work(settings: dict[str, str], standin: StandIn, tmp_path: Path) -> None:
    settings = {**settings, "YZT_WECHAT_URL": standin.base}
    with app.running(tmp_path / "front.log", **settings, YZT_JOBS="off") as front:
        standin.point(front.base)
        standin.follower("o-worker", unionid="u-worker", following=True)

        async def kept() -> bool:
            return await WeChatEvent.filter(openid="o-worker").exists()

        await until(kept)
        assert not await Follower.filter(openid="o-worker").exists()

        async def known() -> bool:
            return await Follower.filter(openid="o-worker", unionid="u-worker").exists()

        async with working(settings, tmp_path / "worker.log"):
            await until(known)


@pytest.fixture
def own_server(crashable_postgres: Postgres, tmp_path: Path) -> Iterator[Server]:
    url = crashable_postgres.fresh()
    with app.running(tmp_path / "log", YZT_DATABASE_URL=url, YZT_DATA_DIR=str(tmp_path)) as server:
        yield server


@pytest.mark.only("postgres")
@pytest.mark.usefixtures("database_url")
async def test_what_comes_while_the_database_is_away_is_asked_for_again(
    own_server: Server, crashable_postgres: Postgres
) -> None:
    call = sealed(as_xml(event()))
    assert await status(own_server, MINI, call) == 200
    crashable_postgres.crash()
    later = sealed(as_xml(event(openid="o-later")))
    assert await status(own_server, MINI, later) == 503
    assert await status(own_server, MINI, call.with_query(nonce="1")) == 403
    await asyncio.to_thread(crashable_postgres.start_again)

    async def taken() -> bool:
        return await status(own_server, MINI, later) == 200

    await until(taken)
