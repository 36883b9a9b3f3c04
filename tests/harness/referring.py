"""Claims and enrolments in the tables, as those who made them left them."""

from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

from server.enrolments.models import Enrolment, Intake, Level
from server.imports.models import Import, ImportKind, ImportState
from server.kernel import clock, sensitive
from server.kernel.ids import new_id
from server.kernel.sensitive import Cell, Kind, Sensitive
from server.organisations.models import Organisation
from server.referrals.models import Evidence, Referral
from server.students.models import Student
from tests.students.numbers import number_of

NAME, PHONE, GUARDIAN, GUARDIAN_PHONE = "欧阳鸢尾", "13970531864", "欧阳青竹", "13855613702"
_numbers = count(900_001)
"""Far beyond those that the product itself gives in a test."""


def sealed(table: str, row_id: UUID, column: str, kind: Kind, value: str) -> dict[str, Any]:
    return {f"{column}_sealed": sensitive.seal(Cell(table, f"{column}_sealed", row_id), Sensitive(kind, value))}


async def make_student(number: str = "", name: str = NAME) -> Student:
    row_id, number = new_id(), number or number_of(date(2011, 5, 5))
    return await Student.create(
        id=row_id,
        **sealed("student", row_id, "name", Kind.NAME, name),
        **sealed("student", row_id, "id_number", Kind.ID_NUMBER, number),
        id_number_index=sensitive.vault().index(Kind.ID_NUMBER, number),
        created_at=clock.now(),
    )


async def make_claim(
    school: Organisation, student: Student | None = None, phone: str = PHONE, **values: Any
) -> Referral:
    row_id, now = values.get("id") or new_id(), clock.now()
    row = {
        "id": row_id,
        "number": f"R2026-{next(_numbers):06}",
        "student": student or await make_student(),
        "school": school,
        "year": 2026,
        "intake": Intake.AUTUMN,
        **sealed("referral", row_id, "name", Kind.NAME, NAME),
        **sealed("referral", row_id, "phone", Kind.PHONE, phone),
        "phone_index": sensitive.vault().index(Kind.PHONE, phone),
        **sealed("referral", row_id, "guardian_name", Kind.NAME, GUARDIAN),
        **sealed("referral", row_id, "guardian_phone", Kind.PHONE, GUARDIAN_PHONE),
        "flags": [],
        "made_by_id": new_id(),
        "created_at": now,
        "state_since": now,
    }
    return await Referral.create(**{**row, **values})


async def make_evidence(claim: Referral, **values: Any) -> Evidence:
    row = {"referral": claim, "note": "见升学志愿表", "person_id": new_id(), "created_at": clock.now()}
    return await Evidence.create(**{**row, **values})


async def make_listed(school: Organisation, student: Student | None = None, **values: Any) -> Enrolment:
    row_id = values.get("id") or new_id()
    row = {
        "id": row_id,
        "student": student or await make_student(),
        "school": school,
        "year": 2026,
        "intake": Intake.AUTUMN,
        "level": Level.SECONDARY,
        **sealed("enrolment", row_id, "name", Kind.NAME, NAME),
        "entered_on": date(2026, 9, 1),
        "created_at": clock.now(),
    }
    return await Enrolment.create(**{**row, **values})


async def make_import(school: Organisation, **values: Any) -> Import:
    row = {"kind": ImportKind.REFERRAL, "organisation": school, "person_id": new_id(), "headings": []}
    terms = {"year": 2026, "intake": "autumn", "named_school": None, "level": None, "unread": []}
    row |= {"terms": terms, "ignored": [], "state": ImportState.DONE, "total": 1, "created_at": clock.now()}
    return await Import.create(**{**row, **values})


def sealed_link() -> dict[str, Any]:
    """What of a link to a student is sealed, with its id."""
    row_id = new_id()
    return {"id": row_id, **sealed("student_link", row_id, "name", Kind.NAME, NAME)}
