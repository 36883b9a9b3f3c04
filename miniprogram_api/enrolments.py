"""A receiving school's list of its students, and what becomes of each."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.enrolment_bodies import (
    EnrolmentChanges,
    MatchDecision,
    Moving,
    NewEnrolment,
    Reasoned,
    Registering,
    Transferring,
    listed,
)
from miniprogram_api.idempotent import made
from miniprogram_api.people import Reason, decider
from miniprogram_api.reading import Body
from miniprogram_api.referrals import SchoolView
from miniprogram_api.representation import FixedResponse
from miniprogram_api.students import KnownStudentView
from miniprogram_api.web import Face, Handler, allow, answer, answers, body, idempotent, if_match
from server.access import acting, owners
from server.access.rules import own
from server.enrolments import sealed, service
from server.enrolments.life import Move, Shown, Step
from server.enrolments.models import Enrolment, EnrolmentState, EnrolmentStatus, Intake, Level
from server.kernel.sensitive import Sensitive, if_readable
from server.organisations.roles import STAFF, Kind, Role
from server.referrals import receiving
from server.students.sealed import number_of

enrolments = Face("enrolments", url_prefix="/enrolments")
_SCHOOL = own(Role.CLERK, of=Kind.VOCATIONAL_SCHOOL)


class SuccessorView(Body):
    """Where a transferred student goes on."""

    id: UUID
    school: SchoolView


class StatusView(Body):
    """A state, the day from which it holds, and when it was made known; what was made known last holds."""

    state: EnrolmentState
    effective_on: date
    made_at: datetime

    @classmethod
    def of(cls, status: EnrolmentStatus) -> Self:
        """Return the view of a row."""
        return cls(state=status.state, effective_on=status.effective_on, made_at=status.made_at)


class EnrolmentView(Body):
    """An enrolment; the student's name is the one on the school's list, masked like both numbers.

    `record_number` is null before the school gave one, and as everything masked where it cannot be read.
    """

    id: UUID
    state: EnrolmentState
    year: int
    intake: Intake
    level: Level
    student: KnownStudentView
    school: SchoolView
    major: str
    entered_on: date
    repeating: bool
    record_number: Sensitive | None
    record_document: str
    version: int
    created_at: datetime

    @classmethod
    def of(cls, row: Enrolment, **more: Any) -> Self:
        """Return the view of a row that was fetched with its student and school."""
        name, number = if_readable(sealed.name_of, row), if_readable(number_of, row.student)
        made_up = {
            "student": KnownStudentView(id=row.student_id, name=name, id_number=number),
            "school": SchoolView.of(row.school),
            "record_number": if_readable(sealed.record_number_of, row),
            **more,
        }
        return cls(**made_up, **{name: getattr(row, name) for name in cls.model_fields if name not in made_up})


class EnrolmentDetailView(EnrolmentView):
    """The same with the states that it went through, and where the student went."""

    successor: SuccessorView | None
    statuses: tuple[StatusView, ...]


async def shown(enrolment_id: UUID, status: int = 200) -> FixedResponse:
    """Return an enrolment as it is now."""
    row = await service.enrolment(enrolment_id)
    after = SuccessorView(id=row.successor.id, school=SchoolView.of(row.successor.school)) if row.successor else None
    said = tuple(StatusView.of(one) for one in await service.statuses(row.id))
    view = EnrolmentDetailView.of(row, successor=after, statuses=said)
    return made(answer(view, status, version=row.version), str(row.id))


async def _again(_request: Request, enrolment_id: str) -> HTTPResponse:
    return await shown(UUID(enrolment_id))


async def _made_again(_request: Request, enrolment_id: str) -> HTTPResponse:
    return await shown(UUID(enrolment_id), 201)


@enrolments.post("/")
@allow(Role.CLERK, of=Kind.VOCATIONAL_SCHOOL)
@idempotent(_made_again)
@body(NewEnrolment)
@answers(201, EnrolmentDetailView)
async def enrol(request: Request, body: NewEnrolment) -> HTTPResponse:
    """Put a student on the school's list; a student who was only listed is registered where evidence comes now."""
    caller = request.ctx.caller
    school = acting.organisation(caller, Role.CLERK, Kind.VOCATIONAL_SCHOOL, body.organisation)
    terms = await receiving.terms(body.year, body.intake, body.level, over=True)
    line = listed(body, terms, request.app.ctx.id_regions)
    return await shown(await receiving.list_one(school, line, by=caller.person_id), 201)


