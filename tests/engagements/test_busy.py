"""Nobody is accepted for times that overlap, and no team or class for more hands than it has."""

import pytest

from server.engagements import service
from server.engagements.models import EngagementState
from server.kernel import clock
from server.kernel.outbox import Event
from server.labour.models import PostingKind, Supplier
from server.organisations.models import Organisation, OrganisationState
from tests.engagements.filling import (
    DAY,
    Firm,
    counted,
    first_day,
    make_worker,
    offers,
    offers_class,
    refused,
    taken,
    worker_of,
)

pytestmark = pytest.mark.usefixtures("database")


async def test_nobody_is_accepted_for_times_that_overlap(firm: Firm) -> None:
    worker, day, noon = await make_worker(), first_day(), _every_day("11:59", "14:00")
    first = await firm.seeks(hours=_every_day("08:00", "12:00"))
    meets, touches = await firm.seeks(hours=noon), await firm.seeks(hours=_every_day("12:00", "14:00"))
    both = [await service.apply(one.id, by=worker) for one in (first, meets, touches)]
    await service.accept(both[0].id, firm.actor)
    assert await refused(service.accept(both[1].id, firm.actor)) == (409, "worker_busy")
    assert (await service.accept(both[2].id, firm.actor)).state is EngagementState.ACCEPTED
    later = await firm.seeks(starts_on=day + 9 * DAY, ends_on=day + 20 * DAY, hours=noon)
    assert await refused(service.apply(later.id, by=worker)) == (409, "engagement_overlap")
    await service.withdraw(both[0].id, worker_of(worker), "有事")
    await service.withdraw(both[2].id, worker_of(worker), "有事")
    assert await service.apply(later.id, by=worker)


async def test_a_night_reaches_into_the_next_morning(firm: Firm) -> None:
    worker, day = await make_worker(), first_day()
    night = await firm.seeks(starts_on=day, ends_on=day, hours=_every_day("22:00", "06:00"))
    touches = await firm.seeks(starts_on=day + DAY, ends_on=day + DAY, hours=_every_day("06:00", "09:00"))
    meets = await firm.seeks(starts_on=day + DAY, ends_on=day + DAY, hours=_every_day("05:00", "06:00"))
    await taken(firm, night, worker)
    await taken(firm, touches, worker)
    assert await refused(service.apply(meets.id, by=worker)) == (409, "engagement_overlap")


async def test_what_is_past_is_no_hindrance(firm: Firm) -> None:
    """Somebody comes in the middle of a long work, whose beginning met another that was over by then."""
    worker, today = await make_worker(), clock.today()
    short = await firm.seeks(starts_on=today + 2 * DAY, ends_on=today + 4 * DAY)
    long = await firm.seeks(starts_on=today + 2 * DAY, ends_on=today + 29 * DAY)
    await taken(firm, short, worker)
    assert await refused(service.apply(long.id, by=worker)) == (409, "engagement_overlap")
    clock.move_to(clock.now() + 6 * DAY)
    assert (await taken(firm, long, worker)).state is EngagementState.ACCEPTED


async def test_a_team_counts_its_size_and_has_so_many_hands(firm: Firm) -> None:
    speaker = await make_worker()
    team = await offers(speaker, 5)
    first, second, third = await firm.seeks(4), await firm.seeks(4), await firm.seeks(1)
    held = await taken(firm, first, speaker, size=3, supply_id=team.id)
    assert (held.size, (await counted(first)).filled) == (3, 3)
    assert await refused(service.apply(second.id, by=speaker, size=3, supply_id=team.id)) == (409, "engagement_overlap")
    await taken(firm, second, speaker, size=1, supply_id=team.id)
    await taken(firm, third, speaker)
    fourth = await firm.seeks(1)
    assert await refused(service.apply(fourth.id, by=speaker, supply_id=team.id)) == (409, "engagement_overlap")
    assert await refused(service.apply(fourth.id, by=speaker)) == (409, "engagement_overlap")


async def test_a_speaker_who_works_alone_is_one_hand_less(firm: Firm) -> None:
    speaker = await make_worker()
    team = await offers(speaker, 2)
    await taken(firm, await firm.seeks(2), speaker, size=2, supply_id=team.id)
    other = await firm.seeks()
    assert await refused(service.apply(other.id, by=speaker)) == (409, "engagement_overlap")


async def test_a_class_is_its_schools(firm: Firm) -> None:
    supply, other = await offers_class(30)
    posting = await firm.seeks(40, kind=PostingKind.INTERNSHIP)
    assert supply.supplier is Supplier.SCHOOL_CLASS
    made = await service.apply(posting.id, by=other, size=20, supply_id=supply.id)
    assert (made.person_id, made.student_id, made.size) == (supply.person_id, None, 20)
    again = await refused(service.apply(posting.id, by=supply.person_id, size=10, supply_id=supply.id))
    assert again == (409, "engaged_already")
    await Organisation.filter(id=supply.organisation_id).update(state=OrganisationState.LAPSED)
    assert await refused(service.accept(made.id, firm.actor)) == (409, "engagement_unfit")
    await Organisation.filter(id=supply.organisation_id).update(state=OrganisationState.VERIFIED)
    await service.accept(made.id, firm.actor)
    events = await Event.filter(subject=f"engagement:{made.id}", name="engagement.accepted")
    assert set(events[0].people) == {str(other), str(supply.person_id)}
    elsewhere = await firm.seeks(40, kind=PostingKind.INTERNSHIP)
    crowded = service.apply(elsewhere.id, by=other, size=11, supply_id=supply.id)
    assert await refused(crowded) == (409, "engagement_overlap")


def _every_day(begins: str, ends: str) -> dict[str, list[list[str]]]:
    return {str(day): [[begins, ends]] for day in range(1, 8)}
