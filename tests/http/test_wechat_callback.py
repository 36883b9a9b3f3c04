"""WeChat's calls over HTTP: answered at once, worked on afterwards, and nothing forged leaves a trace."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.callbacks.models import WeChatEvent
from server.people.models import Follower
from tests.callbacks.sealing import (
    MINI_PROGRAM,
    SERVICE_ACCOUNT,
    Call,
    around,
    as_json,
    as_xml,
    event,
    greeting,
    now,
    plain,
    sealed,
)
from tests.harness.app import Server
from tests.harness.raw import send
from tests.harness.standin import StandIn
from tests.harness.waiting import allowed, logged, until

pytestmark = pytest.mark.usefixtures("database")
MINI, SERVICE = "/api/v1/wechat/callback", "/api/v1/wechat/service-callback"


async def post(client: aiohttp.ClientSession, call: Call, path: str = MINI, **headers: str) -> tuple[int, str]:
    async with client.post(f"{path}?{call.text}", data=call.body, headers=headers) as answer:
        if answer.status == 200:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return answer.status, await answer.text()


async def count() -> int:
    return await WeChatEvent.all().count()


@pytest.mark.parametrize(("path", "account"), [(MINI, MINI_PROGRAM), (SERVICE, SERVICE_ACCOUNT)])
@pytest.mark.parametrize("echostr", ["4832091785", "<script>alert(1)</script>"])
async def test_the_greeting_is_answered_as_plain_text(
    client: aiohttp.ClientSession, path: str, account: Any, echostr: str
) -> None:
    async with client.get(f"{path}?{greeting(account, echostr).text}") as answer:
        assert (answer.status, await answer.text(), answer.content_type) == (200, echostr, "text/plain")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"signature": "0" * 40}, 403),
        ({"signature": ""}, 403),
        ({"signature": "签" * 40}, 403),
        ({"signature": "a" * 129}, 422),
        ({"timestamp": "1700000000"}, 403),
        ({"timestamp": "1" * 17}, 422),
        ({"nonce": "n" * 65}, 422),
        ({"echostr": "e" * 257}, 422),
        ({"echostr": "a\r\nSet-Cookie: b=c"}, 400),
    ],
)
async def test_a_wrong_greeting_is_refused(client: aiohttp.ClientSession, changed: Any, status: int) -> None:
    async with client.get(f"{MINI}?{greeting().with_query(**changed).text}") as answer:
        found = await answer.json(content_type=None)
        assert (answer.status, "Set-Cookie" in answer.headers) == (status, False)
    assert all("一" <= fault["detail"][0] <= "鿿" for fault in found["errors"])


async def test_what_the_address_lacks_or_says_twice_is_named(client: aiohttp.ClientSession) -> None:
    async with client.get(MINI) as answer:
        found = await answer.json(content_type=None)
    assert (answer.status, {fault["pointer"] for fault in found["errors"]}) == (
        422,
        {"?timestamp", "?nonce", "?echostr"},
    )
    async with client.get(f"{MINI}?{greeting().text}&nonce=again&signature=again") as answer:
        found = await answer.json(content_type=None)
    assert (answer.status, {fault["pointer"] for fault in found["errors"]}) == (422, {"?nonce", "?signature"})


async def test_a_parameter_that_wechat_comes_to_add_is_no_reason_to_refuse(client: aiohttp.ClientSession) -> None:
    call = sealed(as_json(event("new", "o-new"))).with_query(something_new="1")
    assert await post(client, call) == (200, "success")


@pytest.mark.parametrize("content_type", ["text/xml", "application/json", "text/plain", ""])
async def test_the_content_type_does_not_matter(client: aiohttp.ClientSession, content_type: str) -> None:
    for call in (sealed(as_xml(event("typed"))), sealed(as_json(event("typed")), json_outside=True)):
        assert await post(client, call, **{"Content-Type": content_type}) == (200, "success")


async def test_each_account_has_its_own_address(client: aiohttp.ClientSession) -> None:
    before = await count()
    call = sealed(as_xml(event("subscribe", "o-own")), SERVICE_ACCOUNT)
    assert (await post(client, call, MINI))[0] == 403
    assert await count() == before
    assert await post(client, call, SERVICE) == (200, "success")
    assert await count() == before + 1


async def test_of_twenty_repetitions_at_once_one_row_stays(client: aiohttp.ClientSession) -> None:
    message = as_xml(event("subscribe", "o-twenty"))
    call = sealed(message, SERVICE_ACCOUNT)
    again = [sealed(message, SERVICE_ACCOUNT, timestamp=now(n)) for n in range(10)]  # sealed anew, as WeChat does
    answers = await asyncio.gather(*(post(client, one, SERVICE) for one in [call] * 10 + again))
    assert answers == [(200, "success")] * 20
    assert await WeChatEvent.filter(openid="o-twenty").count() == 1


async def test_nothing_forged_leaves_a_row(client: aiohttp.ClientSession, server: Server) -> None:
    before = await count()
    message = as_xml(event("subscribe", "o-forged-openid"))
    valid = sealed(message)
    forged = [
        valid.with_query(msg_signature="0" * 40),
        valid.with_query(nonce="1"),
        sealed(message, timestamp=now(-400)),
        sealed(message, timestamp=now(400)),
        sealed(message, SERVICE_ACCOUNT),
        around("AAAA"),
        Call(valid.query, b""),
        Call(valid.query, b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Encrypt>&f;</Encrypt></xml>'),
        plain(as_xml(event("subscribe"))).with_query(signature="0" * 40),
    ]
    answers = [await post(client, call) for call in forged]
    assert {status for status, _ in answers} <= {400, 403}
    assert {"o-forged-openid" in text for _, text in answers} == {False}
    assert await count() == before
    await until(lambda: logged(server, '"reason":"not fresh"'))
    log = server.log.read_text()
    for secret in ("o-forged-openid", MINI_PROGRAM.callback_token, MINI_PROGRAM.callback_key, valid.query["nonce"]):
        assert secret not in log


async def test_a_body_past_the_limit_is_413_and_ten_megabytes_soon(
    client: aiohttp.ClientSession, server: Server
) -> None:
    call = sealed(as_xml(event()))
    assert (await post(client, Call(call.query, b"<" * 65_537)))[0] == 413
    head = f"POST {MINI}?{call.text} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10 * 2**20}\r\n\r\n".encode()
    began = time.monotonic()
    answer = await asyncio.to_thread(send, server, head, b"<" * 100_000)
    assert (answer.statuses, answer.closed) == ([413], True)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b"<" * 65_536

    try:
        async with client.post(f"{MINI}?{call.text}", data=chunks()) as chunked:
            assert chunked.status == 413
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        pass  # the server had said no and closed while we were still talking
    assert time.monotonic() - began < allowed(3)
    async with client.get("/health/live") as alive:
        assert alive.status == 200


async def test_other_methods_are_refused(client: aiohttp.ClientSession) -> None:
    async with client.put(MINI) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


def test_no_mutation_of_a_valid_call_is_accepted_or_breaks_us(server: Server) -> None:
    """Over the wire, as anybody may send it; the reader's own tests do the same many times over."""
    valid = sealed(as_json(event("subscribe_msg_popup_event", "o-mutated")), json_outside=True)
    target, signed = f"{MINI}?{valid.text}", valid.query["msg_signature"]
    end = valid.body.rindex(b'"')
    begin = valid.body.rindex(b'"', 0, end) + 1  # what lies outside the envelope is never read

    @settings(
        max_examples=2 * settings().max_examples, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(
        at=st.integers(0, len(signed) - 1),
        sign=st.sampled_from("0123456789abcdefg%&+"),
        body=st.one_of(st.just(valid.body), st.binary(max_size=200), st.integers(begin, end - 1).map(cut(valid.body))),
    )
    def refused(at: int, sign: str, body: bytes) -> None:
        changed = signed[:at] + sign + signed[at + 1 :]
        if (changed, body) == (signed, valid.body):
            return
        head = f"POST {target.replace(signed, changed)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        answer = send(server, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        [status] = answer.statuses
        assert 400 <= status < 500, answer.received

    refused()


def cut(body: bytes) -> Any:
    return lambda at: body[:at] + body[at + 1 :]


async def test_a_follower_of_the_service_account_becomes_a_row(server: Server, standin: StandIn) -> None:
    """From WeChat to the row: the event, its job, and the question who that is."""
    assert server.port
    standin.follower("demo-follower", unionid="union-follower", following=True)

    async def known() -> bool:
        return await Follower.filter(openid="demo-follower", unionid="union-follower", following=True).exists()

    await until(known)
    standin.follower("demo-follower", following=False)

    async def gone() -> bool:
        return await Follower.filter(openid="demo-follower", unionid="union-follower", following=False).exists()

    await until(gone)
    rows = await WeChatEvent.filter(openid="demo-follower").order_by("received_at")
    assert [row.name for row in rows] == ["subscribe", "unsubscribe"]
    assert {told["outcome"] for told in standin.events() if told["openid"] == "demo-follower"} <= {
        "delivered",
        "waiting",
    }


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("mode", ["secure", "plain"])
async def test_what_people_answer_to_being_pushed_is_kept(
    server: Server, standin: StandIn, mode: str, form: str
) -> None:
    assert server.port
    standin.callback_mode(mode=mode, format=form)
    template = standin.get("templates")["items"][0]["id"]
    openid = f"o-{mode}-{form}"
    standin.allow(openid, template)

    async def kept() -> bool:
        row = await WeChatEvent.get_or_none(openid=openid, name="subscribe_msg_popup_event")
        return bool(row and row.payload["results"] == [{"template_id": template, "answer": "accept"}])

    await until(kept)
