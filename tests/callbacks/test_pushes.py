"""What events about pushes come to: each permission once, each receipt when there is something to hang it on."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from server.callbacks import service
from server.callbacks.models import Account, WeChatEvent
from server.gateways.wakeup import LocalWakeup
from server.kernel import clock
from server.kernel.jobs.models import Job
from server.notices import catalogue, claiming, permissions, receipts
from server.notices.models import Delivery, DeliveryState, Priority
from server.notices.permissions import Left
from server.people.models import Person
from tests.callbacks.reading import opened
from tests.callbacks.sealing import as_json, event, sealed
from tests.factories import make_delivery, make_notice, make_person

pytestmark = pytest.mark.usefixtures("database")
WORK, HIRING = "standin-work", "standin-hiring"


class Nobody:
    """A service account that is not asked."""

    async def follower(self, openid: str) -> Any:
        raise AssertionError(openid)


@pytest.fixture(autouse=True)
async def empty_tables(database: Any) -> None:  # noqa: ARG001 -- opened first
    for model in (Job, WeChatEvent):
        await model.all().delete()


async def tell(name: str, openid: str, *rows: dict[str, str], ago: int = 0) -> bool:
    fields = event(name, openid, List=list(rows))
    fields["CreateTime"] = str(int(fields["CreateTime"]) - ago)
    return await service.take(Account.MINI_PROGRAM, opened(sealed(as_json(fields))), LocalWakeup())


async def work() -> list[Any]:
    """Do what waits, once, whatever the hour; return what each job came to."""
    jobs = await Job.all().order_by("id")
    await Job.all().delete()
    return [await service.work(job.payload, Nobody()) for job in jobs]


def said(template: str, answer: str) -> dict[str, str]:
    return {"TemplateId": template, "SubscribeStatusString": answer}


def arrived(message_id: str, error: str = "0", template: str = WORK) -> dict[str, str]:
    return {"TemplateId": template, "MsgID": message_id, "ErrorCode": error, "ErrorStatus": "some words"}


async def pushed(person: Person, **values: Any) -> Delivery:
    return await make_delivery(await make_notice(person.id), WORK, **values)


async def test_what_was_accepted_is_credited_once_and_what_waited_may_go() -> None:
    person = await make_person()
    held = await pushed(person, state=DeliveryState.HELD, due_at=None, priority=Priority.URGENT)
    rows = said(WORK, "accept"), said(HIRING, "reject"), said("of-nobody", "accept")
    assert await tell("subscribe_msg_popup_event", person.openid, *rows)
    [job] = await Job.all()
    assert await service.work(job.payload, Nobody()) == {"handled": "subscribe_msg_popup_event"}
    await WeChatEvent.all().update(handled_at=None)  # the worker died before it could say so
    await work()
    assert await permissions.left(person.id) == {WORK: Left(1), "of-nobody": Left(1)}
    await held.refresh_from_db()
    assert held.due_at
    assert held.due_at <= clock.now()


async def test_what_is_turned_off_in_the_settings_is_withdrawn_and_turning_on_gives_nothing() -> None:
    person = await make_person()
    for ago in (9, 8):
        await tell("subscribe_msg_popup_event", person.openid, said(WORK, "accept"), ago=ago)
    await work()
    await tell("subscribe_msg_change_event", person.openid, said(WORK, "reject"), said(HIRING, "accept"))
    await work()
    assert (await permissions.left(person.id)).get(WORK) == Left(0)
    assert HIRING not in await permissions.left(person.id)


async def test_a_long_term_template_is_given_once_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalogue.in_force()
    lasting = known.templates["work"].model_copy(update={"long_term": True})
    changed = replace(known, templates={**known.templates, "work": lasting})
    monkeypatch.setattr(catalogue, "in_force", lambda: changed)
    for name in ("subscribe_msg_popup_event", "subscribe_msg_change_event"):
        person = await make_person()
        await tell(name, person.openid, said(WORK, "accept"))
        await work()
        assert (await permissions.left(person.id))[WORK].long_term


async def test_a_receipt_waits_until_the_push_it_may_be_about_has_its_name() -> None:
    person = await make_person()
    push = await pushed(person, state=DeliveryState.SENDING)
    await tell("subscribe_msg_sent_event", person.openid, arrived("early"))
    [job] = await Job.all()
    assert job.claimable_at
    assert job.claimable_at > job.created_at
    assert await work() == [{"later": "subscribe_msg_sent_event"}]
    await Delivery.filter(id=push.id).update(state=DeliveryState.SENT, message_id="early")
    assert await work() == [{"handled": "subscribe_msg_sent_event"}]
    await push.refresh_from_db()
    assert push.state is DeliveryState.DELIVERED
    assert not await Job.exists()


async def test_receipts_stand_in_a_row_of_their_own_and_what_they_may_be_about_is_not_sent_again_meanwhile() -> None:
    person = await make_person()
    await tell("subscribe_msg_popup_event", person.openid, said(WORK, "accept"))
    await tell("subscribe_msg_sent_event", person.openid, arrived("behind"))
    kinds = [job.kind for job in await Job.all().order_by("id")]
    assert kinds == [service.KIND, receipts.KIND]
    push = await pushed(person, state=DeliveryState.UNKNOWN, due_at=clock.now(), priority=Priority.URGENT)
    await Job.filter(kind=receipts.KIND).update(claimable_at=clock.now() - timedelta(minutes=1))
    taken = (await claiming.claim([Priority.URGENT], "test", 10)).pushes
    assert push.id not in {one.id for one in taken}
    await work()
    await push.refresh_from_db()
    assert push.state is DeliveryState.DELIVERED


async def test_a_receipt_does_not_wait_for_ever() -> None:
    person = await make_person()
    await pushed(person, state=DeliveryState.SENDING)
    await tell("subscribe_msg_sent_event", person.openid, arrived("never"))
    clock.move_to(clock.now() + service.PATIENCE + timedelta(minutes=1))
    assert await work() == [{"handled": "subscribe_msg_sent_event"}]


@pytest.mark.parametrize(
    ("error", "state", "refusal"),
    [
        ("0", DeliveryState.DELIVERED, ""),
        ("43101", DeliveryState.FAILED_PERMANENT, "no_permission"),
        ("20003", DeliveryState.FAILED_TECHNICAL, "not_delivered"),
    ],
)
async def test_a_receipt_says_in_our_words_what_became_of_a_push(
    error: str, state: DeliveryState, refusal: str
) -> None:
    person = await make_person()
    push = await pushed(person, state=DeliveryState.SENT, message_id=f"error-{error}")
    await tell("subscribe_msg_sent_event", person.openid, arrived(f"error-{error}", error))
    await work()
    await push.refresh_from_db()
    assert (push.state, push.refusal) == (state, refusal)


async def test_about_what_was_never_sent_the_event_alone_is_kept() -> None:
    person = await make_person()
    await tell("subscribe_msg_sent_event", person.openid, arrived("never-sent"))
    await tell("subscribe_msg_sent_event", "nobody-we-know", arrived("to-nobody"))
    await tell("subscribe_msg_popup_event", "nobody-we-know", said(WORK, "accept"))
    assert [one["handled"] for one in await work()]
    assert await WeChatEvent.filter(handled_at=None).count() == 0
    assert await WeChatEvent.all().count() == 3
