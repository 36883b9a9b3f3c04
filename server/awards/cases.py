"""Cases whose facts somebody states, for programmes of which the data knows nothing: a class, a college."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self
from uuid import UUID

from server.awards import book, matters
from server.awards.facts import judged
from server.awards.making import Candidate, code_beside, excepted
from server.awards.models import Award, AwardState
from server.awards.rules import Source
from server.kernel import clock, codes
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.ids import new_id
from server.kernel.statements import select
from server.organisations.models import Organisation
from server.policy import service as policy
from server.policy.facts import Value
from server.policy.programmes import Programme
from server.students import registry
from server.students.models import Student

_ALIKE = (
    "NOT programme <> $1 AND "
    "(student_id = ANY($2) OR (payee_id = ANY($3) AND student_id IS NULL AND year BETWEEN $4 AND $5))"
)
_ONLY = ("id", "payee_id", "student_id", "matter", "state")
_EVER = 9999
"""The last year of all."""


@dataclass(frozen=True, slots=True)
class Case:
    """One stated case: who is to be paid, for which `matter` or student, and the facts as of the day `entered_on`.

    `exception` says why it may stand beside another award for the same.
    """

    payee: UUID
    matter: str
    student: UUID | None
    entered_on: date
    facts: Mapping[str, Value]
    exception: str = ""

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """Return a case as `kept` put it away."""
        return cls(
            payee=UUID(kept["payee"]),
            matter=kept["matter"],
            student=UUID(kept["student"]) if kept["student"] else None,
            entered_on=date.fromisoformat(kept["entered_on"]),
            facts=kept["facts"],
            exception=kept["exception"],
        )

    @property
    def kept(self) -> dict[str, Any]:
        """It as a run keeps it, under an id of its own."""
        student, day = str(self.student) if self.student else None, self.entered_on.isoformat()
        same = {"matter": self.matter, "facts": dict(self.facts), "exception": self.exception}
        return {"id": str(new_id()), "payee": str(self.payee), "student": student, "entered_on": day, **same}


async def check(cases: Sequence[Case], programme: Programme, source: Source, year: int) -> None:
    """Raise DomainError 422 that lists everything wrong with stated cases of a year; two statements."""
    payees = {row.id: row.kind for row in await Organisation.filter(id__in={case.payee for case in cases})}
    wanted = {case.student for case in cases if case.student}
    students = {row.id for row in await Student.filter(id__in=wanted).only("id")}
    faults: list[FieldFault] = []
    for place, case in enumerate(cases):
        at = f"/cases/{place}"
        if payees.get(case.payee) is not source.payee:
            faults.append(FieldFault(f"{at}/payee", "payee_of_other_kind"))
        if case.student and case.student not in students:
            faults.append(FieldFault(f"{at}/student", "student_unknown"))
        if not case.student and not case.matter:
            faults.append(FieldFault(f"{at}/matter", "matter_needed"))
        if case.entered_on > clock.today():
            faults.append(FieldFault(f"{at}/entered_on", "day_to_come"))
        elif case.entered_on.year != year:
            faults.append(FieldFault(f"{at}/entered_on", "day_of_other_year", {"year": year}))
        faults += _faults_of_facts(case, programme, at)
    faults += [FieldFault(f"/cases/{place}", "case_again") for place in _repeated(cases)]
    if faults:
        raise invalid(*faults)


async def candidates(kept: Sequence[Mapping[str, Any]], programme: str, year: int) -> list[Candidate]:
    """Return what comes of cases that a run keeps, their students and payees held; three statements."""
    cases = {UUID(one["id"]): Case.of(one) for one in kept}
    payees = sorted({case.payee for case in cases.values()})
    students = sorted({case.student for case in cases.values() if case.student})
    await matters.hold(payees)  # before students, as whoever takes in a list of theirs
    await registry.hold_all(students)
    first, last = (year, year) if matters.yearly(programme) else (0, _EVER)
    known = await select(Award, _ALIKE, programme, students, payees, first, last, only=_ONLY)
    return [_candidate(case_id, case, known, programme) for case_id, case in cases.items()]


def _candidate(case_id: UUID, case: Case, known: Sequence[Award], programme: str) -> Candidate:
    same = [award for award in known if _same(award, case)]
    own = [award for award in same if matters.alike(award.matter, case.matter) and award.payee_id == case.payee]
    if case.exception:  # then another one may stand beside it, however alike
        own = [award for award in own if award.state is AwardState.REFUSED]
    return Candidate(
        subject_id=case_id,
        payee_id=case.payee,
        entered_on=case.entered_on,
        facts=case.facts,
        found=judged(book.in_force(), programme, case.facts, case.entered_on),
        student_id=case.student,
        matter=case.matter,
        exception=excepted(same, case.exception),
        code=code_beside(own, same, case.exception),
    )


def _same(award: Award, case: Case) -> bool:
    """Whether an award is for the same student or, where there is none, for the same matter of the same payee."""
    if case.student:
        return award.student_id == case.student
    return award.student_id is None and award.payee_id == case.payee and matters.alike(award.matter, case.matter)


def _faults_of_facts(case: Case, programme: Programme, at: str) -> list[FieldFault]:
    try:
        policy.check(
            book.in_force(),
            audience=programme.audience,
            jurisdiction=programme.jurisdiction,
            on=case.entered_on,
            facts=case.facts,
        )
    except DomainError as refusal:
        moved = refusal.faults
        return [FieldFault(f"{at}{one.pointer}", one.code, one.params, one.label) for one in moved]
    return []


def _repeated(cases: Sequence[Case]) -> list[int]:
    """Return the places of cases that are about the same as an earlier one."""
    about = [(case.student,) if case.student else (case.payee, codes.plain(case.matter)) for case in cases]
    return [place for place, one in enumerate(about) if one in about[:place]]
