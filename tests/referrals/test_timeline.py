"""What happened to a claim and to a student, in the order of time, with nobody else's words."""

from datetime import date
from uuid import UUID

import pytest

from server.enrolments.models import EnrolmentState, EnrolmentStatus
from server.imports.models import ImportRow, Outcome
from server.kernel import audit, clock
from server.kernel.paging import Page
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from server.referrals import timeline
from server.referrals.timeline import Act, Actor
from tests.factories import make_member, make_organisation
from tests.harness.referring import make_claim, make_import, make_listed

pytestmark = pytest.mark.usefixtures("database")


async def status(enrolment_id: UUID, state: str, on: date, by: UUID, before: str = "") -> None:
    await EnrolmentStatus.create(
        enrolment_id=enrolment_id, state=EnrolmentState(state), effective_on=on, made_at=clock.now()
    )
    await audit.note(f"enrolment:{enrolment_id}", f"enrolment.{state}", actor_id=by, before=before, after=state)


def told(page: Page[Act]) -> list[tuple[str, Actor]]:
    return [(act.entry.action, act.by) for act in page.items]


async def test_a_student_is_told_in_the_order_of_time() -> None:
    school, college = await make_organisation(), await make_organisation(Kind.VOCATIONAL_SCHOOL)
    clerk, registrar = await make_member(school, Role.CLERK), await make_member(college, Role.CLERK)
    reviewer = await make_member(await secretariat(), Role.REVIEWER)
    claim = await make_claim(school)
    listed = await make_listed(college, claim.student)
    source = await make_import(school)
    await ImportRow.create(source=source, number=7, outcome=Outcome.ACCEPTED, subject_id=claim.id, remarks=[])
    subject = f"referral:{claim.id}"
    await audit.note(subject, "referral.registered", actor_id=clerk.person_id, after="registered")
    await status(listed.id, "listed", date(2026, 9, 1), registrar.person_id)
    await audit.note(subject, "referral.matched", actor_id=registrar.person_id, before="registered", after="matched")
    match = f"enrolment:{listed.id}"
    await audit.note(match, "enrolment.match_decided", actor_id=reviewer.person_id, after="listed", reason="同一人")
    await status(listed.id, "registered", date(2026, 9, 20), registrar.person_id, "listed")
    await audit.note(subject, "referral.revealed", actor_id=reviewer.person_id, after="reviewer", reason="核对")
    await audit.note(subject, "referral.confirmed", actor_id=None, before="matched", after="confirmed")
    found = await timeline.of_student(claim.student_id, 20, None)
    assert told(found) == [
        ("referral.registered", Actor.SCHOOL),
        ("enrolment.listed", Actor.SCHOOL),
        ("referral.matched", Actor.OTHER),
        ("enrolment.match_decided", Actor.SECRETARIAT),
        ("enrolment.registered", Actor.SCHOOL),
        ("referral.confirmed", Actor.SYSTEM),
    ]
    assert [act.source for act in found.items] == [(source.id, 7), *[None] * 5]
    days = [act.effective_on for act in found.items]
    assert days == [None, date(2026, 9, 1), None, None, date(2026, 9, 20), None]
    assert {act.school.id for act in found.items} == {school.id, college.id}
    pages = [await timeline.of_student(claim.student_id, 4, None)]
    pages.append(await timeline.of_student(claim.student_id, 4, pages[0].next_cursor))
    assert [one for page in pages for one in told(page)] == told(found)
    assert pages[1].items[0].effective_on == date(2026, 9, 20)
    assert told(await timeline.of_referral(claim.id, 20, None)) == [one for one in told(found) if "referral" in one[0]]


async def test_nothing_happened_to_who_was_never_sent() -> None:
    claim = await make_claim(await make_organisation())
    assert (await timeline.of_student(claim.id, 20, None)).items == []
