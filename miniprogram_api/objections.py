"""Objections to what is publicised: made by anybody, listed to whom they wait for and who made them, and decided."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import StringConstraints
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.people import Reason, decider
from miniprogram_api.reading import IMPERSONAL, Body, Paged
from miniprogram_api.referrals import SchoolView
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answer, answers, body, first, idempotent, query
from miniprogram_api.words import Words
from server.access import owners
from server.access.rules import Right
from server.awards import book
from server.awards import objections as service
from server.awards.models import Objection, ObjectionState
from server.awards.objections import Verdict, Word
from server.organisations.roles import STAFF, Role

objections = Face("objections")
BOTH = (Role.REVIEWER, Role.APPROVER)
_Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), IMPERSONAL]


class NewObjection(Body):
    """Why something that is publicised is not right."""

    reason: _Said


class SchoolObjection(NewObjection):
    """Why something that is publicised of a school is not right."""

    school: UUID


class ObjectionDecision(Reason):
    """Whether an objection is right, and why."""

    verdict: Verdict


class ObjectionQuery(Exportable):
    """Which objections."""

    state: ObjectionState | None = None


class ObjectionView(Body):
    """An objection to what was publicised of a programme's year.

    `award` is null where it is to all that is publicised of the school, `decision` why it ended so.
    """

    id: UUID
    publication: UUID
    programme: str
    year: int
    school: SchoolView
    award: UUID | None
    reason: str
    state: ObjectionState
    decision: str
    created_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, row: Objection, **more: Any) -> Self:
        """Return the view of a row that came with publication and school; who objected stays with us."""
        same = ("id", "reason", "state", "decision", "created_at", "decided_at")
        return cls(
            publication=row.publication_id,
            programme=row.publication.programme,
            year=row.publication.year,
            school=SchoolView.of(row.payee),
            award=row.award_id,
            **more,
            **{name: getattr(row, name) for name in same},
        )


class ListedObjectionView(ObjectionView):
    """An objection in the secretariat's list; `subject` is the number of the award's referral, or its matter."""

    subject: str

    @classmethod
    def listed(cls, row: Objection) -> Self:
        """Return the view of a row that came with its award and that one's referral as well."""
        award = row.award
        return cls.of(row, subject=(award.referral.number if award.referral else award.matter) if award else "")


def _table(words: Words) -> Table[ListedObjectionView]:
    columns: Columns[ListedObjectionView] = (
        ("项目", lambda one: book.title(one.programme)),
        ("年度", lambda one: one.year),
        ("学校", lambda one: one.school.name),
        ("登记编号或事项", lambda one: one.subject if one.award else "该校本次公示的全部"),
        ("异议内容", lambda one: one.reason),
        ("状态", lambda one: words.objection_states[one.state]),
        ("提出时间", lambda one: one.created_at),
        ("决定理由", lambda one: one.decision),
        ("决定时间", lambda one: one.decided_at),
    )
    return Table("objections", "公示异议", columns)


async def _made_again(_request: Request, objection_id: str) -> HTTPResponse:
    return _told(await service.objection(UUID(objection_id)), 201)


async def _decided_again(_request: Request, objection_id: str) -> HTTPResponse:
    return _told(await service.objection(UUID(objection_id)))


async def counted(request: Request, **_arguments: object) -> None:
    """Count a try before the work and its transaction."""
    caller = str(request.ctx.caller.person_id)
    await request.app.ctx.limits.take("objection", caller, service.MOST, service.SECONDS)


def _told(row: Objection, status: int = 200) -> FixedResponse:
    return made(answer(ObjectionView.of(row), status), str(row.id))


@objections.post("/awards/<award_id:uuid>/objections")
@allow(Right(), owner=owners.award)
@idempotent(_made_again, required=True)
@first(counted)
@body(NewObjection)
@answers(201, ObjectionView)
async def object_to_award(request: Request, award_id: UUID, body: NewObjection) -> HTTPResponse:
    """Object to an award while it is publicised, which holds it."""
    return _told(await service.to_award(award_id, Word(request.ctx.caller.person_id, body.reason)), 201)


@objections.post("/awards/publications/<publication_id:uuid>/objections")
@allow(Right(), owner=owners.publication)
@idempotent(_made_again, required=True)
@first(counted)
@body(SchoolObjection)
@answers(201, ObjectionView)
async def object_to_school(request: Request, publication_id: UUID, body: SchoolObjection) -> HTTPResponse:
    """Object to what a publication says of a school, which holds all its awards in it."""
    word = Word(request.ctx.caller.person_id, body.reason)
    return _told(await service.to_school(publication_id, body.school, word), 201)


@objections.get("/awards/objections")
@allow(*STAFF)
@query(ObjectionQuery)
@answers(200, ListView[ListedObjectionView], *MEDIA)
async def index(request: Request, query: ObjectionQuery) -> HTTPResponse:
    """List objections, those first that have waited for longest."""
    return await listed(
        request,
        query,
        _table(request.app.ctx.words),
        lambda limit, cursor: service.objections(query.state, limit, cursor),
        ListedObjectionView.listed,
    )


@objections.get("/me/objections")
@allow(Access.SIGNED_IN)
@query(Paged)
@answers(200, ListView[ObjectionView])
async def mine(request: Request, query: Paged) -> HTTPResponse:
    """List what one objected to, the last first, with what was decided and why."""
    found = await service.of_person(request.ctx.caller.person_id, query.limit, query.cursor)
    return paged(found, ObjectionView.of)


@objections.post("/awards/objections/<objection_id:uuid>/decision")
@allow(*BOTH)
@idempotent(_decided_again, required=True)
@body(ObjectionDecision)
@answers(200, ObjectionView)
async def decide(request: Request, objection_id: UUID, body: ObjectionDecision) -> HTTPResponse:
    """Decide an objection: what it is about is refused, or goes on; by somebody without a part in any of that."""
    decided = await service.decide(objection_id, body.verdict, decider(request, body))
    return _told(await service.objection(decided.id))
