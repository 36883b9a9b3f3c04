"""Who follows the service account no more gets the mini-program's push, where there is one and a permission for it."""

from typing import Any

import pytest

from server.kernel import clock
from server.kernel.ids import new_id
from server.notices import catalogue, claiming, instead
from server.notices.catalogue import Kind
from server.notices.models import Delivery, DeliveryState, Priority, Service
from tests.factories import make_delivery, make_notice, make_person
from tests.notices.ledgering import credit

pytestmark = pytest.mark.usefixtures("database")


def kind(*, both: bool) -> Kind:
    """A kind with templates of both accounts, or of the service account alone if there is one."""
    known = (kind for kinds in catalogue.in_force().kinds.values() for kind in kinds.values())
    return next(one for one in known if len(one.templates) == (2 if both else 0))


async def pushed(of: Kind, **values: Any) -> Delivery:
    person = await make_person(unionid=f"union-{new_id()}")
    notice = await make_notice(person.id, kind=of.id)
    followed = next(iter(of.templates), None)
    data = {key: f"{key}的值" for key in followed.keys} if followed else {}
    values = {"state": DeliveryState.CREATED, "due_at": clock.now(), "service": Service.SERVICE_ACCOUNT} | values
    return await make_delivery(notice, "standin-service-progress", data=data, **values)


def mini_program(of: Kind) -> str:
    return next(one.ids["development"] for one in of.templates if one.service is Service.MINI_PROGRAM) or ""


@pytest.mark.parametrize("permitted", [True, False])
async def test_who_follows_no_more_is_pushed_to_by_the_mini_program_if_they_allow_it(permitted: bool) -> None:  # noqa: FBT001
    of = kind(both=True)
    push = await pushed(of, priority=Priority.URGENT)
    if permitted:
        await credit(push.person_id, 1, mini_program(of))
    await claiming.claim([Priority.URGENT], "test", 100)
    await push.refresh_from_db()
    assert (push.state, push.refusal) == (DeliveryState.FAILED_PERMANENT, "not_following")
    others = await Delivery.filter(notice_id=push.notice_id).exclude(id=push.id)
    assert [one.template_id for one in others] == [mini_program(of)] * permitted
    for one in others:
        assert (one.service, one.data, one.page) == (Service.MINI_PROGRAM, push.data, push.page)
        taken = (await claiming.claim([Priority.URGENT], "test", 100)).pushes
        assert [push.id for push in taken] == [one.id]


async def test_what_no_kind_knows_and_what_the_mini_program_sent_itself_stays_as_it_is() -> None:
    of = kind(both=True)
    rows = [await pushed(kind(both=False)), await pushed(of, service=Service.MINI_PROGRAM)]
    for row in rows:
        await credit(row.person_id, 1, mini_program(of))
    assert await instead.make([row.id for row in rows]) == 0
