"""Students, as far as people speak for them, and the secretariat's check of who does."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.people import Reason, decider
from miniprogram_api.reading import Body, Paged
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query
from miniprogram_api.words import Words
from server.access import owners
from server.access.rules import own
from server.kernel.sensitive import Sensitive, if_readable
from server.labour import sweeps
from server.organisations.roles import Role
from server.people import names
from server.people.service import readable_name
from server.students import links, sealed, service
from server.students.models import LinkState, Relation, StudentLink
from server.students.service import Verdict

students = Face("students")


class NewLink(Body):
    """Who a student is, and what one is to them."""

    name: str = Field(max_length=4 * names.LONGEST)
    id_number: Annotated[str, Field(max_length=100, examples=["340802201001010014"])]
    relation: Relation


class LinkQuery(Exportable):
    """Which links."""

    state: LinkState | None = None


class LinkDecision(Reason):
    """What the check came to."""

    verdict: Verdict


class StudentView(Body):
    """A student, masked, null what cannot be read; `id` is null until the link is confirmed, `name` was given."""

    id: UUID | None
    name: Sensitive | None
    id_number: Sensitive | None


class LinkView(Body):
    """A person's own link to a student; `reason` is why it was decided so."""

    id: UUID
    relation: Relation
    state: LinkState
    student: StudentView
    reason: str
    created_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, link: StudentLink) -> Self:
        """Return the view of a row that was fetched with its student."""
        student = StudentView(
            id=link.student_id if link.state is LinkState.CONFIRMED else None,
            name=if_readable(sealed.given_name, link),
            id_number=if_readable(sealed.number_of, link.student),
        )
        return cls(student=student, **_common(link))


class KnownStudentView(Body):
    """A student as they are known, masked; null is what cannot be read."""

    id: UUID
    name: Sensitive | None
    id_number: Sensitive | None


class ClaimantView(Body):
    """Who says so; `name` is masked, and null until they said it."""

    id: UUID
    name: Sensitive | None


class CheckView(Body):
    """A link as the secretariat checks it; `name` was given; `name_differs` if not as the student is known today.

    Both are null where a name cannot be read.
    """

    id: UUID
    relation: Relation
    state: LinkState
    person: ClaimantView
    name: Sensitive | None
    name_differs: bool | None
    student: KnownStudentView
    reason: str
    created_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, link: StudentLink) -> Self:
        """Return the view of a row that was fetched with its student and person."""
        name, number = (if_readable(read, link.student) for read in (sealed.name_of, sealed.number_of))
        student = KnownStudentView(id=link.student_id, name=name, id_number=number)
        return cls(
            person=ClaimantView(id=link.person_id, name=readable_name(link.person)),
            name=if_readable(sealed.given_name, link),
            name_differs=if_readable(sealed.differs, link),
            student=student,
            **_common(link),
        )


async def _mine_again(_request: Request, link_id: str) -> HTTPResponse:
    return answer(LinkView.of(await links.made(UUID(link_id))), 201)


async def _checked_again(_request: Request, link_id: str) -> HTTPResponse:
    return _checked(await links.made(UUID(link_id)))


@students.get("/me/students")
@allow(Access.SIGNED_IN)
@query(Paged)
@answers(200, ListView[LinkView])
async def mine(request: Request, query: Paged) -> HTTPResponse:
    """List for whom one speaks, or asked to, the newest first."""
    found = await links.of_person(request.ctx.caller.person_id, query.limit, query.cursor)
    return paged(found, LinkView.of)


@students.post("/me/students")
@allow(Access.SIGNED_IN)
@idempotent(_mine_again)
@body(NewLink)
@answers(201, LinkView)
async def claim(request: Request, body: NewLink) -> HTTPResponse:
    """Say that one is a student, or a student's guardian; the secretariat checks it."""
    said = service.claim(body.name, body.id_number, body.relation, request.app.ctx.id_regions)
    link = await service.request(request.ctx.caller.person_id, said)
    return made(answer(LinkView.of(link), 201), str(link.id))


@students.delete("/me/students/<link_id:uuid>")
@allow(own(), owner=owners.student_link)
@answers(204)
async def unlink(request: Request, link_id: UUID) -> HTTPResponse:
    """Speak for a student no longer; who was that student offers their hands no more until they are confirmed again."""
    await service.unlink(link_id, request.ctx.caller.person_id)
    await sweeps.pause_of(request.ctx.caller.person_id)
    return HTTPResponse(status=204)


def _links(words: Words) -> Table[CheckView]:
    columns: Columns[CheckView] = (
        ("填写的姓名", lambda one: one.name and one.name.masked),
        ("身份证号", lambda one: one.student.id_number and one.student.id_number.masked),
        ("已知的姓名", lambda one: one.student.name and one.student.name.masked),
        ("关系", lambda one: words.relations[one.relation]),
        ("提交人", lambda one: one.person.name and one.person.name.masked),
        ("状态", lambda one: words.link_states[one.state]),
        ("理由", lambda one: one.reason),
        ("提交时间", lambda one: one.created_at),
        ("核对时间", lambda one: one.decided_at),
    )
    return Table("student_links", "学生关系", columns)


@students.get("/students/links")
@allow(Role.REVIEWER)
@query(LinkQuery)
@answers(200, ListView[CheckView], *MEDIA)
async def to_check(request: Request, query: LinkQuery) -> HTTPResponse:
    """List who speaks for whom, those first that have waited longest."""
    return await listed(
        request,
        query,
        _links(request.app.ctx.words),
        lambda limit, cursor: links.listed(query.state, limit, cursor),
        CheckView.of,
    )


@students.post("/students/links/<link_id:uuid>/decision")
@allow(Role.REVIEWER)
@idempotent(_checked_again)
@body(LinkDecision)
@answers(200, CheckView)
async def decide(request: Request, link_id: UUID, body: LinkDecision) -> HTTPResponse:
    """Confirm or reject what someone says, with a reason; never about a student of one's own."""
    by = decider(request, body)
    return _checked(await service.decide(link_id, body.verdict, by))


def _checked(link: StudentLink) -> FixedResponse:
    return made(answer(CheckView.of(link)), str(link.id))


def _common(link: StudentLink) -> dict[str, Any]:
    same = ("id", "relation", "state", "reason", "created_at", "decided_at")
    return {name: getattr(link, name) for name in same}
