"""The one row per student, whoever names them: found by number, made where nobody did before, held for what follows.

Everyone holds in one order, so that nobody waits in a circle: the numbers by their indexes, then the students by id,
then what belongs to each student.
"""

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from server.kernel import blind_index, bulk, clock, sensitive
from server.kernel.errors import found
from server.kernel.ids import new_id
from server.kernel.sensitive import Envelope, Sensitive
from server.kernel.statements import select
from server.students.id_number import IdNumber
from server.students.models import Student
from server.students.sealed import cell

ABOUT = "student_id = ANY($1) ORDER BY student_id, id"
"""What belongs to some students, for `select`, in the order in which it is held.

Whoever wants that of one year takes it from among the rows. Where the year is asked for, a database that has counted
nothing in it yet walks through all of it, and so does SQLite for the order of ids alone.
"""


class Said(Protocol):
    """Whoever is named by name and number: a claim, a line of a list."""

    @property
    def name(self) -> Sensitive:
        """What they are called; becomes the student's name where nobody named the number before."""

    @property
    def number(self) -> IdNumber:
        """The number that makes them the student they are."""


async def held(said: Sequence[Said], *, beside: Collection[UUID] = ()) -> list[Student]:
    """Return the student of each of `said`, in their order, all held until the transaction ends.

    Those that nobody named before are made, a number that is there twice once. The students with the ids `beside` are
    held with them, in the same order as everyone takes. A few statements, however many; at
    most some hundreds, since PostgreSQL keeps a lock for each. Raises RuntimeError outside a transaction.
    """
    numbers = list(dict.fromkeys(one.number.number for one in said))
    indexes = dict(zip(numbers, await blind_index.hold_many(numbers), strict=True))
    known = await _known([index for of_one in indexes.values() for index in of_one], beside)
    first = {one.number.number: one for one in reversed(said)}
    made = [
        _made(one, indexes[number][0])
        for number, one in first.items()
        if not any(index in known for index in indexes[number])
    ]
    await bulk.insert(made)
    known |= {student.id_number_index: student for student in made}
    students = {number: next(known[i] for i in indexes[number] if i in known) for number in numbers}
    return [students[one.number.number] for one in said]


def made_now(student: Student) -> bool:
    """Whether a student whom `held` returned was made by it: then nothing belongs to them yet, and nobody sees them.

    What comes out of the database does not remember what was sealed.
    """
    return isinstance(student.name_sealed, Envelope)


async def hold(student_id: UUID) -> Student:
    """Return a student, held until the transaction ends; raises DomainError 404."""
    return found(await Student.filter(id=student_id).select_for_update(no_key=True).get_or_none(), "student")


async def hold_all(student_ids: Collection[UUID]) -> dict[UUID, Student]:
    """Return students by id, all held until the transaction ends; those that are gone are left out."""
    rows = await Student.filter(id__in=list(student_ids)).order_by("id").select_for_update(no_key=True)
    return {student.id: student for student in rows}


async def _known(indexes: Collection[str], beside: Collection[UUID]) -> dict[str, Student]:
    if beside:
        either = "id_number_index = ANY($1) OR id = ANY($2) ORDER BY id"
        rows = await select(Student, either, list(indexes), list(beside), hold=True)
    else:
        rows = await select(Student, "id_number_index = ANY($1) ORDER BY id", list(indexes), hold=True)
    return {student.id_number_index: student for student in rows}


def _made(said: Said, index: str) -> Student:
    student_id = new_id()
    return bulk.fresh(
        Student,
        id=student_id,
        name_sealed=sensitive.seal(cell(Student, "name_sealed", student_id), said.name),
        id_number_sealed=sensitive.seal(cell(Student, "id_number_sealed", student_id), said.number.number),
        id_number_index=index,
        created_at=clock.now(),
    )
