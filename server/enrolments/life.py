"""What becomes of an enrolment: registered, suspended, taken up again, transferred, left, completed, void.

Every change holds the student, then the enrolment, and leaves a status with the day from which it holds. That day may
lie in the past: what the school makes known now is true of every day from then on.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from server.enrolments import listing
from server.enrolments.listing import Evidence
from server.enrolments.models import Enrolment, EnrolmentState, EnrolmentStatus
from server.enrolments.sealed import cell, name_of
from server.enrolments.service import LEFT, REGISTERED, STANDING, prove, subject_of
from server.kernel import audit, clock, outbox, sensitive
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.ids import new_id
from server.kernel.sensitive import Sensitive
from server.kernel.transactions import transaction
from server.organisations import current
from server.organisations.group import period_of
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind
from server.organisations.service import carrying_on
from server.students import registry
from server.students.id_number import Regions
from server.students.models import Student
from server.students.sealed import identity

_ATTENDING = frozenset({*REGISTERED, EnrolmentState.LISTED})


class Step(StrEnum):
    """What a school may say of a student whom it has, without saying more."""

    SUSPEND = "suspend"
    RESUME = "resume"
    WITHDRAW = "withdraw"
    GRADUATE = "graduate"
    VOID = "void"


class _Change(NamedTuple):
    """From which states it leads where, and what the audit calls it."""

    before: frozenset[EnrolmentState]
    after: EnrolmentState
    event: str


_STEPS = {
    Step.SUSPEND: _Change(frozenset({EnrolmentState.REGISTERED}), EnrolmentState.SUSPENDED, "suspended"),
    Step.RESUME: _Change(frozenset({EnrolmentState.SUSPENDED}), EnrolmentState.REGISTERED, "resumed"),
    Step.WITHDRAW: _Change(_ATTENDING, EnrolmentState.WITHDRAWN, "withdrawn"),
    Step.GRADUATE: _Change(frozenset({EnrolmentState.REGISTERED}), EnrolmentState.GRADUATED, "graduated"),
    Step.VOID: _Change(STANDING | LEFT, EnrolmentState.VOID, "void"),
}
_REGISTER = _Change(frozenset({EnrolmentState.LISTED}), EnrolmentState.REGISTERED, "registered")
_TRANSFER = _Change(_ATTENDING, EnrolmentState.TRANSFERRED, "transferred")


@dataclass(frozen=True, slots=True)
class Move:
    """Who says so, from which day on it holds (None: today, or the first day where that is to come), and why."""

    by: UUID
    on: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """Evidence as it was typed: a 学籍 number, a document, or both, and where ID numbers may begin."""

    number: str | None
    document: str
    regions: Regions


@transaction
async def step(enrolment_id: UUID, what: Step, move: Move) -> Enrolment:
    """Let a school say what became of its student; what is void never was, whatever day is named.

    Raises DomainError 404, 409 for a state from which that is no way and for a school that is not verified, 422 for a
    day to come or before the first.
    """
    enrolment, _student = await _hold(enrolment_id, _STEPS[what])
    day = enrolment.entered_on if what is Step.VOID else _day(enrolment, move)
    enrolment.successor_id = None  # only who was transferred has one, and what is void led nowhere
    await _change(enrolment, _STEPS[what], move, day)
    return enrolment


@transaction
async def register(enrolment_id: UUID, shown: Shown, move: Move) -> Enrolment:
    """Give the evidence on which a listed student is registered.

    Raises DomainError as `step` does, 409 too for a student who is registered elsewhere, 422 for evidence that is none.
    """
    enrolment, student = await _hold(enrolment_id, _REGISTER)
    evidence, day = _evidence(shown, student), _day(enrolment, move)
    others = Enrolment.filter(student_id=student.id, state__in=list(REGISTERED))
    if await others.exists():
        raise DomainError("registered_elsewhere", 409)
    prove(enrolment, evidence)
    await _change(enrolment, _REGISTER, move, day, "record_number" if evidence.number else "record_document")
    return enrolment


@transaction
async def transfer(enrolment_id: UUID, to: UUID | None, move: Move) -> Enrolment:
    """Let a student go to another member school, on whose list they then are, or out of the group where `to` is None.

    Raises DomainError as `step` does, 422 for a school that is this one, or not verified and a member of the
    group on the day.
    """
    enrolment, _student = await _hold(enrolment_id, _TRANSFER)
    day = _day(enrolment, move)
    successor = await _received(enrolment, await _receiving(enrolment, to, day), move, day) if to else None
    enrolment.successor_id = successor.id if successor else None
    await _change(enrolment, _TRANSFER, move, day)
    return enrolment


async def hold(enrolment_id: UUID) -> tuple[Enrolment, Student]:
    """Keep every other change of an enrolment waiting until the transaction ends; return it and its student, held.

    Raises DomainError 404.
    """
    student_id = found(await Enrolment.get_or_none(id=enrolment_id), "enrolment").student_id
    student = await registry.hold(student_id)
    return await Enrolment.filter(id=enrolment_id).select_for_update().get(), student


async def require_acting(school_id: UUID) -> None:
    """Raise DomainError 409 for a school that is not verified at this moment, nor carried on by one that is."""
    if (await carrying_on(school_id)).state is not OrganisationState.VERIFIED:
        raise DomainError("organisation_state", 409)


async def _hold(enrolment_id: UUID, change: _Change) -> tuple[Enrolment, Student]:
    enrolment, student = await hold(enrolment_id)
    await require_acting(enrolment.school_id)
    if enrolment.state not in change.before:
        raise DomainError("enrolment_state", 409, state=f"enrolment_{enrolment.state}")
    return enrolment, student


def _day(enrolment: Enrolment, move: Move) -> date:
    """Return the day from which a move holds; raises DomainError 422."""
    today, first = clock.today(), enrolment.entered_on
    if move.on is None:
        return max(today, first)
    if move.on > today:
        raise invalid(FieldFault("/on", "day_to_come"))
    if move.on < first:
        raise invalid(FieldFault("/on", "day_before_entry", {"entered_on": first.isoformat()}))
    return move.on


def _evidence(shown: Shown, student: Student) -> Evidence:
    number = None
    if shown.number:
        checked = listing.record_number(shown.number, identity(student), shown.regions, clock.today())
        if not isinstance(checked, Sensitive):
            raise invalid(FieldFault("/record_number", checked))
        number = checked
    if not number and not shown.document:
        raise invalid(FieldFault("/record_number", "record_missing"), FieldFault("/record_document", "record_missing"))
    return Evidence(number, shown.document)


async def _receiving(enrolment: Enrolment, to: UUID, day: date) -> UUID:
    verified = await Organisation.get_or_none(id=to, kind=Kind.VOCATIONAL_SCHOOL, state=OrganisationState.VERIFIED)
    if to == enrolment.school_id or verified is None or not period_of(verified).covers(day):
        raise invalid(FieldFault("/to", "school_to_transfer_to"))
    return to


async def _received(enrolment: Enrolment, school_id: UUID, move: Move, day: date) -> Enrolment:
    """Return the enrolment in which a student goes on: the one that the school has of them, else a new one."""
    known = Enrolment.filter(
        school_id=school_id, student_id=enrolment.student_id, year=enrolment.year, state__in=list(STANDING)
    )
    if there := await known.get_or_none():
        return there
    row_id = new_id()
    same = ("student_id", "year", "intake", "level", "repeating", "match_referral_id", "match_verdict")
    made = await Enrolment.create(
        **{name: getattr(enrolment, name) for name in same},
        id=row_id,
        school_id=school_id,
        name_sealed=sensitive.seal(cell("name_sealed", row_id), name_of(enrolment)),
        entered_on=day,
        created_at=clock.now(),
    )
    await _tell(made, "listed", "", move, day)
    return made


async def _change(enrolment: Enrolment, change: _Change, move: Move, day: date, *fields: str) -> None:
    before, enrolment.state = enrolment.state, change.after
    enrolment.version += 1
    written = ["state", "version", "successor_id", "record_number_sealed", "record_document"]
    await enrolment.save(update_fields=written)
    await _tell(enrolment, change.event, before, move, day, *fields)


async def _tell(enrolment: Enrolment, event: str, before: str, move: Move, day: date, *fields: str) -> None:
    subject, action, after = subject_of(enrolment.id), f"enrolment.{event}", enrolment.state
    await EnrolmentStatus.create(enrolment=enrolment, state=after, effective_on=day, made_at=clock.now())
    await audit.note(subject, action, actor_id=move.by, before=before, after=after, reason=move.reason, fields=fields)
    await outbox.record(action, subject, (await current.acting([enrolment.school_id]))[enrolment.school_id])
