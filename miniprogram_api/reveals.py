"""Personal data in full for staff who need it, and who looked for those whose data it is."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.people import Reason
from miniprogram_api.problem import Problems
from miniprogram_api.reading import Body
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answer, answers, body, first, idempotent, query
from miniprogram_api.words import Words
from server.access.rules import Caller, Right
from server.kernel.audit import AuditEntry
from server.organisations.roles import Role
from server.organisations.secretariat import NAME as OFFICE
from server.reveals import service
from server.reveals.service import Revealed, Wanted

reveals = Face("reveals", url_prefix="/reveals")
SubjectText = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class RevealWanted(Reason):
    """What is to be seen.

    `subject` is `person:ID`, `student:ID`, `student_link:ID`, `payee_account:ID`, `organisation:ID`, `referral:ID` or
    `enrolment:ID`.
    """

    subject: SubjectText
    fields: Annotated[list[Annotated[str, StringConstraints(max_length=64)]], Field(min_length=1, max_length=10)]


class RevealView(Body):
    """What was seen, by field, null for what was never given; `id` is that of the trace."""

    id: UUID
    subject: str
    values: dict[str, str | None]


class LookQuery(Exportable):
    """At whom one looked."""

    subject: SubjectText


class LookView(Body):
    """A look at personal data in full, without its content.

    `role` and `office` say who looked; `person_id` is shown to the secretariat's administrators only.
    """

    id: UUID
    made_at: datetime
    role: Role
    office: str
    fields: list[str]
    reason: str
    person_id: UUID | None

    @classmethod
    def of(cls, entry: AuditEntry, caller: Caller, school: str) -> Self:
        """Return the view of an entry for `caller`; `school` is that of clerks who looked."""
        administers = any(post.role is Role.ADMIN for post in caller.posts)
        return cls(
            id=entry.id,
            made_at=entry.made_at,
            role=Role(entry.after),
            office=OFFICE if Role(entry.after).of_secretariat else school,
            fields=entry.fields,
            reason=entry.reason,
            person_id=entry.actor_id if administers else None,
        )


async def _counted(request: Request, body: RevealWanted) -> None:
    await service.count(_wanted(body), request.ctx.caller, request.app.ctx.limits)


async def _again(request: Request, entry_id: str) -> HTTPResponse:
    return _shown(await service.again(UUID(entry_id), request.ctx.caller))


@reveals.post("/")
@allow(Role.REVIEWER, Role.FINANCE, Role.ADMIN, Right(Role.CLERK, frozenset(service.SCHOOLS)))
@idempotent(_again)
@first(_counted)
@body(RevealWanted)
@answers(201, RevealView)
async def reveal(request: Request, body: RevealWanted) -> HTTPResponse:
    """Show personal data in full, and note it for its subject.

    No answer is kept: a request sent again with its Idempotency-Key shows what the same trace stands for, read anew.
    Reviewers see a person's name and phone, a student's name and id_number, the name given with a student_link, an
    organisation's contact_name, all that a referral or an enrolment holds; finance the number of a payee account;
    administrators a person's name and phone; a school's clerks what their own referrals and enrolments hold. Nobody
    sees their own, and staff nothing of an organisation that they belong to.
    """
    return _shown(await service.reveal(_wanted(body), request.ctx.caller))


def _wanted(body: RevealWanted) -> Wanted:
    return Wanted(body.subject, body.fields, body.reason)


def _shown(found: Revealed) -> FixedResponse:
    view = RevealView(id=found.entry.id, subject=found.entry.subject, values=dict(found.values))
    return made(answer(view, 201), str(found.entry.id))


@reveals.get("/")
@allow(Access.SIGNED_IN)
@query(LookQuery)
@answers(200, ListView[LookView], *MEDIA)
async def looks(request: Request, query: LookQuery) -> HTTPResponse:
    """List who looked at one's own data, one's student's or one's organisation's, the newest first."""
    caller, table = request.ctx.caller, _looks(request.app.ctx.words, request.app.ctx.problems)
    found = await service.looks(query.subject, caller)
    return await listed(request, query, table, found.page, lambda entry: LookView.of(entry, caller, found.school))


def _looks(words: Words, problems: Problems) -> Table[LookView]:
    columns: Columns[LookView] = (
        ("时间", lambda one: one.made_at),
        ("单位", lambda one: one.office),
        ("角色", lambda one: words.roles[one.role]),
        ("查看的内容", lambda one: "、".join(map(problems.called, one.fields))),
        ("理由", lambda one: one.reason),
        ("查看人编号", lambda one: one.person_id),
    )
    return Table("looks", "查看完整信息的记录", columns)
