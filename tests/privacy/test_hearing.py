"""What somebody was told is theirs to see, goes with them, and goes in time."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from server.kernel import clock
from server.kernel.ids import new_id
from server.notices.models import (
    Broadcast,
    BroadcastState,
    Delivery,
    DeliveryState,
    Notice,
    PermissionEntry,
    PushPermission,
    Service,
)
from server.people.models import Person, PersonState
from server.privacy import deletion, retention, rules
from server.privacy.export import export
from server.privacy.pages import export_page
from server.privacy.rules import Kept
from tests.factories import make_person
from tests.notices.ledgering import TEMPLATE, credit
from tests.policy.shelf import CONTENT

pytestmark = pytest.mark.usefixtures("database")
RULES = rules.load(CONTENT)


def later(days: float) -> None:
    clock.move_to(clock.now() + timedelta(days=days))


async def told(person_id: UUID, **values: Any) -> Delivery:
    now = clock.now()
    notice = await Notice.create(
        person_id=person_id, event_id=new_id(), kind="posting.returned.poster", version="1", title="信息退回了",
        text="请改好再提交。", expires_at=now, created_at=now,
    )  # fmt: skip
    row: dict[str, Any] = {
        "service": Service.MINI_PROGRAM,
        "template": "hiring",
        "template_id": TEMPLATE,
        "data": {"thing1": "采茶"},
    }
    row |= {"state": DeliveryState.SENT, "state_since": now, "expires_at": now, "created_at": now}
    return await Delivery.create(notice=notice, person_id=person_id, **{**row, **values})


async def left(person_id: UUID) -> tuple[int, int]:
    """How many notices and pushes there are to somebody."""
    return await Notice.filter(person_id=person_id).count(), await Delivery.filter(person_id=person_id).count()


async def test_an_export_has_ones_inbox_with_what_was_pushed() -> None:
    person = await make_person()
    await told(person.id)
    await told((await make_person()).id)
    await credit(person.id, 2)
    found = await export(person.id)
    [notice] = found.notices
    assert (notice.title, notice.text, notice.read_at) == ("信息退回了", "请改好再提交。", None)
    assert [(push.data, push.state) for push in notice.pushes] == [({"thing1": "采茶"}, DeliveryState.SENT)]
    assert [(one.template_id, one.change, one.amount) for one in found.permissions] == [(TEMPLATE, "credited", 1)] * 2
    page = export_page(found, ())
    assert "信息退回了：请改好再提交。" in page
    assert "采茶" in page


async def test_it_goes_with_the_person() -> None:
    person = await make_person()
    await told(person.id)
    await told(person.id, state=DeliveryState.HELD, due_at=clock.now())
    await credit(person.id)
    await deletion.request(person.id, RULES)
    assert await left(person.id) == (2, 2)
    later(RULES.deletion.undo_days + 0.01)
    await retention.retain(RULES)
    assert (await Person.get(id=person.id)).state is PersonState.ERASED
    assert await left(person.id) == (0, 0)
    assert not await PushPermission.exists(person_id=person.id)
    assert await PermissionEntry.filter(person_id=person.id).count() == 1  # ids and numbers alone


async def test_what_reached_somebody_on_the_way_out_goes_the_next_day() -> None:
    person = await make_person(state=PersonState.ERASED)
    await told(person.id)
    await retention.retain(RULES)
    assert await left(person.id) == (0, 0)


async def test_pushes_go_before_the_notices_and_these_before_the_broadcast() -> None:
    person, now = await make_person(), clock.now()
    await told(person.id)
    broadcast = await Broadcast.create(
        title="公告",
        text="内容",
        audience={},
        state=BroadcastState.DONE,
        author_id=new_id(),
        ended_at=now,
        created_at=now,
    )
    days = {kept: RULES.period(kept, clock.today()) for kept in (Kept.DELIVERY, Kept.NOTICE, Kept.BROADCAST)}
    seen = []
    for period in days.values():
        assert period
        for when in (now + period - timedelta(minutes=1), now + period + timedelta(minutes=1)):
            clock.move_to(when)
            await retention.retain(RULES)
            seen.append((*await left(person.id), await Broadcast.exists(id=broadcast.id)))
    assert seen == [(1, 1, True), (1, 0, True), (1, 0, True), (0, 0, True), (0, 0, True), (0, 0, False)]
