"""One access token for all processes: asked for once, renewed once, and never in a loop."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from server import secrets
from server.kernel import clock
from server.settings import ROOT
from tests.harness import gateway
from tests.harness.gateway import WeChat
from tests.harness.redis import Redis
from tests.harness.standin import StandIn
from tests.harness.waiting import allowed

TOKEN = "/cgi-bin/stable_token"
ABOUT = "/cgi-bin/user/info"
KEY = f"wechat:{secrets.DEVELOPMENT_SERVICE_ACCOUNT.appid}:token"


@pytest.fixture(autouse=True)
def fresh(standin: StandIn) -> None:
    standin.reset()
    standin.follower("f-1", unionid="u-1")


@pytest.fixture
async def wechat(standin: StandIn) -> AsyncIterator[WeChat]:
    async with gateway.opened(standin.base) as opened:
        yield opened


@pytest.fixture
def fresh_redis(redis_server: Redis) -> Redis:
    redis_server.kill()
    redis_server.start()
    return redis_server


class Process:
    """Another process of ours that calls WeChat when told to."""

    def __init__(self, base: str, redis_url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.gateway", base, redis_url, "f-1"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, number: int) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()

    def outcomes(self) -> dict[str, int]:
        assert self._process.stdout
        while not (line := self._process.stdout.readline()).startswith("{"):
            assert line, "the process ended"
        found: dict[str, int] = json.loads(line)
        return found

    def end(self) -> None:
        self._process.communicate(timeout=10)


@contextmanager
def two(base: str, redis_url: str) -> Iterator[tuple[Process, Process]]:
    one, other = Process(base, redis_url), Process(base, redis_url)
    try:
        yield one, other
    finally:
        one.end()
        other.end()


def test_two_hundred_calls_of_two_processes_ask_for_one_token_and_heal_with_one(
    standin: StandIn, fresh_redis: Redis
) -> None:
    with two(standin.base, fresh_redis.url) as processes:
        for tokens in (1, 2, 3):
            for process in processes:
                process.begin(100)
            assert [process.outcomes() for process in processes] == [{"ok": 100}] * 2
            assert standin.calls(TOKEN) == tokens
            standin.revoke()


async def test_within_one_process_one_request_serves_all(wechat: WeChat, standin: StandIn) -> None:
    for tokens in range(1, 10):
        await asyncio.gather(*(wechat.service.follower("f-1") for _ in range(200)))
        assert standin.calls(TOKEN) == tokens
        standin.revoke()


async def test_a_process_that_starts_later_takes_the_token_from_redis(standin: StandIn, fresh_redis: Redis) -> None:
    for _ in range(3):
        async with gateway.opened(standin.base, fresh_redis.url) as opened:
            await opened.service.follower("f-1")
    assert standin.calls(TOKEN) == 1


async def test_a_token_refused_for_ever_ends_after_one_retry_and_asks_for_few(wechat: WeChat, standin: StandIn) -> None:
    standin.fault(ABOUT, errcode=40001)
    found = await asyncio.gather(*(gateway.outcome(wechat.service.follower("f-1")) for _ in range(50)))
    for _ in range(20):
        found.append(await gateway.outcome(wechat.service.follower("f-1")))
    assert set(found) == {"wechat_away"}
    assert standin.calls(ABOUT) <= 2 * len(found)
    assert standin.calls(TOKEN) <= 5, "the first, the same again, one by force, that one again"


async def test_a_token_that_wechat_gives_again_is_replaced_by_force_once(wechat: WeChat, standin: StandIn) -> None:
    standin.fault(ABOUT, errcode=42001, times=1)
    assert await gateway.outcome(wechat.service.follower("f-1")) == "ok"
    assert standin.calls(TOKEN) == 3, "the first, the same again, and a new one by force"
    standin.fault(ABOUT, errcode=40014, times=1)
    assert await gateway.outcome(wechat.service.follower("f-1")) == "wechat_away"
    assert standin.calls(TOKEN) == 4, "no second force within thirty seconds"
    assert await gateway.outcome(wechat.service.follower("f-1")) == "ok"


async def test_a_token_is_left_before_its_end(wechat: WeChat, standin: StandIn) -> None:
    await wechat.service.follower("f-1")
    clock.move_to(clock.now() + timedelta(seconds=6900))
    await wechat.service.follower("f-1")
    assert standin.calls(TOKEN) == 1
    clock.move_to(clock.now() + timedelta(seconds=150))
    await wechat.service.follower("f-1")
    assert standin.calls(TOKEN) == 2


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"junk",
        b"[]",
        b"{}",
        b'{"text":1,"until":2}',
        b'{"text":"t","until":"x"}',
        b"\xff",
        b'{"text":"a b","until":9e12}',
        b'{"text":["t"],"until":9e12}',
        b'{"text":"t","until":9e12,"more":1}',
    ],
)
async def test_a_broken_cache_entry_is_no_token(wechat: WeChat, standin: StandIn, junk: bytes) -> None:
    await wechat.cache.set(KEY, junk, 60)
    await wechat.service.follower("f-1")
    assert standin.calls(TOKEN) == 1


async def test_whoever_gives_up_first_takes_nothing_from_the_others(wechat: WeChat, standin: StandIn) -> None:
    standin.fault(TOKEN, delay_ms=800)
    tasks = [asyncio.create_task(wechat.service.follower("f-1")) for _ in range(10)]
    await asyncio.sleep(0.1)
    for task in tasks[:5]:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in found] == [True] * 5 + [False] * 5
    assert standin.calls(TOKEN) == 1


async def test_a_renewal_that_all_gave_up_on_fails_in_silence_and_works_later(
    wechat: WeChat, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gateways.wechat.token.SILENCE_SECONDS", 0.5)
    standin.fault(TOKEN, errcode=40164, delay_ms=400, times=1)
    task = asyncio.create_task(wechat.service.follower("f-1"))
    await asyncio.sleep(0.1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await asyncio.sleep(1.5)
    assert await gateway.outcome(wechat.service.follower("f-1")) == "ok"


async def test_a_wechat_that_gives_no_token_is_not_asked_by_every_call(wechat: WeChat, standin: StandIn) -> None:
    standin.fault(TOKEN, errcode=40125)
    for _ in range(10):
        assert await gateway.outcome(wechat.service.follower("f-1")) == "wechat_away"
    assert (standin.calls(TOKEN), standin.calls(ABOUT)) == (1, 0)


async def test_closing_ends_a_renewal(standin: StandIn) -> None:
    standin.fault(TOKEN, delay_ms=60_000)
    began = time.monotonic()
    async with gateway.opened(standin.base) as opened:
        task = asyncio.create_task(opened.service.follower("f-1"))
        await asyncio.sleep(0.3)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < allowed(2)


async def test_a_process_that_dies_with_the_lock_holds_the_others_for_seconds_only(
    wechat: WeChat, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gateways.wechat.token.LOCK_SECONDS", 0.3)
    dead = wechat.cache.lock(KEY.replace(":token", ":lock"), 0.3)
    await dead.__aenter__()
    assert await gateway.timed(wechat.service.follower("f-1")) < ("ok", allowed(1))
    assert standin.calls(TOKEN) == 1
    await dead.__aexit__(None, None, None)