@enrolments.get("/<enrolment_id:uuid>")
@allow(own(Role.CLERK), *STAFF, owner=owners.enrolment)
@answers(200, EnrolmentDetailView)
async def one(_request: Request, enrolment_id: UUID) -> HTTPResponse:
    """Show an enrolment to its school or the secretariat."""
    return await shown(enrolment_id)


@enrolments.patch("/<enrolment_id:uuid>")
@allow(_SCHOOL, owner=owners.enrolment)
@if_match(required=True)
@body(EnrolmentChanges)
@answers(200, EnrolmentDetailView)
async def amend(request: Request, enrolment_id: UUID, body: EnrolmentChanges, version: int | None) -> HTTPResponse:
    """Put right what was mistyped of a student who is only listed; of any other, void the record and list anew."""
    return await _moved(await receiving.amend(enrolment_id, body.said(), version, request.ctx.caller.person_id))


def _deed(verb: str, said: type[Body], *, optional: bool = False) -> Callable[[Handler], Handler]:
    """State what a school says, by `verb`, of a student whom it has."""

    def state(handler: Handler) -> Handler:
        stated = answers(200, EnrolmentDetailView)(body(said, optional=optional)(idempotent(_again)(handler)))
        declared = allow(_SCHOOL, owner=owners.enrolment)(stated)
        enrolments.add_route(declared, f"/<enrolment_id:uuid>/{verb}", methods=["POST"])
        return declared

    return state


@_deed("register", Registering)
async def register(request: Request, enrolment_id: UUID, body: Registering) -> HTTPResponse:
    """Give the number or the document on which a listed student is registered."""
    evidence = Shown(body.record_number, body.record_document, request.app.ctx.id_regions)
    return await _moved(await receiving.register(enrolment_id, evidence, _move(request, body)))


@_deed("transfer", Transferring)
async def transfer(request: Request, enrolment_id: UUID, body: Transferring) -> HTTPResponse:
    """Let a student go to another school of the group, which then has them on its list, or out of the group."""
    return await _moved(await receiving.transfer(enrolment_id, body.to, _move(request, body)))


@_deed("suspend", Moving, optional=True)
async def suspend(request: Request, enrolment_id: UUID, body: Moving) -> HTTPResponse:
    """Say that a registered student pauses (休学)."""
    return await _moved(await receiving.step(enrolment_id, Step.SUSPEND, _move(request, body)))


@_deed("resume", Moving, optional=True)
async def resume(request: Request, enrolment_id: UUID, body: Moving) -> HTTPResponse:
    """Say that a student who paused is back (复学)."""
    return await _moved(await receiving.step(enrolment_id, Step.RESUME, _move(request, body)))


@_deed("withdraw", Moving, optional=True)
async def withdraw(request: Request, enrolment_id: UUID, body: Moving) -> HTTPResponse:
    """Say that a student has left (退学), from the day on which it was so."""
    return await _moved(await receiving.step(enrolment_id, Step.WITHDRAW, _move(request, body)))


@_deed("graduate", Moving, optional=True)
async def graduate(request: Request, enrolment_id: UUID, body: Moving) -> HTTPResponse:
    """Say that a student has completed the school."""
    return await _moved(await receiving.step(enrolment_id, Step.GRADUATE, _move(request, body)))


@_deed("void", Reason)
async def void(request: Request, enrolment_id: UUID, body: Reason) -> HTTPResponse:
    """Say that a student should never have been on the list."""
    move = Move(request.ctx.caller.person_id, reason=body.reason)
    return await _moved(await receiving.step(enrolment_id, Step.VOID, move))


@enrolments.post("/<enrolment_id:uuid>/match-decision")
@allow(Role.REVIEWER)
@idempotent(_again)
@body(MatchDecision)
@answers(200, EnrolmentDetailView)
async def judge(request: Request, enrolment_id: UUID, body: MatchDecision) -> HTTPResponse:
    """Say whether a claim and an enrolment under different names mean the same student, as an outsider to both."""
    by = decider(request, body)
    return await _moved(await receiving.judge(enrolment_id, body.referral, body.verdict, by))


async def _moved(row: Enrolment) -> FixedResponse:
    return await shown(row.id)


def _move(request: Request, said: Moving | Reasoned) -> Move:
    return Move(request.ctx.caller.person_id, said.on, said.reason)
