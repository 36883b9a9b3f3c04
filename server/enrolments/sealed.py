"""What of enrolments lies sealed."""

from uuid import UUID

from server.enrolments.models import Enrolment
from server.kernel import sensitive
from server.kernel.sensitive import Cell, Kind, Sensitive


def cell(column: str, enrolment_id: UUID) -> Cell:
    """Return where a sealed value of an enrolment lies."""
    return Cell(Enrolment.Meta.table, column, enrolment_id)


def name_of(enrolment: Enrolment) -> Sensitive:
    """Return what the school calls the student."""
    return sensitive.opened(cell("name_sealed", enrolment.id), Kind.NAME, enrolment.name_sealed)


def record_number_of(enrolment: Enrolment) -> Sensitive | None:
    """Return the number of the student's record (学籍号), where the school gave it."""
    return sensitive.unseal(
        cell("record_number_sealed", enrolment.id), Kind.STUDENT_NUMBER, enrolment.record_number_sealed
    )
