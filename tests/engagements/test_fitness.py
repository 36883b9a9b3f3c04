"""Whom the law, a posting, a missing consent or an ended account keep from a place, to the day."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from server.consents.models import Capacity
from server.engagements import service
from server.engagements.models import EngagementState
from server.kernel import clock
from server.labour.models import PostingKind, Shift
from server.people.models import Person, PersonState
from tests.engagements.filling import DAY, Firm, consents, first_day, make_worker, offers, refused
from tests.factories import make_person

pytestmark = pytest.mark.usefixtures("database")


async def born_so_as_to_be(years: int, on: date, *, days: int = 0) -> UUID:
    """A worker who becomes so old on a day, or so many days later."""
    return await make_worker(born=on.replace(year=on.year - years) + days * DAY)


async def test_who_is_no_known_student_is_told_so(firm: Firm) -> None:
    posting, stranger = await firm.seeks(), await make_person()
    assert await refused(service.apply(posting.id, by=stranger.id)) == (409, "worker_unknown")


async def test_the_law_forbids_work_under_16_to_the_day(firm: Firm) -> None:
    posting = await firm.seeks()
    young, old = await born_so_as_to_be(16, first_day(), days=1), await born_so_as_to_be(16, first_day())
    await consents(young)
    await consents(old)
    assert await refused(service.apply(posting.id, by=young)) == (422, "/person worker_too_young")
    assert (await service.apply(posting.id, by=old)).state is EngagementState.APPLIED


async def test_ages_of_the_posting_are_those_of_the_first_day(firm: Firm) -> None:
    posting = await firm.seeks(age_min=18, age_max=30)
    assert await refused(
        service.apply(posting.id, by=await born_so_as_to_be(18, first_day(), days=1))
    ) == (422, "/person worker_too_young")  # fmt: skip
    assert await refused(
        service.apply(posting.id, by=await born_so_as_to_be(31, first_day()))
    ) == (422, "/person worker_too_old")  # fmt: skip
    assert await service.apply(posting.id, by=await born_so_as_to_be(31, first_day(), days=1))
    begun = await firm.seeks(age_max=30, starts_on=clock.today() - 40 * DAY)
    turned = await born_so_as_to_be(31, clock.today())
    assert await refused(service.apply(begun.id, by=turned)) == (422, "/person worker_too_old")


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"hours": {"1": [["14:00", "22:30"]]}}, "worker_night"),
        ({"hours": {"1": [["22:00", "06:00"]]}}, "worker_night"),
        ({"shift": Shift.ROTATING}, "worker_night"), ({"occupation": "welder"}, "worker_hazard"),
        ({"hours": {"1": [["06:00", "22:00"]]}}, None),
        ({"shift": Shift.ROTATING, "kind": PostingKind.INTERNSHIP}, None),
    ],
)  # fmt: skip
async def test_what_is_not_for_minors(firm: Firm, values: dict[str, Any], fault: str | None) -> None:
    posting = await firm.seeks(**values)
    minor, grown = await make_worker(16), await born_so_as_to_be(18, first_day())
    for one in (minor, grown):
        await consents(one)
    if fault:
        assert await refused(service.apply(posting.id, by=minor)) == (422, f"/person {fault}")
    else:
        assert await service.apply(posting.id, by=minor)
    assert await service.apply(posting.id, by=grown)


async def test_a_minor_needs_a_guardian_and_not_only_their_own_word(firm: Firm) -> None:
    posting, minor = await firm.seeks(), await make_worker(17)
    missing = (422, "/person worker_guardian")
    assert await refused(service.apply(posting.id, by=minor)) == missing
    await consents(minor, Capacity.SELF)
    assert await refused(service.apply(posting.id, by=minor)) == missing
    given = await consents(minor)
    made = await service.apply(posting.id, by=minor)
    given.withdrawn_at = clock.now()
    await given.save()
    assert await refused(service.accept(made.id, firm.actor)) == (409, "engagement_unfit")
    await consents(minor)
    assert (await service.accept(made.id, firm.actor)).state is EngagementState.ACCEPTED


async def test_an_offer_to_who_does_not_fit_does_not_say_why(firm: Firm) -> None:
    posting, minor = await firm.seeks(), await make_worker(16)
    supply = await offers(minor)
    assert await refused(service.offer(posting.id, supply.id, by=firm.clerk)) == (409, "engagement_unfit")


async def test_who_may_not_act_any_more_gets_no_place(firm: Firm) -> None:
    posting, worker = await firm.seeks(), await make_worker()
    made = await service.apply(posting.id, by=worker)
    await Person.filter(id=worker).update(state=PersonState.SUSPENDED)
    assert await refused(service.accept(made.id, firm.actor)) == (409, "engagement_unfit")
