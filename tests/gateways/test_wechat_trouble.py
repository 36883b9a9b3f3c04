"""WeChat slow, down, dropping, talking nonsense: a clear refusal each time, in time, and no secret in anything said."""

import asyncio
import contextlib
import io
import json
import logging
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from server.gateways.cache import Cache
from server.gateways.wechat import transport
from server.gateways.wechat.answers import AwayError, RefusedError, document, image
from server.gateways.wechat.gateway import MiniProgram, ServiceAccount
from server.gateways.wechat.link import FAILURES, Link
from server.gateways.wechat.outcomes import PushOutcome, PushState
from server.kernel.errors import DomainError
from tests.harness import gateway, nonsense
from tests.harness.app import free_port
from tests.harness.gateway import WeChat
from tests.harness.nonsense import ACCESS_TOKEN, Nonsense, cut, drip, drop, hang, say
from tests.harness.standin import StandIn
from tests.harness.waiting import allowed

SIGN_IN = "/sns/jscode2session"
APPID, SECRET, CODE, OPENID = "wxcanary", "canary-secret", "canary-code", "canary-openid"
CANARIES = (SECRET, CODE, OPENID, ACCESS_TOKEN)


@contextlib.asynccontextmanager
async def opened(base: str) -> AsyncIterator[WeChat]:
    link, cache = Link(base), Cache()
    yield WeChat(link, cache, MiniProgram(link, cache, APPID, SECRET), ServiceAccount(link, cache, APPID, SECRET))
    await link.close()


@pytest.fixture
async def server() -> AsyncIterator[Nonsense]:
    async with nonsense.running() as running:
        yield running


def calls(wechat: WeChat) -> list[Callable[[], Awaitable[Any]]]:
    """Every call that a person waits for."""
    return [
        lambda: wechat.mini.identity(CODE),
        lambda: wechat.mini.phone(CODE),
        lambda: wechat.mini.check_text(OPENID, "text", 3),
        lambda: wechat.mini.code_image("s", "pages/index"),
        lambda: wechat.service.follower(OPENID),
    ]


NONSENSE = [
    b"", b"null", b"[]", b'"text"', b"1", b"<html><body>oops</body></html>", b"{", b'{"openid":', b"\xff\xfe",
    b'{"openid":"o","x":NaN}', b'{"openid":"o","x":1e400}', b"[" * 5000, b'{"a":' * 5000, b'{"errcode":"0"}',
    b'{"errcode":true}', b'{"errcode":null}', b'{"errcode":1.5}', b'{"errcode":[]}', b"{}", b'{"errcode":0}',
    b'{"openid":"","phone_info":{},"result":{},"subscribe":"1"}',
    b'{"openid":1,"phone_info":1,"result":1,"subscribe":2}',
    b'{"openid":"a b","phone_info":{"purePhoneNumber":13800138000,"countryCode":86},"result":[],"subscribe":true}',
    b'{"openid":["o"],"phone_info":{"purePhoneNumber":"1380013800x","countryCode":"86"},"result":{"suggest":"pass"}}',
    b'{"openid":"' + b"o" * 65 + b'","phone_info":{"purePhoneNumber":"13800138000"},"subscribe":1,"unionid":7}',
    b'{"openid":null,"phone_info":{"purePhoneNumber":"13800138000","countryCode":"86","watermark":{"appid":"other"}}}',
    b'{"openid":{},"phone_info":{"purePhoneNumber":"13800138000","countryCode":"86","watermark":"wxcanary"}}',
    b"GIF89a", b"\x89PNX",
]  # fmt: skip


@pytest.mark.parametrize(
    ("msgid", "named"),
    [
        ("7", "7"),
        ('"m-1"', "m-1"),
        (f'"{"1" * 64}"', "1" * 64),
        (f'"{"1" * 65}"', None),
        ('""', None),
        ('"a\\u0000b"', None),
        ('"7\\n"', None),
        ('"消息"', None),
        ("1.5", None),
        ("true", None),
        ("null", None),
    ],
)
async def test_an_odd_name_of_a_push_is_no_name(server: Nonsense, msgid: str, named: str | None) -> None:
    server.answer = say(f'{{"errcode":0,"msgid":{msgid}}}'.encode())
    async with opened(server.base) as wechat:
        sent = await wechat.mini.push(OPENID, "template", "page", {})
    assert sent == PushOutcome(PushState.SENT, named)


@pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
async def test_nonsense_counts_as_no_answer(server: Nonsense, answer: bytes) -> None:
    server.answer = say(answer)
    async with opened(server.base) as wechat:
        for call in calls(wechat):
            with pytest.raises(DomainError) as raised:
                await call()
            assert (raised.value.slug, raised.value.status) == ("wechat_away", 503)


