"""A student is found by number under any key, in a few statements whether they are known or not."""

import pytest

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.sensitive import Sensitive
from server.organisations.roles import Kind
from server.referrals import finding
from server.students.id_number import IdNumber, check
from tests.factories import make_organisation, make_person
from tests.harness.referring import make_claim, make_listed, make_student
from tests.harness.statements import sent
from tests.referrals.registering import BORN
from tests.students.numbers import REGIONS, number_of

pytestmark = pytest.mark.usefixtures("database")


def said(number: str) -> Sensitive:
    found = check(number, REGIONS, clock.today())
    assert isinstance(found, IdNumber)
    return found.number


async def test_referrals_and_enrolments_are_found_in_their_schools_and_years_alone() -> None:
    feeder, other = [await make_organisation() for _ in range(2)]
    college, by = await make_organisation(Kind.VOCATIONAL_SCHOOL), (await make_person()).id
    number = number_of(BORN)
    student = await make_student(number)
    claims = [await make_claim(feeder, student, year=2025), await make_claim(other, student, year=2026)]
    listed = await make_listed(college, student)
    wanted = said(number)
    assert [one.id for one in await finding.referrals(wanted, None, None, by=by)] == [claims[1].id, claims[0].id]
    assert [one.id for one in await finding.referrals(wanted, 2025, {feeder.id, other.id}, by=by)] == [claims[0].id]
    assert await finding.referrals(wanted, None, set(), by=by) == []
    [found] = await finding.enrolments(wanted, 2026, {college.id}, by=by)
    assert (found.id, found.school.id, found.student.id, found.matched) == (listed.id, college.id, student.id, 0)  # type: ignore[attr-defined]
    assert await finding.enrolments(wanted, None, {feeder.id}, by=by) == []
    acts = [entry.action for entry in await AuditEntry.filter(actor_id=by).order_by("id")]
    assert acts == ["referral.sought"] * 3 + ["enrolment.sought"] * 2


async def test_a_number_that_is_known_elsewhere_takes_what_an_unknown_one_takes() -> None:
    own, other, by = await make_organisation(), await make_organisation(), (await make_person()).id
    elsewhere, unknown = number_of(BORN), number_of(BORN)
    await make_claim(other, await make_student(elsewhere))
    asked = []
    for number in (elsewhere, unknown):
        with sent() as statements:
            assert await finding.referrals(said(number), None, {own.id}, by=by) == []
        asked.append([statement.split("'")[0] for statement in statements])
    assert asked[0] == asked[1]
