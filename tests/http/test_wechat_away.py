"""WeChat away, as whoever signs in and whoever runs the system see it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from server import secrets
from server.gateways.wechat.link import FAILURES
from server.settings import ROOT
from tests.harness.app import Server
from tests.harness.standin import StandIn
from tests.harness.waiting import allowed, until

pytestmark = pytest.mark.once

SIGN_IN = "/sns/jscode2session"


@pytest.fixture
def away(standin: StandIn) -> Iterator[StandIn]:
    standin.fault(SIGN_IN, status=502)
    yield standin
    standin.reset()


async def sign_in(client: aiohttp.ClientSession, code: str) -> tuple[int, dict[str, Any], str | None]:
    async with client.post("/api/v1/sessions", json={"code": code}) as answer:
        return answer.status, await answer.json(), answer.headers.get("Retry-After")


async def condition(client: aiohttp.ClientSession) -> tuple[int, str]:
    async with client.get("/health/ready") as answer:
        return answer.status, (await answer.json())["checks"]["wechat"]


async def test_people_are_told_the_operator_sees_it_and_it_heals(
    server: Server, client: aiohttp.ClientSession, away: StandIn
) -> None:
    assert await condition(client) == (200, "ok")
    code = away.code("demo-student")
    for _ in range(FAILURES + 3):
        status, body, after = await sign_in(client, code)
        assert (status, body["code"], after) == (503, "wechat_away", "5")
    assert away.calls(SIGN_IN) == FAILURES
    assert await condition(client) == (200, "degraded")
    began = time.monotonic()
    await sign_in(client, code)
    assert time.monotonic() - began < allowed(1), "fails at once"
    away.reset()

    async def signed_in() -> bool:
        return (await sign_in(client, away.code("demo-student")))[0] in {200, 201}

    await until(signed_in, 8)
    assert await condition(client) == (200, "ok")
    written = server.log.read_text(encoding="utf-8")
    assert "wechat is away" in written
    assert not [text for text in (code, "js_code", secrets.DEVELOPMENT_MINI_PROGRAM.secret) if text in written]


def test_a_process_that_calls_nobody_loads_no_library_for_it() -> None:
    heavy = "aiohttp", "wechatpy", "requests", "redis"
    source = f"import sys, server.app; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
