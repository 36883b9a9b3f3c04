"""Who the two sides of an engagement are to each other: a masked name at first, from acceptance on whom to call.

Of who was offered a place the poster reads nothing until they say yes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from server.consents import service as consents
from server.consents.documents import Documents
from server.consents.models import Capacity
from server.consents.service import OF_AGE
from server.engagements import states
from server.engagements.models import Engagement, EngagementState
from server.enrolments.models import Enrolment, EnrolmentState
from server.kernel import clock
from server.kernel.sensitive import Sensitive, if_readable
from server.labour.contacts import contact_of
from server.labour.models import Posting
from server.people import service as people
from server.people.models import PersonState
from server.students.models import Student
from server.students.sealed import identity, name_of

OPEN = frozenset({
    EngagementState.ACCEPTED, EngagementState.ATTENDED, EngagementState.COMPLETED, EngagementState.LEFT_EARLY,
    EngagementState.NO_SHOW, EngagementState.WAGE_DISPUTE,
})  # fmt: skip
"""In which states the two know whom to call."""
LABOUR, CONTACT = ("student", "labour"), ("student", "contact")
AGES = ((18, "16-17"), (25, "18-24"), (35, "25-34"), (200, "35+"))
"""Before which year of life somebody is in which band."""
GONE = frozenset({PersonState.RESTRICTED, PersonState.ERASED})


@dataclass(frozen=True, slots=True)
class Worker:
    """Who takes the place, as far as it may be told: `school` and `ages` where that was consented to, or both None.

    Of a class there is the school alone. `contact` is None until both agreed, and `through_school` says that there is
    none but by their school. What cannot be read is None, and whose number cannot be is as one under age.
    """

    name: Sensitive | None
    school: str | None = None
    ages: str | None = None
    contact: "Reach | None" = None
    through_school: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom to ask for, by what number."""

    name: Sensitive
    phone: Sensitive


def open_to_both(row: Engagement) -> bool:
    """Whether the two sides of an engagement know whom to call."""
    return row.state in OPEN


def asked(row: Engagement) -> bool:
    """Whether who would take the place ever asked for it, or said yes to what was offered: they then agreed to terms.

    Before, the poster reads nothing of them, and nothing afterwards if it ends without.
    """
    unanswered = row.approved_at is not None and row.accepted_at is None and row.terms_id is None
    return not (row.state is EngagementState.OFFERED or (unanswered and row.state in states.GONE))


def posters(row: Engagement) -> Reach | None:
    """Return whom the worker asks for, None before both agreed and where nobody was named."""
    return _reach_of(row.posting) if open_to_both(row) else None


async def workers(rows: Sequence[Engagement], documents: Documents) -> Mapping[UUID, Worker]:
    """Return who takes each place, by the engagement's id.

    `rows` come with posting, supply and its organisation, person and student. Six queries at most, however many.
    """
    today = clock.today()
    students = {row.student_id: row.student for row in rows if row.student_id and row.student}
    legible = [one for one in students.values() if if_readable(identity, one)]
    told = await consents.standing(legible, LABOUR, today, documents)
    minors = [one for one in _of_open(rows) if _is_minor(one, today)]
    asked_for = [one for one in minors if one in legible]
    reachable = await consents.standing(asked_for, CONTACT, today, documents, by=Capacity.GUARDIAN)
    through_school = {one.id for one in minors} - reachable
    schools = await _schools(told)
    return {
        row.id: _student(row, row.student, today, schools if row.student_id in told else None, through_school)
        if row.student
        else _of_class(row)
        for row in rows
    }


def _of_open(rows: Iterable[Engagement]) -> list[Student]:
    return list({row.student_id: row.student for row in rows if row.student and open_to_both(row)}.values())


def _student(
    row: Engagement, student: Student, today: date, schools: Mapping[UUID, str] | None, through_school: set[UUID]
) -> Worker:
    if row.person.state in GONE:
        return Worker(None)
    name, by_school = if_readable(name_of, student), student.id in through_school
    reach = _reach_of(row.supply) or _own(row, name) if open_to_both(row) and not by_school else None
    if schools is None:
        return Worker(name, contact=reach, through_school=by_school)
    return Worker(name, schools.get(student.id), _band(student, today), reach, by_school)


def _of_class(row: Engagement) -> Worker:
    """Return the school that offers its class."""
    school = row.supply.organisation if row.supply else None
    contact = _reach_of(row.supply) if open_to_both(row) else None
    return Worker(None, school.name if school else None, contact=contact)


def _reach_of(posting: Posting | None) -> Reach | None:
    contact = if_readable(contact_of, posting) if posting else None
    return Reach(contact.name, contact.phone) if contact else None


def _own(row: Engagement, name: Sensitive | None) -> Reach | None:
    phone = people.readable_phone(row.person)
    return Reach(name, phone) if name and phone else None


def _is_minor(student: Student, today: date) -> bool:
    known = if_readable(identity, student)
    return known is None or known.age_on(today) < OF_AGE


def _band(student: Student, today: date) -> str:
    age = identity(student).age_on(today)
    return next(name for before, name in AGES if age < before)


async def _schools(student_ids: set[UUID]) -> Mapping[UUID, str]:
    """Return where some students are enrolled; of two the later one."""
    if not student_ids:
        return {}
    enrolled = Enrolment.filter(student_id__in=student_ids, state=EnrolmentState.REGISTERED)
    rows = await enrolled.select_related("school").order_by("id")
    return {row.student_id: row.school.name for row in rows}
