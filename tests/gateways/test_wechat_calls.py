"""Each call to WeChat against the stand-in: what it answers, and what each refusal means."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.gateways.wechat.outcomes import Identity, PushOutcome, PushRefusal, PushState, Suggestion
from server.kernel.errors import DomainError, FieldFault
from tests.harness import gateway
from tests.harness.gateway import WeChat
from tests.harness.standin import StandIn

SIGN_IN = "/sns/jscode2session"
PHONE = "/wxa/business/getuserphonenumber"
TOKEN = "/cgi-bin/stable_token"
CHECK = "/wxa/msg_sec_check"
IMAGE = "/wxa/getwxacodeunlimit"
PUSH = "/cgi-bin/message/subscribe/send"
SERVICE_PUSH = "/cgi-bin/message/template/send"
DECIDED = ("standin-referral-decided", "pages/referral", {"thing1": "推荐", "phrase2": "通过", "date3": "2026年9月1日"})
REVIEW = ("standin-service-review", {"thing1": "待审", "character_string2": "A-1", "time3": "2026-09-01 10:00"})


@pytest.fixture(autouse=True)
def fresh(standin: StandIn) -> None:
    standin.reset()


@pytest.fixture
async def wechat(standin: StandIn) -> AsyncIterator[WeChat]:
    async with gateway.opened(standin.base) as opened:
        yield opened


async def test_a_login_code_says_who_and_needs_no_access_token(wechat: WeChat, standin: StandIn) -> None:
    assert await wechat.mini.identity(standin.code("demo-student", unionid="u-1")) == Identity("demo-student", "u-1")
    assert await wechat.mini.identity(standin.code("loner", unionid=None)) == Identity("loner", None)
    assert standin.calls(TOKEN) == 0


async def test_a_code_works_once_however_often_it_comes_at_once(wechat: WeChat, standin: StandIn) -> None:
    code = standin.code("demo-student")
    found = await asyncio.gather(*(gateway.outcome(wechat.mini.identity(code)) for _ in range(10)))
    assert sorted(found) == ["invalid"] * 9 + ["ok"]


@pytest.mark.parametrize("code", ["", "forged", "x" * 257, "码", "a b", "a\n", "a\x00"])
async def test_a_forged_code_is_a_fault_of_the_field(wechat: WeChat, code: str) -> None:
    for call in (wechat.mini.identity, wechat.mini.phone):
        with pytest.raises(DomainError) as raised:
            await call(code)
        assert (raised.value.slug, raised.value.status) == ("invalid", 422)
        assert raised.value.faults == (FieldFault("/code", "wechat_code"),)


async def test_a_code_of_the_other_kind_is_refused(wechat: WeChat, standin: StandIn) -> None:
    assert await gateway.outcome(wechat.mini.phone(standin.code("demo-student"))) == "invalid"
    assert await gateway.outcome(wechat.mini.identity(standin.phone_code("13800138000"))) == "invalid"


@pytest.mark.parametrize(
    ("errcode", "slug", "status"),
    [
        (40029, "invalid", 422),
        (40163, "invalid", 422),
        (40226, "wechat_blocked", 403),
        (45011, "wechat_too_often", 429),
        (45009, "wechat_too_often", 429),
        (-1, "wechat_away", 503),
        (40125, "wechat_away", 503),
        (99999, "wechat_away", 503),
    ],
)
async def test_what_a_refused_sign_in_means(
    wechat: WeChat, standin: StandIn, errcode: int, slug: str, status: int
) -> None:
    standin.fault(SIGN_IN, errcode=errcode)
    with pytest.raises(DomainError) as raised:
        await wechat.mini.identity(standin.code("demo-student"))
    assert (raised.value.slug, raised.value.status) == (slug, status)
    assert (raised.value.facts.get("seconds", 0) > 0) == (status in {429, 503})
    assert standin.calls(SIGN_IN) == (2 if errcode == -1 else 1)


async def test_a_busy_wechat_is_asked_again_once(wechat: WeChat, standin: StandIn) -> None:
    standin.fault(SIGN_IN, errcode=-1, times=1)
    assert (await wechat.mini.identity(standin.code("demo-student"))).openid == "demo-student"


async def test_a_phone_code_says_the_number(wechat: WeChat, standin: StandIn) -> None:
    for _ in range(2):  # the country's code comes as text and as a number in turn
        assert await wechat.mini.phone(standin.phone_code("13800138000")) == "13800138000"
        assert await wechat.mini.phone(standin.phone_code("91234567", "852")) == "+85291234567"
    used = standin.phone_code("13800138000")
    assert [await gateway.outcome(wechat.mini.phone(used)) for _ in range(2)] == ["ok", "invalid"]
    assert standin.calls(TOKEN) == 1


async def test_what_a_person_wrote_gets_a_verdict(wechat: WeChat, standin: StandIn) -> None:
    assert (await wechat.mini.check_text("demo-clerk-a", "你好", 3)).suggestion is Suggestion.UNCHECKED
    await wechat.mini.identity(standin.code("demo-clerk-a"))
    fine = await wechat.mini.check_text("demo-clerk-a", "招聘电工两名", 3, title="招工")
    assert (fine.suggestion, fine.label) == (Suggestion.PASS, 100)
    assert fine.trace_id
    assert (await wechat.mini.check_text("demo-clerk-a", "高薪刷单", 3)).suggestion is Suggestion.RISKY
    assert (await wechat.mini.check_text("demo-clerk-a", "电工", 3, title="加微信")).suggestion is Suggestion.REVIEW
    standin.fault(CHECK, errcode=61010)
    assert (await wechat.mini.check_text("demo-clerk-a", "你好", 3)).suggestion is Suggestion.UNCHECKED
    for text in ("", "字" * 2501):
        with pytest.raises(ValueError, match="2500"):
            await wechat.mini.check_text("demo-clerk-a", text, 3)


async def test_a_code_image_is_an_image(wechat: WeChat, standin: StandIn) -> None:
    assert (await wechat.mini.code_image("s=A1.b~9", "pages/school/index", 280)).startswith(b"\x89PNG")
    standin.fault(IMAGE, errcode=41030, times=1)
    assert await gateway.outcome(wechat.mini.code_image("s", "pages/index")) == "wechat_away"
    standin.fault(IMAGE, html=True, times=1)
    assert await gateway.outcome(wechat.mini.code_image("s", "pages/index")) == "wechat_away"


@pytest.mark.parametrize(
    ("scene", "page", "width"),
    [("", "pages/index", 430), ("x" * 33, "pages/index", 430), ("张三", "pages/index", 430), ("a b", "p", 430),
     ("s", "/pages/index", 430), ("s", "pages/index?x=1", 430), ("s", "", 430), ("s", "p", 279), ("s", "p", 1281)],
)  # fmt: skip
async def test_a_scene_that_wechat_would_not_take_is_not_sent(
    wechat: WeChat, standin: StandIn, scene: str, page: str, width: int
) -> None:
    with pytest.raises(ValueError, match="scene"):
        await wechat.mini.code_image(scene, page, width)
    assert standin.calls(IMAGE) == 0


async def test_a_push_reaches_its_reader_once_per_permission(wechat: WeChat, standin: StandIn) -> None:
    await wechat.mini.identity(standin.code("demo-student"))
    standin.allow("demo-student", DECIDED[0])
    sent = await wechat.mini.push("demo-student", *DECIDED)
    assert sent.state is PushState.SENT
    assert sent.message_id
    assert [message["openid"] for message in standin.messages("demo-student")] == ["demo-student"]
    refused = await wechat.mini.push("demo-student", *DECIDED)
    assert refused == PushOutcome(PushState.REFUSED, refusal=PushRefusal.NO_PERMISSION)


async def test_a_value_that_breaks_its_limit_is_named(wechat: WeChat, standin: StandIn) -> None:
    await wechat.mini.identity(standin.code("demo-student"))
    standin.allow("demo-student", DECIDED[0])
    template, page, data = DECIDED
    refused = await wechat.mini.push("demo-student", template, page, {**data, "thing1": "字" * 21})
    assert (refused.refusal, refused.key) == (PushRefusal.BAD_VALUE, "thing1")


async def test_a_follower_is_pushed_to_once_per_message_id(wechat: WeChat, standin: StandIn) -> None:
    standin.follower("f-1", unionid="u-1")
    pushes = [await wechat.service.push("f-1", *REVIEW, client_msg_id="m-1") for _ in range(2)]
    assert {push.state for push in pushes} == {PushState.SENT}
    assert pushes[0].message_id == pushes[1].message_id
    assert len(standin.messages("f-1")) == 1
    standin.follower("f-1", following=False)
    refused = await wechat.service.push("f-1", *REVIEW)
    assert refused.refusal is PushRefusal.NOT_FOLLOWING


@pytest.mark.parametrize(
    ("errcode", "refusal"),
    [
        (40003, PushRefusal.UNKNOWN_PERSON),
        (40037, PushRefusal.UNKNOWN_TEMPLATE),
        (41030, PushRefusal.WRONG_PAGE),
        (43101, PushRefusal.NO_PERMISSION),
        (43117, PushRefusal.TOO_OFTEN),
        (45009, PushRefusal.QUOTA),
        (47003, PushRefusal.BAD_VALUE),
        (88888, PushRefusal.OTHER),
    ],
)
async def test_every_refusal_of_a_push_has_its_reason(
    wechat: WeChat, standin: StandIn, errcode: int, refusal: PushRefusal
) -> None:
    for path, push in (
        (PUSH, wechat.mini.push("demo-student", *DECIDED)),
        (SERVICE_PUSH, wechat.service.push("f-1", *REVIEW)),
    ):
        standin.fault(path, errcode=errcode, times=1)
        outcome = await push
        assert (outcome.state, outcome.refusal) == (PushState.REFUSED, refusal)


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"errcode": -1}, PushState.AWAY),
        ({"status": 429}, PushState.AWAY),
        ({"status": 502}, PushState.AWAY),
        ({"status": 504}, PushState.UNKNOWN),
        ({"html": True}, PushState.UNKNOWN),
        ({"drop": True}, PushState.UNKNOWN),
        ({"drop": True, "after": True}, PushState.UNKNOWN),
        ({"errcode": 40001}, PushState.AWAY),
    ],
)
async def test_a_push_says_whether_it_may_have_arrived(
    wechat: WeChat, standin: StandIn, fault: dict[str, bool | int], state: PushState
) -> None:
    standin.fault(PUSH, **fault)
    assert await wechat.mini.push("demo-student", *DECIDED) == PushOutcome(state)


async def test_a_push_for_want_of_a_token_was_never_sent(wechat: WeChat, standin: StandIn) -> None:
    standin.fault(TOKEN, drop=True)
    assert await wechat.mini.push("demo-student", *DECIDED) == PushOutcome(PushState.AWAY)
    assert standin.calls(PUSH) == 0


async def test_a_follower_is_known_by_the_union_id(wechat: WeChat, standin: StandIn) -> None:
    standin.follower("f-1", unionid="u-1")
    found = await wechat.service.follower("f-1")
    assert (found.openid, found.unionid, found.following) == ("f-1", "u-1", True)
    standin.follower("f-1", following=False)
    assert not (await wechat.service.follower("f-1")).following
    assert not (await wechat.service.follower("nobody")).following


async def test_the_two_accounts_have_a_token_each(wechat: WeChat, standin: StandIn) -> None:
    standin.follower("f-1", unionid="u-1")
    await asyncio.gather(
        wechat.mini.phone(standin.phone_code("13800138000")),
        wechat.service.follower("f-1"),
        wechat.service.follower("f-1"),
    )
    assert standin.calls(TOKEN) == 2
