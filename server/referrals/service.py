"""A school registers the students it sends: one by one, or by the hundred in a few statements.

Each student is held first, so that of schools that claim one at the same time the second sees the first's claim. Every
claim is kept: one that comes second is stored beside the one that lives, for a reviewer to decide between them.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

from server.enrolments.models import Enrolment, Intake
from server.imports.models import Outcome
from server.imports.remarks import Remark
from server.kernel import audit, bulk, clock, numbers, outbox
from server.kernel.audit import Note
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Occurrence
from server.kernel.statements import select
from server.kernel.transactions import transaction
from server.organisations import current, heirs
from server.organisations.models import Organisation, OrganisationState
from server.referrals import flags, following, holding, matching, repeats, rules, sealed, years
from server.referrals.claims import Claim
from server.referrals.flags import Flag
from server.referrals.holding import subject_of
from server.referrals.models import Referral, ReferralState
from server.referrals.verdicts import OPEN
from server.students import links, registry
from server.students import sealed as students
from server.students.models import Student

MOST_AT_ONCE = 200
REGISTERED, DISPUTED = "referral.registered", "referral.disputed"
CONTESTED = ("state", "state_since", "winner_id", "evidence_until", "version")
"""What changes of a claim beside which another comes."""
_FIELDS = {Flag.NAME_UNLIKE_KNOWN: "name", Flag.AGE_UNUSUAL: "id_number"}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a claim; `referral_id` is None where it was refused."""

    outcome: Outcome
    referral_id: UUID | None = None
    remarks: list[Remark] = field(default_factory=list)
    row: Referral | None = None
    """The claim as it was written, with its student and school, unless it was matched at once."""
    met: UUID | None = None
    """The claim of the school's own, or of what it carries on, that was there before."""


@dataclass(slots=True)
class _Work:
    """What there is of the students of some claims, and what becomes of it."""

    school: Organisation
    by: UUID
    known: Collection[UUID]
    """Students whom somebody named before."""
    own_students: Collection[UUID]
    claims: dict[UUID, list[Referral]] = field(default_factory=dict)
    """By student, all that were not withdrawn, as they are and as they come."""
    made: list[Referral] = field(default_factory=list)
    contested: dict[UUID, Referral] = field(default_factory=dict)
    """Claims that stood before and beside which a new one comes."""
    notes: list[Note] = field(default_factory=list)
    """What their histories say of it."""
    back: set[UUID] = field(default_factory=set)
    """Students on whom the school withdrew a claim before, or from whom it moved one away."""
    carried: set[UUID] = field(default_factory=set)
    """What the school carries on, where others have claimed any of the students: their claims are its own."""


@transaction
async def register(school_id: UUID, claim: Claim, *, by: UUID) -> Result:
    """Register one student; what is worth a look is told in the result.

    Raises DomainError as `register_many`, 403 for a student of one's own, 409 for whom the school has registered.
    """
    [result] = await register_many(school_id, [claim], by=by)
    if result.met:
        if result.outcome is Outcome.REFUSED:
            raise DomainError("registered_otherwise", 409, subject=subject_of(result.met))
        raise DomainError("already_registered", 409, subject=subject_of(result.met))
    if result.outcome is Outcome.REFUSED:
        raise DomainError("own_student", 403)
    return result


async def register_many(school_id: UUID, claims: Sequence[Claim], *, by: UUID, on: date | None = None) -> list[Result]:
    """Register students of one year and intake, at most `MOST_AT_ONCE`; return what became of each, in their order.

    A number of statements that does not depend on how many they are. Raises DomainError 409 for a school that is not
    verified, and outside the window of the intake on the day `on` on which they were sent, today unless it is named.
    """
    terms = {(claim.year, claim.intake) for claim in claims}
    if len(terms) != 1 or len(claims) > MOST_AT_ONCE:
        raise ValueError("claims of one year and intake, not too many at once")
    rows = [_sealed(school_id, claim, by) for claim in claims]  # before the transaction: it takes a third of the time
    return await _register(school_id, claims, rows, by, on)


@transaction
async def _register(
    school_id: UUID, claims: Sequence[Claim], rows: Sequence[Referral], by: UUID, on: date | None
) -> list[Result]:
    year = claims[0].year
    school = await require_open(school_id, year, claims[0].intake, on)
    held = await registry.held(claims)
    work = await _met(school, held, year, by)
    results = [_take(work, *one) for one in zip(claims, held, rows, strict=True)]
    await _write(work)
    named_before = {row.student_id for row in work.made}.intersection(work.known)
    if named_before and (found := await enrolled(named_before, year)):
        await matching.reconsider(found, year, actor_id=by)
        results = [replace(one, row=None) if one.row and one.row.student_id in found else one for one in results]
    return results


async def require_open(school_id: UUID, year: int, intake: Intake, on: date | None = None) -> Organisation:
    """Return a school by id and name; raises DomainError 409 where it may register nobody for an intake today."""
    verified = OrganisationState.VERIFIED
    schools = await select(Organisation, "id = $1 AND state = $2", school_id, verified, only=("id", "name"))
    if not schools:
        raise DomainError("organisation_state", 409)
    days = (await years.calendar(year)).of(intake)
    if not days.open_on(on or clock.today()):
        between = {"opens_on": days.opens_on, "closes_on": days.closes_on}
        raise DomainError("outside_window", 409, (), year=year, intake=f"intake_{intake}", **between)
    return schools[0]


