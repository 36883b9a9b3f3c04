"""A school's list of its students, taken in as it is said: one by one, or by the hundred in a few statements.

The students are held by whoever calls, so that of simultaneous lists the second sees what the first made.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from tortoise.expressions import Q

from server.enrolments import sealed
from server.enrolments.listing import LASTING, Evidence, Listed
from server.enrolments.models import Enrolment, EnrolmentState, EnrolmentStatus
from server.imports.models import Outcome
from server.imports.remarks import Remark
from server.kernel import audit, bulk, clock, outbox, sensitive
from server.kernel.audit import Note
from server.kernel.errors import found
from server.kernel.ids import new_id
from server.kernel.outbox import Occurrence
from server.organisations import current, heirs
from server.students import sealed as students
from server.students.models import Student

MOST_AT_ONCE = 200
REGISTERED = frozenset({EnrolmentState.REGISTERED, EnrolmentState.SUSPENDED})
"""Of these there is one at most per student, at whatever school."""
STANDING = frozenset({*REGISTERED, EnrolmentState.LISTED, EnrolmentState.GRADUATED})
"""Of these there is one at most per school, student and year."""
LEFT = frozenset({EnrolmentState.WITHDRAWN, EnrolmentState.TRANSFERRED})
"""Of these there may be several beside one that stands, and so of void ones."""

_Place = tuple[UUID, int]
"""A student or a school, and a year."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a line; `enrolment_id` is None where it was refused."""

    outcome: Outcome
    enrolment_id: UUID | None = None
    remarks: list[Remark] = field(default_factory=list)


@dataclass(slots=True)
class _Work:
    """What a list makes: rows to insert, rows to change, their history."""

    school_id: UUID
    by: UUID | None
    now: datetime
    own: dict[_Place, Enrolment]
    """What stands at the school, by student and year."""
    registered: Mapping[UUID, _Place]
    """At which school and for which year each student is registered."""
    left: Mapping[_Place, date]
    """The last day on which each who was at the school left it, by student and year."""
    void: Mapping[_Place, Sequence[Enrolment]]
    """What the school declared void, by student and year."""
    anew: bool
    """Whether what is void may be listed as it was."""
    made: dict[UUID, Enrolment] = field(default_factory=dict)
    changed: dict[UUID, Enrolment] = field(default_factory=dict)
    statuses: list[EnrolmentStatus] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def subject_of(enrolment_id: UUID) -> str:
    """Return what the audit calls an enrolment."""
    return f"enrolment:{enrolment_id}"


async def enrolment(enrolment_id: UUID) -> Enrolment:
    """Return an enrolment with its student, school and successor; raises DomainError 404."""
    related = Enrolment.get_or_none(id=enrolment_id).select_related("student", "school", "successor__school")
    return found(await related, "enrolment")


async def statuses(enrolment_id: UUID) -> list[EnrolmentStatus]:
    """Return the states that an enrolment went through, as they were made known."""
    return await EnrolmentStatus.filter(enrolment_id=enrolment_id).order_by("made_at", "id")


async def list_many(
    school_id: UUID, lines: Sequence[Listed], holders: Sequence[Student], *, by: UUID | None, anew: bool = False
) -> list[Result]:
    """Put students on a school's list and return what became of each line, in a constant number of statements.

    `holders` are the students of the lines, held. With evidence a line is registered at once, and one that was only
    listed before becomes so. A line that says nothing new is `repeated`; one with evidence for a student who is
    registered elsewhere is refused, without it listed with a remark. Refused is also who left after the day on which
    the line has them enter, who stands under another name, what differs from what stands, and, unless `anew`, what was
    declared void as it was.
    """
    work = _Work(school_id, by, clock.now(), *await _known(school_id, holders), anew)
    results = [_line(work, line, student) for line, student in zip(lines, holders, strict=True)]
    await bulk.insert(list(work.made.values()))
    await bulk.write(list(work.changed.values()), ["state", "record_number_sealed", "record_document", "version"])
    await bulk.insert(work.statuses)
    await audit.note_many(work.notes)
    people = (await current.acting([school_id]))[school_id]
    await outbox.record_many(Occurrence(note.action, note.subject, people) for note in work.notes)
    return results


async def _known(
    school_id: UUID, holders: Sequence[Student]
) -> tuple[
    dict[_Place, Enrolment],
    Mapping[UUID, _Place],
    Mapping[_Place, date],
    Mapping[_Place, Sequence[Enrolment]],
]:
    """Return what stands of the students at the school, where each is registered, when they left it, what is void."""
    telling = Q(school_id=school_id) | Q(state__in=list(STANDING))
    rows = await Enrolment.filter(telling, student_id__in=list({one.id for one in holders}))
    here = [row for row in rows if row.school_id == school_id]
    before = {one.id for one in await heirs.carried([school_id])} if len(here) < len(rows) else set()
    ours = [row for row in rows if row.school_id in {school_id, *before} and row.state in STANDING]
    ours.sort(key=lambda row: (row.state in REGISTERED, row.school_id == school_id))
    own = {(row.student_id, row.year): row for row in ours}
    at = {row.id: school_id for row in ours}  # what it carries on is its own
    registered = {row.student_id: (at.get(row.id, row.school_id), row.year) for row in rows if row.state in REGISTERED}
    void: dict[_Place, list[Enrolment]] = {}
    for row in here:
        if row.state is EnrolmentState.VOID:
            void.setdefault((row.student_id, row.year), []).append(row)
    return own, registered, await _left([row for row in here if row.state in LEFT]), void


