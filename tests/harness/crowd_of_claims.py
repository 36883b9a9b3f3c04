"""Confirmed claims by the thousand, written as lists are."""

from collections.abc import Sequence
from datetime import date
from itertools import count
from uuid import UUID

from server.enrolments.models import Enrolment, EnrolmentState, EnrolmentStatus, Intake, Level
from server.kernel import bulk, clock, sensitive
from server.kernel.ids import new_id
from server.kernel.sensitive import Kind
from server.kernel.transactions import transaction
from server.organisations.models import Organisation
from server.referrals.models import Referral, ReferralState
from server.students.models import Student
from tests.harness.referring import NAME, sealed

AT_ONCE = 1000
_numbers = count(1)


async def confirm(schools: Sequence[Organisation], college: Organisation, year: int, number: int) -> None:
    """Have so many students, each sent by one of the schools in turn, confirmed at the college."""
    for start in range(0, number, AT_ONCE):
        await _confirm(schools, college, year, min(AT_ONCE, number - start))


@transaction
async def _confirm(schools: Sequence[Organisation], college: Organisation, year: int, number: int) -> None:
    students = [_student() for _ in range(number)]
    enrolments = [_enrolment(one.id, college.id, year) for one in students]
    claims = [
        _claim(enrolment, schools[place % len(schools)].id, year) for place, enrolment in enumerate(enrolments)
    ]  # fmt: skip
    statuses = [_status(enrolment) for enrolment in enrolments]
    for rows in (students, enrolments, statuses, claims):
        await bulk.insert(rows)


def _student() -> Student:
    row_id = new_id()
    number = f"{next(_numbers):018}"
    return bulk.fresh(
        Student,
        id=row_id,
        **sealed("student", row_id, "name", Kind.NAME, NAME),
        **sealed("student", row_id, "id_number", Kind.ID_NUMBER, number),
        id_number_index=sensitive.vault().index(Kind.ID_NUMBER, f"{row_id}"),
        created_at=clock.now(),
    )


def _enrolment(student_id: UUID, college_id: UUID, year: int) -> Enrolment:
    row_id = new_id()
    return bulk.fresh(
        Enrolment,
        id=row_id,
        student_id=student_id,
        school_id=college_id,
        year=year,
        intake=Intake.AUTUMN,
        level=Level.SECONDARY,
        **sealed("enrolment", row_id, "name", Kind.NAME, NAME),
        entered_on=date(2026, 9, 1),
        state=EnrolmentState.REGISTERED,
        created_at=clock.now(),
    )


def _status(enrolment: Enrolment) -> EnrolmentStatus:
    return bulk.fresh(
        EnrolmentStatus,
        id=new_id(),
        enrolment_id=enrolment.id,
        state=enrolment.state,
        effective_on=enrolment.entered_on,
        made_at=clock.now(),
    )


def _claim(enrolment: Enrolment, school_id: UUID, year: int) -> Referral:
    row_id, now = new_id(), clock.now()
    return bulk.fresh(
        Referral,
        id=row_id,
        number=f"R{year}-{next(_numbers):06}",
        student_id=enrolment.student_id,
        school_id=school_id,
        year=year,
        intake=Intake.AUTUMN,
        **sealed("referral", row_id, "name", Kind.NAME, NAME),
        state=ReferralState.CONFIRMED,
        flags=[],
        enrolment_id=enrolment.id,
        made_by_id=school_id,
        created_at=now,
        state_since=now,
    )
