"""What of students lies sealed: their names and numbers, and how a name is corrected."""

from datetime import date
from uuid import UUID

from server.kernel import audit, sensitive
from server.kernel.sensitive import Cell, Kind, Sensitive
from server.students.id_number import IdNumber
from server.students.models import LinkState, Student, StudentLink


def cell(table: type[Student | StudentLink], column: str, row_id: UUID) -> Cell:
    """Return where a sealed value of a student or a link lies."""
    return Cell(table.Meta.table, column, row_id)


def name_of(student: Student) -> Sensitive:
    """Return what a student is called."""
    return sensitive.opened(cell(Student, "name_sealed", student.id), Kind.NAME, student.name_sealed)


def number_of(student: Student) -> Sensitive:
    """Return a student's ID number."""
    return sensitive.opened(cell(Student, "id_number_sealed", student.id), Kind.ID_NUMBER, student.id_number_sealed)


def given_name(link: StudentLink) -> Sensitive:
    """Return what the person called the student."""
    return sensitive.opened(cell(StudentLink, "name_sealed", link.id), Kind.NAME, link.name_sealed)


def differs(link: StudentLink) -> bool:
    """Whether the name given is not, at this moment, the student's; the link comes with its student."""
    return given_name(link) != name_of(link.student)


def identity(student: Student) -> IdNumber:
    """Return a student's number with the date of birth in it."""
    number = number_of(student)
    return IdNumber(number, date.fromisoformat(number.reveal()[6:14]))


async def correct_name(link: StudentLink, by_id: UUID) -> None:
    """Give a student, who is held, the name of a link about to be confirmed, unless a confirmed one says otherwise."""
    given = given_name(link)
    confirmed = StudentLink.filter(student_id=link.student_id, state=LinkState.CONFIRMED, ended_at=None)
    if given == name_of(link.student) or any(given_name(one) != given for one in await confirmed.exclude(id=link.id)):
        return
    link.student.name_sealed = sensitive.vault().seal(cell(Student, "name_sealed", link.student_id), given.reveal())
    await link.student.save(update_fields=["name_sealed"])
    subject = f"student:{link.student_id}"
    await audit.note(subject, "student.renamed", actor_id=by_id, fields=["name"])
