"""Whoever is eighteen speaks for themselves: no guardian reads of them any more, nor consents."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from server.consents import service as consents
from server.consents.documents import load
from server.consents.service import Wanted
from server.kernel import clock
from server.people.service import Decider
from server.privacy.export import export
from server.reveals.subjects import KINDS
from server.students import links
from server.students import service as students
from server.students.models import Relation, Student, StudentLink
from server.students.service import Verdict
from tests.factories import make_organisation, make_person
from tests.harness.referring import make_claim
from tests.policy.shelf import CONTENT
from tests.students.numbers import claim, number_of

pytestmark = pytest.mark.usefixtures("database")
YEARS = timedelta(days=3 * 366)


async def linked(number: str, relation: Relation) -> StudentLink:
    link = await students.request((await make_person()).id, claim(number, relation))
    return await students.decide(link.id, Verdict.CONFIRM, Decider((await make_person()).id, "已核对"))


async def concerned(link: StudentLink) -> frozenset[UUID]:
    """Who is told, and sees, that somebody looked at a student."""
    return (await KINDS["student"].concern(await Student.get(id=link.student_id))).people


async def test_a_guardian_reads_nothing_of_who_came_of_age() -> None:
    guardian = await linked(number_of(date(clock.today().year - 17, 1, 1)), Relation.GUARDIAN)
    own = await linked(number_of(date(2000, 1, 1)), Relation.SELF)
    await make_claim(await make_organisation(), await Student.get(id=guardian.student_id))
    assert (await export(guardian.person_id)).referrals
    assert await links.speaking(guardian.student_id) == {guardian.person_id}
    assert await concerned(guardian) == {guardian.person_id}
    clock.move_to(clock.now() + YEARS)
    found = await export(guardian.person_id)
    assert (found.referrals, found.enrolments, found.awards) == ([], [], [])
    assert await links.speaking(guardian.student_id) == set()
    assert await links.speaking(own.student_id) == {own.person_id}
    assert await concerned(guardian) == set(), "nor is told who looked at somebody else's number"
    assert await concerned(own) == {own.person_id}


async def test_who_is_of_age_withdraws_though_a_guardian_once_consented() -> None:
    number, documents = number_of(date(clock.today().year - 17, 1, 1)), load(CONTENT)
    guardian, own = await linked(number, Relation.GUARDIAN), await linked(number, Relation.SELF)
    document = documents.find("student", clock.today())
    assert document
    await consents.give(
        guardian.person_id, Wanted("student", document.version, "labour", guardian.student_id), documents
    )
    clock.move_to(clock.now() + YEARS)
    given = await consents.give(own.person_id, Wanted("student", document.version, "labour"), documents)
    student, what = await Student.get(id=own.student_id), ("student", "labour")
    assert await consents.standing([student], what, clock.today(), documents) == {student.id}
    await consents.withdraw(given.id)
    assert await consents.standing([student], what, clock.today(), documents) == set()