@given(st.binary(max_size=300) | st.text(max_size=50).map(lambda text: json.dumps({"errcode": text}).encode()))
@settings(max_examples=3 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_whatever_bytes_come_they_are_read_or_refused(data: bytes) -> None:
    for read in (document, image):
        with contextlib.suppress(AwayError, RefusedError):
            read(data)


TROUBLE = {
    "500": say(b"{}", 500),
    "404": say(b"{}", 404),
    "redirect": say(b"", 302, Location="http://127.0.0.1:1/stolen?secret=1"),
    "huge": say(b" " * (3 * 1024 * 1024)),
    "compressed": say(b"\x1f\x8b" + b"0" * 100, 200, **{"Content-Encoding": "gzip"}),
    "drop": drop,
    "cut": cut,
    "hang": hang,
    "drip": drip,
}


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_trouble_ends_in_time_and_no_secret_is_said(
    server: Nonsense, trouble: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transport, "TOTAL_SECONDS", 0.4)
    caplog.set_level(logging.DEBUG)
    server.answer = TROUBLE[trouble]
    async with opened(server.base) as wechat:
        with capture_logs() as logs:
            for call in calls(wechat):
                began = time.monotonic()
                with pytest.raises(DomainError) as raised:
                    await call()
                assert raised.value.slug == "wechat_away"
                assert time.monotonic() - began < allowed(1.5)
                assert said(raised.value) == []
            await wechat.mini.push(OPENID, "t", "p", {"thing1": "v"})
    assert logs
    assert not [canary for canary in CANARIES if canary in str(logs) + caplog.text]


async def test_wechat_down_says_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(f"http://127.0.0.1:{free_port()}") as wechat:
        with capture_logs() as logs:
            for call in calls(wechat):
                with pytest.raises(DomainError) as raised:
                    await call()
                assert said(raised.value) == []
    assert not [canary for canary in CANARIES if canary in str(logs) + caplog.text]


async def test_words_of_wechat_that_quote_ours_are_not_kept(server: Nonsense) -> None:
    words = {"errcode": 40125, "errmsg": f"invalid {SECRET} {CODE} data.{OPENID}.value {ACCESS_TOKEN}"}
    server.answer = say(json.dumps(words).encode())
    async with opened(server.base) as wechat:
        with capture_logs() as logs:
            for call in calls(wechat):
                with pytest.raises(DomainError) as raised:
                    await call()
                assert said(raised.value) == []
            await wechat.service.push(OPENID, "t", {"thing1": "v"})
    assert not [canary for canary in CANARIES if canary in str(logs)]


def said(error: BaseException) -> list[str]:
    """Return which canaries show in an exception, in what it came from, or in a traceback printed with its values."""
    seen, chain = io.StringIO(), [error]
    while chain:
        one = chain.pop()
        print(repr(one), one.args, vars(one), *traceback.format_exception(one, chain=False), file=seen)
        chain += [other for other in (one.__cause__, one.__context__) if other]
    return [canary for canary in CANARIES if canary in seen.getvalue()]


async def test_wechat_down_is_left_alone_and_tried_again(server: Nonsense, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.gateways.wechat.link.PAUSE_SECONDS", 1.0)
    server.answer = say(b"", 502)
    async with opened(server.base) as wechat:
        assert wechat.link.healthy()
        for _ in range(FAILURES + 10):
            assert await gateway.outcome(wechat.mini.identity(CODE)) == "wechat_away"
        assert len(server.asked) == FAILURES
        assert not wechat.link.healthy()
        await asyncio.sleep(1.1)
        found = await asyncio.gather(*(gateway.outcome(wechat.mini.identity(CODE)) for _ in range(20)))
        assert set(found) == {"wechat_away"}
        assert len(server.asked) == FAILURES + 1, "one probe"
        server.answer = say(b'{"openid":"o","session_key":"k"}')
        await asyncio.sleep(1.1)
        assert await gateway.outcome(wechat.mini.identity(CODE)) == "ok"
        assert wechat.link.healthy()


async def test_an_old_failure_is_no_news_but_the_next_call_is_a_probe_still(
    server: Nonsense, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gateways.breaker.FORGOTTEN_SECONDS", 1.5)
    monkeypatch.setattr("server.gateways.wechat.link.PAUSE_SECONDS", 0.5)
    server.answer = say(b"", 502)
    async with opened(server.base) as wechat:
        for _ in range(FAILURES):
            await gateway.outcome(wechat.mini.identity(CODE))
        assert not wechat.link.healthy()
        await asyncio.sleep(1.6)
        assert wechat.link.healthy()
        await asyncio.gather(*(gateway.outcome(wechat.mini.identity(CODE)) for _ in range(20)))
        assert len(server.asked) == FAILURES + 1, "one probe"
        assert not wechat.link.healthy()


async def test_a_lost_answer_is_not_asked_for_again(standin: StandIn) -> None:
    standin.reset()
    async with gateway.opened(standin.base) as wechat:
        assert await gateway.outcome(wechat.mini.identity(standin.code("first"))) == "ok"  # a connection to reuse
        code = standin.code("anna")
        standin.fault(SIGN_IN, drop=True, after=True, times=1)
        before = standin.calls(SIGN_IN)
        with pytest.raises(DomainError) as raised:
            await wechat.mini.identity(code)
        assert (raised.value.slug, raised.value.status) == ("wechat_away", 503)
        assert standin.calls(SIGN_IN) - before == 1
        assert await gateway.outcome(wechat.mini.identity(standin.code("anna"))) == "ok"
    standin.reset()


async def test_one_kind_of_call_failing_does_not_stop_the_others(server: Nonsense) -> None:
    server.answer = say(b"", 502)
    async with opened(server.base) as wechat:
        for _ in range(FAILURES + 1):
            await gateway.outcome(wechat.service.follower(OPENID))
        server.answer = say(b'{"openid":"o","session_key":"k"}')
        assert await gateway.outcome(wechat.mini.identity(CODE)) == "ok"


async def test_callers_who_hang_up_lose_no_connection(server: Nonsense) -> None:
    server.answer = hang
    async with opened(server.base) as wechat:
        for _ in range(3):
            tasks = [asyncio.create_task(wechat.mini.identity(CODE)) for _ in range(transport.CONNECTIONS)]
            await asyncio.sleep(0.3)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        server.answer = say(b'{"openid":"o","session_key":"k"}')
        found, seconds = await gateway.timed(wechat.mini.identity(CODE))
        assert found == "ok"
        assert seconds < allowed(1)