async def _left(gone: Sequence[Enrolment]) -> Mapping[_Place, date]:
    """Return the last day on which students left, by student and year; no statement where none did."""
    days: dict[_Place, date] = {}
    places = {row.id: (row.student_id, row.year) for row in gone}
    for one in await EnrolmentStatus.filter(enrolment_id__in=list(places), state__in=list(LEFT)) if places else ():
        place = places[one.enrolment_id]
        days[place] = max(one.effective_on, days.get(place, one.effective_on))
    return days


def _line(work: _Work, line: Listed, student: Student) -> Result:
    known = work.own.get((student.id, line.year))
    here = (work.school_id, line.year)
    elsewhere = work.registered.get(student.id, here) != here
    if wrong := _unfit(work, line, student, known):
        return Result(Outcome.REFUSED, None, wrong)
    news = bool(line.evidence) and (known is None or known.state is EnrolmentState.LISTED)
    if known and not news:
        differing = [Remark(name, "differs") for name in _proven_otherwise(line.evidence, known)]
        return Result(Outcome.WARNING if differing else Outcome.REPEATED, known.id, differing)
    if news and elsewhere:
        return Result(Outcome.REFUSED, None, [Remark("id_number", "registered_elsewhere")])
    remarks = list(_remarks(line, student, elsewhere=elsewhere))
    if known is None and work.void.get((student.id, line.year)):
        remarks.append(Remark("id_number", "void_before"))
    enrolment = known or _made(work, line, student)
    if news:
        _register(work, enrolment, line.evidence)
    return Result(Outcome.WARNING if remarks else Outcome.ACCEPTED, enrolment.id, remarks)


def _unfit(work: _Work, line: Listed, student: Student, known: Enrolment | None) -> list[Remark]:
    """Return why a line goes against what the school itself has said of the student."""
    if known and sealed.name_of(known) != line.name:
        return [Remark("name", "listed_otherwise")]
    if known:
        return [Remark(name, "differs") for name in _differing(line, known)]
    place = (student.id, line.year)
    day = work.left.get(place)
    if day and line.entered_on <= day:
        return [Remark("entered_on", "left_before", {"left_on": day.isoformat()})]
    same = any(not _differing(line, row) for row in work.void.get(place, ()))
    return [Remark("id_number", "void_again")] if same and not work.anew else []


def _differing(line: Listed, row: Enrolment) -> list[str]:
    return [name for name in LASTING if name in line.said and getattr(line, name) != getattr(row, name)]


def _proven_otherwise(evidence: Evidence, row: Enrolment) -> Iterator[str]:
    """Yield what a line shows from outside otherwise than a registered student's record has it."""
    if evidence.number and evidence.number != sealed.record_number_of(row):
        yield "record_number"
    if evidence.document and evidence.document != row.record_document:
        yield "record_document"


def _remarks(line: Listed, student: Student, *, elsewhere: bool) -> Iterator[Remark]:
    if elsewhere:
        yield Remark("id_number", "registered_elsewhere")
    if students.name_of(student) != line.name:
        yield Remark("name", "name_unlike_known")


def _made(work: _Work, line: Listed, student: Student) -> Enrolment:
    row_id = new_id()
    same: Mapping[str, object] = {
        name: getattr(line, name) for name in ("year", "intake", "level", "major", "entered_on", "repeating")
    }
    enrolment = bulk.fresh(
        Enrolment,
        id=row_id,
        student_id=student.id,
        school_id=work.school_id,
        name_sealed=sensitive.seal(sealed.cell("name_sealed", row_id), line.name),
        created_at=work.now,
        **same,
    )
    work.made[row_id] = enrolment
    work.own[student.id, line.year] = enrolment
    _note(work, enrolment, "listed", "")
    return enrolment


def _register(work: _Work, enrolment: Enrolment, evidence: Evidence) -> None:
    """Make a listed enrolment a registered one from its first day on: that is when the list says it began."""
    if enrolment.id not in work.made:
        work.changed[enrolment.id] = enrolment
        enrolment.version += 1
    before, enrolment.state = enrolment.state, EnrolmentState.REGISTERED
    prove(enrolment, evidence)
    _note(work, enrolment, "registered", before)


def prove(enrolment: Enrolment, evidence: Evidence) -> None:
    """Put evidence from outside into an enrolment."""
    if evidence.number:
        place = sealed.cell("record_number_sealed", enrolment.id)
        enrolment.record_number_sealed = sensitive.seal(place, evidence.number)
    enrolment.record_document = evidence.document or enrolment.record_document


def _note(work: _Work, enrolment: Enrolment, event: str, before: str) -> None:
    after, day = enrolment.state, enrolment.entered_on
    work.statuses.append(
        bulk.fresh(
            EnrolmentStatus,
            id=new_id(),
            enrolment_id=enrolment.id,
            state=after,
            effective_on=day,
            made_at=work.now,
        )
    )
    work.notes.append(Note(subject_of(enrolment.id), f"enrolment.{event}", work.by, before, after))
