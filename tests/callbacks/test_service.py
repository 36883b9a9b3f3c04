"""Each event is kept once, worked on once, and kept without what people typed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from server.callbacks import service
from server.callbacks.models import Account, WeChatEvent
from server.gateways.wakeup import LocalWakeup
from server.gateways.wechat.callback import CallbackReader, Event
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.jobs.models import Job
from server.people import followers
from server.people.models import Follower
from tests.callbacks.sealing import MINI_PROGRAM, SERVICE_ACCOUNT, as_json, as_xml, event, sealed

pytestmark = pytest.mark.usefixtures("database")
READERS = {
    account: CallbackReader(found.appid, found.callback_token, found.callback_key, secure_only=True)
    for account, found in {Account.MINI_PROGRAM: MINI_PROGRAM, Account.SERVICE_ACCOUNT: SERVICE_ACCOUNT}.items()
}


@dataclass
class Known:
    unionid: str | None


@dataclass
class Somewhere:
    """The service account at WeChat, which may be away."""

    unionids: dict[str, str] = field(default_factory=dict)
    away: bool = False
    asked: list[str] = field(default_factory=list)

    async def follower(self, openid: str) -> Known:
        self.asked.append(openid)
        if self.away:
            raise DomainError("wechat_away", 503)
        return Known(self.unionids.get(openid))


@pytest.fixture(autouse=True)
async def empty_tables(database: Any) -> None:  # noqa: ARG001 -- opened first
    for model in (Job, WeChatEvent, Follower):
        await model.all().delete()


def read(account: Account, fields: Mapping[str, Any], dress: Any = as_json) -> Event:
    credentials = MINI_PROGRAM if account is Account.MINI_PROGRAM else SERVICE_ACCOUNT
    call = sealed(dress(fields), credentials)
    return READERS[account].read(call.query, call.body, clock.now())


async def take(account: Account, fields: Mapping[str, Any], dress: Any = as_json) -> bool:
    return await service.take(account, read(account, fields, dress), LocalWakeup())


async def work_all(wechat: Somewhere) -> None:
    for job in await Job.filter(kind=service.KIND).order_by("created_at", "id"):
        await service.work(job.payload, wechat)


async def follow(openid: str, *, at: int = 0, name: str = "subscribe") -> None:
    moment = str(int(clock.now().timestamp()) - 1000 + at)
    await take(Account.SERVICE_ACCOUNT, {**event(name, openid), "CreateTime": moment}, as_xml)


async def test_a_repetition_is_dropped_in_whatever_dress_it_comes() -> None:
    item = {"TemplateId": "t-1", "SubscribeStatusString": "accept", "PopupScene": "0"}
    first = event("subscribe_msg_popup_event", "o-1", List=[item])
    assert await take(Account.MINI_PROGRAM, first)
    assert not await take(Account.MINI_PROGRAM, first)
    assert not await take(Account.MINI_PROGRAM, {**first, "List": item, "CreateTime": int(first["CreateTime"])})
    nested = {name: value for name, value in first.items() if name != "List"}
    assert not await take(Account.MINI_PROGRAM, {**nested, "SubscribeMsgPopupEvent": {"List": item}}, as_xml)
    assert await WeChatEvent.all().count() == 1


async def test_what_differs_is_another_event() -> None:
    item = {"TemplateId": "t-1", "SubscribeStatusString": "accept"}
    first = event("subscribe_msg_popup_event", "o-1", List=[item])
    assert await take(Account.MINI_PROGRAM, first)
    assert await take(Account.SERVICE_ACCOUNT, first)
    assert await take(Account.MINI_PROGRAM, {**first, "FromUserName": "o-2"})
    assert await take(Account.MINI_PROGRAM, {**first, "List": [{**item, "TemplateId": "t-2"}]})
    assert await take(Account.MINI_PROGRAM, {**first, "CreateTime": str(int(first["CreateTime"]) + 1)})
    assert await WeChatEvent.all().count() == 5


async def test_a_message_is_known_by_its_id() -> None:
    message = {**event("", "o-1"), "MsgType": "text", "MsgId": "17", "Content": "您好"}
    assert await take(Account.MINI_PROGRAM, message)
    assert not await take(Account.MINI_PROGRAM, {**message, "MsgId": 17, "CreateTime": "1700000000"})
    assert await take(Account.MINI_PROGRAM, {**message, "MsgId": 18})


async def test_of_twenty_at_once_one_is_kept() -> None:
    fields = event("subscribe", "o-1")
    kept = await asyncio.gather(*(take(Account.SERVICE_ACCOUNT, fields) for _ in range(20)))
    assert sorted(kept) == [False] * 19 + [True]
    assert (await WeChatEvent.all().count(), await Job.all().count()) == (1, 1)


async def test_what_nobody_handles_is_kept_without_what_was_typed() -> None:
    typed = "我的身份证号是340802200901011234"
    await take(Account.MINI_PROGRAM, {**event("", "o-1"), "MsgType": "text", "MsgId": "1", "Content": typed})
    await take(Account.SERVICE_ACCOUNT, event("LOCATION", "o-1", Latitude="30.5", EventKey=typed), as_xml)
    rows = await WeChatEvent.all().order_by("name")
    assert [(row.name, row.openid, row.payload["results"]) for row in rows] == [
        ("LOCATION", "o-1", []),
        ("message.text", "o-1", []),
    ]
    assert all(row.handled_at for row in rows)
    assert "3408" not in str([row.payload for row in rows])
    assert await Job.all().count() == 0


@pytest.mark.parametrize(
    ("account", "fields", "results"),
    [
        (
            Account.MINI_PROGRAM,
            event("subscribe_msg_popup_event", List={"TemplateId": "t-1", "SubscribeStatusString": "accept"}),
            [{"template_id": "t-1", "answer": "accept"}],
        ),
        (
            Account.MINI_PROGRAM,
            event(
                "subscribe_msg_change_event",
                List=[
                    {"TemplateId": "t-1", "SubscribeStatusString": "reject"},
                    {"TemplateId": "t-2", "SubscribeStatusString": "ban"},
                    {"TemplateId": ["t-3"], "SubscribeStatusString": "reject"},
                    {"TemplateId": "t" * 65, "SubscribeStatusString": "reject"},
                    {"TemplateId": "t-4"},
                    "nonsense",
                ],
            ),
            [{"template_id": "t-1", "answer": "reject"}, {"template_id": "t-2", "answer": "ban"}],
        ),
        (
            Account.MINI_PROGRAM,
            event(
                "subscribe_msg_sent_event",
                List=[{"TemplateId": "t-1", "MsgID": 1700827132819554304, "ErrorCode": 0, "ErrorStatus": "success"}],
            ),
            [{"template_id": "t-1", "message_id": "1700827132819554304", "error": "0", "status": "success"}],
        ),
        (
            Account.SERVICE_ACCOUNT,
            event("TEMPLATESENDJOBFINISH", MsgID=200163836, Status="failed:user block"),
            [{"message_id": "200163836", "status": "failed:user block"}],
        ),
        (Account.SERVICE_ACCOUNT, event("TEMPLATESENDJOBFINISH"), []),
    ],
)
async def test_what_an_event_says_of_pushes_is_kept_as_a_list(
    account: Account, fields: Mapping[str, Any], results: list[Any]
) -> None:
    await take(account, fields)
    row = await WeChatEvent.get()
    assert row.payload["results"] == results
    assert await Job.all().count() == (row.handled_at is None) == ((account, row.name) in service.WORKS)


async def test_a_new_follower_is_known_with_their_union_id() -> None:
    wechat = Somewhere({"o-1": "u-1"})
    await follow("o-1")
    await work_all(wechat)
    row = await Follower.get()
    assert (row.openid, row.unionid, row.following) == ("o-1", "u-1", True)
    assert (await WeChatEvent.get()).handled_at


async def test_one_whose_union_id_is_not_told_is_a_follower_all_the_same() -> None:
    await follow("o-1")
    await work_all(Somewhere())
    assert (await Follower.get()).unionid is None


async def test_who_leaves_follows_no_longer_and_nobody_is_asked() -> None:
    wechat = Somewhere({"o-1": "u-1"})
    await follow("o-1", at=0)
    await work_all(wechat)
    await follow("o-1", at=1, name="unsubscribe")
    await work_all(wechat)
    row = await Follower.get()
    assert (row.unionid, row.following) == ("u-1", False)
    assert wechat.asked == ["o-1"]


async def test_the_later_news_counts_in_whatever_order_it_is_worked_on() -> None:
    wechat = Somewhere({"o-1": "u-1"})
    await follow("o-1", at=2)
    await follow("o-1", at=1, name="unsubscribe")
    await work_all(wechat)
    assert (await Follower.get()).following
    await follow("o-1", at=4, name="unsubscribe")
    await follow("o-1", at=3)
    await work_all(wechat)
    assert not (await Follower.get()).following


async def test_an_event_from_the_future_does_not_outdo_those_to_come() -> None:
    far = str(int((clock.now() + timedelta(days=3650)).timestamp()))
    await take(Account.SERVICE_ACCOUNT, {**event("subscribe", "o-1"), "CreateTime": far})
    await work_all(Somewhere())
    assert (await Follower.get()).changed_at <= clock.now()
    clock.move_to(clock.now() + timedelta(seconds=2))
    await take(Account.SERVICE_ACCOUNT, event("unsubscribe", "o-1"))
    await work_all(Somewhere())
    assert not (await Follower.get()).following


async def test_while_wechat_is_away_the_follower_is_noted_and_the_job_stays() -> None:
    wechat = Somewhere({"o-1": "u-1"}, away=True)
    await follow("o-1")
    with pytest.raises(DomainError):
        await work_all(wechat)
    assert (await Follower.get()).following
    assert not (await WeChatEvent.get()).handled_at
    wechat.away = False
    await work_all(wechat)
    assert (await Follower.get()).unionid == "u-1"
    assert (await WeChatEvent.get()).handled_at


async def test_a_job_may_run_again_or_find_its_event_gone() -> None:
    wechat = Somewhere({"o-1": "u-1"})
    await follow("o-1")
    await work_all(wechat)
    await work_all(wechat)
    assert wechat.asked == ["o-1"]
    await WeChatEvent.all().delete()
    await work_all(wechat)


async def test_twenty_notes_of_one_newcomer_make_one_row() -> None:
    at = clock.now()
    noted = await asyncio.gather(
        *(followers.note("o-1", following=n % 2 == 0, at=at + timedelta(seconds=n)) for n in range(20))
    )
    row = await Follower.get()
    assert any(noted)
    assert (row.following, row.changed_at) == (False, at + timedelta(seconds=19))


async def test_events_go_after_a_month_worked_on_or_not() -> None:
    old = clock.now() - service.KEPT - timedelta(days=1)

    async def row(name: str, received_at: datetime, handled_at: datetime | None) -> None:
        await WeChatEvent.create(
            account=Account.SERVICE_ACCOUNT,
            fingerprint=name,
            name=name,
            openid="o-1",
            payload={},
            received_at=received_at,
            handled_at=handled_at,
        )

    await row("old", old, old)
    await row("waiting", old, None)
    await row("young", clock.now(), clock.now())
    assert await service.prune() == 2
    assert [found.name for found in await WeChatEvent.all()] == ["young"]
