"""What is decided of one award, and of objections to what is publicised."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import StringConstraints
from sanic import HTTPResponse, Request

from miniprogram_api.award_views import AwardView
from miniprogram_api.awards import shown
from miniprogram_api.idempotent import made
from miniprogram_api.people import Reason, decider
from miniprogram_api.reading import IMPERSONAL, Body, Paged
from miniprogram_api.referrals import SchoolView
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.web import Face, Handler, allow, answer, answers, body, first, idempotent, if_match, query
from server.access import owners
from server.access.rules import Right
from server.awards import life, objections, samples, undoing
from server.awards.models import Objection, ObjectionState, RunKind
from server.awards.objections import Verdict, Word
from server.organisations.roles import STAFF, Role

award_decisions = Face("award_decisions", url_prefix="/awards")
BOTH = (Role.REVIEWER, Role.APPROVER)
_Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), IMPERSONAL]


class SecondLook(Reason):
    """What came of looking again at an award that was drawn, and why."""

    verdict: samples.Verdict


class NewObjection(Body):
    """Why something that is publicised is not right."""

    reason: _Said


class SchoolObjection(NewObjection):
    """Why something that is publicised of a school is not right."""

    school: UUID


class ObjectionDecision(Reason):
    """Whether an objection is right, and why."""

    verdict: Verdict


class ObjectionQuery(Paged):
    """Which objections."""

    state: ObjectionState | None = None


class ObjectionView(Body):
    """An objection; `award` is null where it is to all that is publicised of the school, `decision` why it ended so."""

    id: UUID
    publication: UUID
    school: SchoolView
    award: UUID | None
    reason: str
    state: ObjectionState
    decision: str
    created_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, row: Objection) -> Self:
        """Return the view of a row that came with its school; who objected stays with us."""
        same = ("id", "reason", "state", "decision", "created_at", "decided_at")
        return cls(
            publication=row.publication_id,
            school=SchoolView.of(row.payee),
            award=row.award_id,
            **{name: getattr(row, name) for name in same},
        )


async def _again(request: Request, award_id: str) -> HTTPResponse:
    return await shown(request, UUID(award_id))


async def _made_again(_request: Request, objection_id: str) -> HTTPResponse:
    return _told(await objections.objection(UUID(objection_id)), 201)


async def _decided_again(_request: Request, objection_id: str) -> HTTPResponse:
    return _told(await objections.objection(UUID(objection_id)))


async def counted(request: Request, **_arguments: object) -> None:
    """Count a try before the work and its transaction."""
    caller = str(request.ctx.caller.person_id)
    await request.app.ctx.limits.take("objection", caller, objections.MOST, objections.SECONDS)


def _told(row: Objection, status: int = 200) -> FixedResponse:
    return made(answer(ObjectionView.of(row), status), str(row.id))


async def _decided(request: Request, award_id: UUID, verb: RunKind, said: Reason, version: int | None) -> HTTPResponse:
    await life.decide_one(award_id, verb, decider(request, said), version)
    return await shown(request, award_id)


def _deed(verb: str, *who: Role, said: type[Reason] = Reason) -> Callable[[Handler], Handler]:
    """State what the secretariat decides, by `verb`, of one award, and why; If-Match says what was looked at."""

    def state(handler: Handler) -> Handler:
        honoured = idempotent(_again, required=True)(if_match(required=False)(handler))
        declared = allow(*who, owner=owners.award)(answers(200, AwardView)(body(said)(honoured)))
        award_decisions.add_route(declared, f"/<award_id:uuid>/{verb}", methods=["POST"])
        return declared

    return state


@_deed("review", Role.REVIEWER)
async def review(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Find that an award is as the rules say."""
    return await _decided(request, award_id, RunKind.REVIEW, body, version)


@_deed("approve", Role.APPROVER)
async def approve(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Approve an award once its publication is over: money is reserved for it, or it waits for some."""
    return await _decided(request, award_id, RunKind.APPROVE, body, version)


@_deed("refuse", *BOTH)
async def refuse(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Refuse an award, against which its school may appeal once."""
    return await _decided(request, award_id, RunKind.REFUSE, body, version)


@_deed("hold", *BOTH, Role.FINANCE)
async def hold(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Hold an award that is on no statement until somebody releases it."""
    return await _decided(request, award_id, RunKind.HOLD, body, version)


@_deed("release", *BOTH)
async def release(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Let a held award go on from where it was."""
    return await _decided(request, award_id, RunKind.RELEASE, body, version)


@_deed("cancel", *BOTH)
async def cancel(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Cancel an award that is on no statement; what is reserved for it is free again."""
    return await _decided(request, award_id, RunKind.CANCEL, body, version)


@_deed("undo", *BOTH)
async def undo(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Undo the last decision about an award: by who made it, or somebody who had no part in it."""
    await undoing.undo(award_id, decider(request, body), version)
    return await shown(request, award_id)


@_deed("second-check", *BOTH, said=SecondLook)
async def second_check(request: Request, award_id: UUID, body: SecondLook, version: int | None) -> HTTPResponse:
    """Say what came of looking again at an award that was drawn; one that fails is held."""
    await samples.check(award_id, body.verdict, decider(request, body), version)
    return await shown(request, award_id)


@award_decisions.post("/<award_id:uuid>/objections")
@allow(Right(), owner=owners.award)
@idempotent(_made_again, required=True)
@first(counted)
@body(NewObjection)
@answers(201, ObjectionView)
async def object_to_award(request: Request, award_id: UUID, body: NewObjection) -> HTTPResponse:
    """Object to an award while it is publicised, which holds it."""
    return _told(await objections.to_award(award_id, Word(request.ctx.caller.person_id, body.reason)), 201)


@award_decisions.post("/publications/<publication_id:uuid>/objections")
@allow(Right(), owner=owners.publication)
@idempotent(_made_again, required=True)
@first(counted)
@body(SchoolObjection)
@answers(201, ObjectionView)
async def object_to_school(request: Request, publication_id: UUID, body: SchoolObjection) -> HTTPResponse:
    """Object to what a publication says of a school, which holds all its awards in it."""
    word = Word(request.ctx.caller.person_id, body.reason)
    return _told(await objections.to_school(publication_id, body.school, word), 201)


@award_decisions.get("/objections")
@allow(*STAFF)
@query(ObjectionQuery)
@answers(200, ListView[ObjectionView])
async def index(_request: Request, query: ObjectionQuery) -> HTTPResponse:
    """List objections, those first that have waited for longest."""
    return paged(await objections.objections(query.state, query.limit, query.cursor), ObjectionView.of)


@award_decisions.post("/objections/<objection_id:uuid>/decision")
@allow(*BOTH)
@idempotent(_decided_again, required=True)
@body(ObjectionDecision)
@answers(200, ObjectionView)
async def decide(request: Request, objection_id: UUID, body: ObjectionDecision) -> HTTPResponse:
    """Decide an objection: what it is about is refused, or goes on; by somebody without a part in any of that."""
    decided = await objections.decide(objection_id, body.verdict, decider(request, body))
    return _told(await objections.objection(decided.id))