def flags_of(claim: Claim, student: Student) -> list[str]:
    """Return what stands out in a claim by itself, beside what is known of the student."""
    found = [Flag.NAME_UNLIKE_KNOWN] if students.name_of(student) != claim.name else []
    found += [Flag.AGE_UNUSUAL] if claim.age_unusual else []
    return flags.changed([], add=found) if found else []


def _sealed(school_id: UUID, claim: Claim, by: UUID) -> Referral:
    """Return the row of a claim as far as it is known before its student is."""
    row_id, now = new_id(), clock.now()
    said = {"name": claim.name, "phone": claim.phone}
    said |= {"guardian_name": claim.guardian_name, "guardian_phone": claim.guardian_phone}
    return bulk.fresh(
        Referral,
        id=row_id, school_id=school_id, made_by_id=by, created_at=now, state_since=now,
        year=claim.year, intake=claim.intake, named_school_id=claim.named_school_id, level=claim.level,
        guardian_consent_on=claim.guardian_consent_on, class_name=claim.class_name, **sealed.columns(row_id, said),
    )  # fmt: skip


async def _met(school: Organisation, held: Sequence[Student], year: int, by: UUID) -> _Work:
    """Return what there is of held students."""
    known = {student.id for student in held if not registry.made_now(student)}
    work = _Work(school, by, known, await links.spoken_for(by, known) if known else ())
    for row in await select(Referral, registry.ABOUT, list(known), hold=True) if known else ():
        if row.year != year:
            continue
        if row.state is not ReferralState.WITHDRAWN:
            work.claims.setdefault(row.student_id, []).append(row)
        elif row.school_id == school.id:
            work.back.add(row.student_id)
    if others := [one for one, rows in work.claims.items() if any(row.school_id != school.id for row in rows)]:
        work.back |= await holding.moved_away(school.id, year, others)
        work.carried |= {one.id for one in await heirs.carried([school.id])}
    return work


async def enrolled(student_ids: Collection[UUID], year: int) -> set[UUID]:
    """Return those of some students of whom a school has an enrolment for a year."""
    rows = await select(Enrolment, registry.ABOUT, list(student_ids))
    return {row.student_id for row in rows if row.year == year}


def _take(work: _Work, claim: Claim, student: Student, row: Referral) -> Result:
    stored = work.claims.setdefault(student.id, [])
    if student.id in work.own_students:
        return Result(Outcome.REFUSED, None, [Remark("id_number", "own_student")])
    if mine := next((one for one in stored if one.school_id in {work.school.id, *work.carried}), None):
        outcome, told = repeats.met(mine, claim)
        return Result(outcome, None if outcome is Outcome.REFUSED else mine.id, told, met=mine.id)
    rivals = rivals_of(stored)
    found = flags_of(claim, student)
    bulk.put(row, student=student, school=work.school, flags=found, needs_check=flags.needs_check(found))
    if rivals:
        work.notes += contest(row, rivals, again=student.id in work.back)
        work.contested |= {one.id: one for one in rivals}
    stored.append(row)
    work.made.append(row)
    remarks = [Remark(_FIELDS[flag], flag) for flag in map(Flag, row.flags)]
    remarks += [Remark("id_number", "claimed_elsewhere")] if rivals else []
    return Result(Outcome.WARNING if remarks else Outcome.ACCEPTED, row.id, remarks, row)


def rivals_of(rows: Iterable[Referral]) -> list[Referral]:
    """Return the claims beside which another is in dispute: also those that lost to one that was then withdrawn."""
    return [one for one in rows if one.state in OPEN or _left_over(one)]


def contest(row: Referral, rivals: Sequence[Referral], *, again: bool) -> list[Note]:
    """Put a claim beside others on its student; return what their histories say, which names nobody.

    All have from now on the same days for evidence; a school that comes `again` gains none by having withdrawn.
    """
    known = [one.evidence_until for one in rivals if one.evidence_until and not _left_over(one)]
    fresh = clock.today() + timedelta(days=rules.in_force().evidence.days)
    row.state, until = ReferralState.DISPUTED, max(known) if again and len(known) == len(rivals) else fresh
    notes = []
    for one in rivals:
        before = one.state
        if _left_over(one):
            one.state, one.state_since, one.winner_id = ReferralState.DISPUTED, clock.now(), None
        one.version += 1
        notes.append(Note(subject_of(one.id), DISPUTED, None, before, one.state))
    for one in (row, *rivals):
        one.evidence_until = until
    return notes


def _left_over(row: Referral) -> bool:
    return row.state is ReferralState.REJECTED and Flag.OTHER_WITHDREW in row.flags


async def _write(work: _Work) -> None:
    if not work.made:
        return
    contested = list(work.contested.values())
    await bulk.write(contested, CONTESTED)
    disputed = [row for row in work.made if row.state is ReferralState.DISPUTED]
    people = await current.acting({row.school_id for row in (*contested, *disputed)}) if disputed else {}
    series = f"R{work.made[0].year}"
    first = await numbers.take(series, len(work.made))
    for number, row in enumerate(work.made, start=first):
        bulk.put(row, number=f"{series}-{number:06}")
    await bulk.insert(work.made)
    registered = [Note(subject_of(row.id), REGISTERED, work.by, after=row.state) for row in work.made]
    await audit.note_many([*registered, *work.notes])
    news = [Occurrence(DISPUTED, subject_of(row.id), people[row.school_id]) for row in (*contested, *disputed)]
    await outbox.record_many([*(Occurrence(REGISTERED, note.subject) for note in registered), *news])
    if contested:
        await following.changed({row.student_id for row in contested}, work.by)
