"""What staff see of pushes: lists that narrow and page, one sent once more, counts by day in the time of Anqing."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from server.kernel import clock, metrics
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.notices import deliveries, putting, statistics
from server.notices.deliveries import AGAIN, Wanted
from server.notices.models import Delivery, DeliveryState, Notice, Priority, Service
from tests.factories import make_person

pytestmark = pytest.mark.usefixtures("database")
TEMPLATE = "application"
BY = new_id()


async def push(created_at: datetime | None = None, notice: Notice | None = None, **values: Any) -> Delivery:
    now = clock.now()
    created_at = created_at or now
    if notice is None:
        notice = await Notice.create(
            person=await make_person(), event_id=new_id(), kind="posting.returned.poster", version="1", title="已退回",
            text="请修改。", expires_at=now + timedelta(days=1), created_at=created_at,
        )  # fmt: skip
    row: dict[str, Any] = {
        "service": Service.MINI_PROGRAM,
        "template": TEMPLATE,
        "template_id": "old-id",
        "data": {"thing1": "采茶工"},
    }
    row |= {"state_since": created_at, "priority": Priority.URGENT, "expires_at": now + timedelta(days=1)}
    row |= {"created_at": created_at, "ready_at": created_at}
    return await Delivery.create(notice=notice, person_id=notice.person_id, **{**row, **values})


async def listed(**wanted: Any) -> list[Any]:
    """The ids of a whole list, page by page."""
    found, cursor, more = [], None, True
    while more:
        page = await deliveries.deliveries(Wanted(**wanted), 2, cursor)
        found += [one.delivery.id for one in page.items]
        cursor, more = page.next_cursor, page.next_cursor is not None
    return found


async def test_a_list_narrows_and_pages() -> None:
    evening = datetime(2026, 3, 1, 15, 59, 59, tzinfo=UTC)  # a second before midnight in Anqing
    made = [await push(evening + timedelta(seconds=one), template="of-march") for one in range(4)]
    await Delivery.filter(id=made[1].id).update(state=DeliveryState.SENT)
    newest_first = [one.id for one in reversed(made)]
    assert await listed(template="of-march") == newest_first
    assert await listed(template="of-march", day=date(2026, 3, 1)) == [made[0].id]
    assert await listed(day=date(2026, 3, 2)) == newest_first[:3]
    assert await listed(template="of-march", state=DeliveryState.SENT) == [made[1].id]
    assert await listed(template="of-march", state=DeliveryState.SENT, day=date(2026, 3, 1)) == []
    assert await listed(template="of-march", service=Service.SERVICE_ACCOUNT) == []
    notice = await Notice.get(id=made[0].notice_id)
    notice.event_id, notice.broadcast_id = None, new_id()
    await notice.save()
    assert await listed(broadcast=notice.broadcast_id) == [made[0].id]


@pytest.mark.parametrize("state", AGAIN)
async def test_what_did_not_arrive_is_sent_once_more(state: DeliveryState) -> None:
    row = await push(state=state, refusal="unknown_template", attempts=3)
    again = (await deliveries.resend(row.id, BY)).delivery
    assert (again.state, again.attempts, again.refusal) == (DeliveryState.CREATED, 0, "")
    assert again.template_id == "standin-application"  # the one in force, not the one that was refused
    assert (again.data, again.notice_id, again.person_id) == (row.data, row.notice_id, row.person_id)
    assert again.due_at
    assert (await Delivery.get(id=row.id)).state is state
    with pytest.raises(DomainError, match="delivery_resent"):
        await deliveries.resend(row.id, BY)
    with pytest.raises(DomainError, match="delivery_state"):
        await deliveries.resend(again.id, BY)


@pytest.mark.parametrize("state", sorted(set(DeliveryState) - set(AGAIN)))
async def test_what_may_arrive_yet_is_not(state: DeliveryState) -> None:
    row = await push(state=state)
    with pytest.raises(DomainError, match="delivery_state"):
        await deliveries.resend(row.id, BY)
    assert await Delivery.filter(notice_id=row.notice_id).count() == 1


async def test_what_had_no_template_goes_once_there_is_one() -> None:
    held = await push(state=DeliveryState.HELD, refusal=putting.NO_TEMPLATE, template_id="")
    again = (await deliveries.resend(held.id, BY)).delivery
    assert (again.state, again.template_id) == (DeliveryState.CREATED, "standin-application")
    assert (await Delivery.get(id=held.id)).state is DeliveryState.CANCELLED


async def test_neither_is_what_nobody_needs_or_can_send_any_more() -> None:
    stale = await push(state=DeliveryState.EXPIRED, expires_at=clock.now())
    with pytest.raises(DomainError, match="delivery_stale"):
        await deliveries.resend(stale.id, BY)
    gone = await push(state=DeliveryState.FAILED_TECHNICAL, template="gone")
    with pytest.raises(DomainError, match="delivery_template"):
        await deliveries.resend(gone.id, BY)
    with pytest.raises(DomainError, match="not_found"):
        await deliveries.resend(new_id(), BY)


async def test_counts_by_day_and_how_soon() -> None:
    morning, sent = datetime(2026, 4, 1, 1, tzinfo=UTC), DeliveryState.SENT

    async def after(seconds: float, ready: float = 0.0, **values: Any) -> None:
        moments: dict[str, Any] = {
            "ready_at": morning + timedelta(seconds=ready),
            "handed_over_at": morning + timedelta(seconds=seconds),
        }
        await push(morning, state=sent, template="of-april", **moments, **values)

    await after(10)
    await after(10.2)
    await after(3605, 3600)  # it had to wait for the morning
    await after(500, priority=Priority.BULK)
    await push(morning, template="of-april", state=DeliveryState.HELD)
    await push(morning + timedelta(hours=15), template="of-april", state=sent)
    found = await statistics.counted(date(2026, 4, 1), date(2026, 4, 1))
    rows = [(row.state, row.priority, row.deliveries, row.handed_over, row.soon) for row in found.rows]
    assert rows == [("held", 0, 1, 0, 0), ("sent", 0, 3, 3, 2), ("sent", 3, 1, 1, 0)]
    assert found.share_soon == pytest.approx(2 / 3)
    assert (await statistics.counted(date(2026, 4, 3), date(2026, 4, 3))).share_soon is None
    [next_day] = (await statistics.counted(date(2026, 4, 2), date(2026, 4, 2))).rows
    assert (next_day.day, next_day.deliveries) == (date(2026, 4, 2), 1)
    for days in ((date(2026, 4, 2), date(2026, 4, 1)), (date(2026, 1, 1), date(2026, 4, 4))):
        with pytest.raises(DomainError, match="invalid"):
            await statistics.counted(*days)


async def test_the_operator_sees_what_waits_and_for_how_long() -> None:
    await Delivery.all().update(due_at=None)
    for seconds in (9, 9, 9, 11):
        ready_at = clock.now() - timedelta(seconds=seconds)
        await push(ready_at, state=DeliveryState.SENT, ready_at=ready_at, handed_over_at=clock.now())
    await push(state=DeliveryState.RETRYING, due_at=clock.now() - timedelta(minutes=50))
    await push(state=DeliveryState.HELD, due_at=clock.now() + timedelta(hours=5), priority=Priority.USUAL)
    await statistics.refresh()
    told = metrics.exposition().decode()
    lines = dict(line.rsplit(" ", 1) for line in told.splitlines() if line.startswith("yizhitong_deliveries"))
    assert float(lines["yizhitong_deliveries_prompt_share"]) == 0.75
    assert float(lines['yizhitong_deliveries{state="retrying"}']) >= 1
    assert 3000 <= float(lines['yizhitong_deliveries_late_seconds{priority="urgent"}']) < 3010
    assert float(lines['yizhitong_deliveries_late_seconds{priority="usual"}']) == 0
