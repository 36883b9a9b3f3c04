"""Which schools are members of the group, as the secretariat says; and what was true of them before it was asked."""

from datetime import UTC, date, datetime
from importlib import import_module

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.jobs.models import Job
from server.kernel.outbox import Event
from server.organisations import group
from server.organisations.group import Period
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from tests.factories import make_member, make_organisation, make_person
from tests.harness.referring import make_listed, make_student

pytestmark = pytest.mark.usefixtures("database")
AUTUMN = date(2026, 9, 1)


async def decider() -> Decider:
    return Decider((await make_person()).id, "理事会决议")


async def test_it_is_set_with_a_reason_and_those_who_lead_are_told() -> None:
    school = await make_organisation(Kind.VOCATIONAL_SCHOOL, member_since=None)
    lead, by = await make_member(school, Role.MANAGER), await decider()
    await group.set_period(school.id, Period(AUTUMN), by)
    made = await group.set_period(school.id, Period(AUTUMN, date(2027, 7, 31)), by, version=2)
    assert (made.member_since, made.member_until, made.version) == (AUTUMN, date(2027, 7, 31), 3)
    noted = await AuditEntry.filter(action="organisation.group_set").order_by("id")
    assert [(one.before, one.after, one.reason, one.actor_id) for one in noted] == [
        ("/", "2026-09-01/", by.reason, by.person_id),
        ("2026-09-01/", "2026-09-01/2027-07-31", by.reason, by.person_id),
    ]
    told = await Event.filter(name="organisation.group_set").order_by("id")
    assert [one.people for one in told] == [[str(lead.person_id)]] * 2
    assert [job.payload for job in await Job.filter(kind=group.CHANGED)] == [{"school": str(school.id)}] * 2
    await group.set_period(school.id, Period(AUTUMN, date(2027, 7, 31)), by)
    assert (await Organisation.get(id=school.id)).version == 3, "nothing has changed"


async def test_nobody_sets_it_for_their_own_nor_for_what_is_no_vocational_school() -> None:
    school, feeder, by = await make_organisation(Kind.VOCATIONAL_SCHOOL), await make_organisation(), await decider()
    own = Decider((await make_member(school, Role.CLERK)).person_id, "理事会决议")
    for organisation, who, why in ((school, own, "decides_for_own"), (feeder, by, "not_a_vocational_school")):
        with pytest.raises(DomainError, match=why):
            await group.set_period(organisation.id, Period(AUTUMN), who)
    with pytest.raises(DomainError, match="stale_version"):
        await group.set_period(school.id, Period(AUTUMN), by, version=7)


@pytest.mark.parametrize(
    ("period", "fault"),
    [(Period(None, AUTUMN), "/member_since"), (Period(AUTUMN, date(2026, 8, 31)), "/member_until")],
)
async def test_its_days_are_in_order(period: Period, fault: str) -> None:
    school = await make_organisation(Kind.VOCATIONAL_SCHOOL)
    with pytest.raises(DomainError) as refused:
        await group.set_period(school.id, period, await decider())
    assert [one.pointer for one in refused.value.faults] == [fault]


def test_both_days_belong_to_it() -> None:
    period = Period(AUTUMN, date(2027, 8, 31))
    days = (date(2026, 8, 31), AUTUMN, date(2027, 8, 31), date(2027, 9, 1))
    assert [period.covers(day) for day in days] == [False, True, True, False]
    assert [period.over_on(day) for day in days] == [False, False, False, True]
    assert not Period(None).covers(AUTUMN)
    assert Period(None).over_on(AUTUMN)


async def test_those_who_were_here_before_it_was_asked_are_members(database: BaseDBAsyncClient) -> None:
    """Since they came, or since their first student entered, so that nothing that was decided changes."""
    here = {"created_at": datetime(2026, 10, 3, 6, tzinfo=UTC), "member_since": None}
    plain, early, closed = [await make_organisation(Kind.VOCATIONAL_SCHOOL, **here) for _ in range(3)]
    await Organisation.filter(id=closed.id).update(state=OrganisationState.CLOSED)
    waiting = await make_organisation(Kind.VOCATIONAL_SCHOOL, state=OrganisationState.APPLIED, **here)
    firm = await make_organisation(Kind.ENTERPRISE, **here)
    for day in (AUTUMN, date(2026, 11, 1)):
        await make_listed(early, await make_student(), entered_on=day)
    for statement in import_module("server.migrations.0010_members").BEFORE_IT_WAS_ASKED:
        await database.execute_query(statement)
    found = {one.id: one.member_since for one in await Organisation.all()}
    came = date(2026, 10, 3)
    assert [found[one.id] for one in (plain, early, closed, waiting, firm)] == [came, AUTUMN, came, None, None]
