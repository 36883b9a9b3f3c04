"""What happened to a claim, and to a student."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.reading import Body
from miniprogram_api.referrals import SchoolView
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answers, query
from miniprogram_api.words import Words
from server.access import owners
from server.access.rules import own
from server.kernel.paging import Page
from server.organisations.roles import STAFF, Role
from server.referrals import timeline as service
from server.referrals.timeline import Act, Actor

timeline = Face("timeline")


class SourceView(Body):
    """The import by which something came, and its row there."""

    id: UUID
    row: int


class ActView(Body):
    """One thing that was done; `text` says it in words.

    `school` has the claim or enrolment. `by` is `school` where somebody of it acted, else `secretariat`, `system` or
    `other`; who it was (`actor_id`) the secretariat alone sees. Of what others did to its claim a school does not see
    the `reason`. `effective_on` is from when a state of an enrolment holds, which may lie before `at`.
    """

    id: UUID
    subject: str
    action: str
    text: str
    before: str
    after: str
    fields: list[str]
    reason: str
    by: Actor
    actor_id: UUID | None
    school: SchoolView
    year: int
    effective_on: date | None
    source: SourceView | None
    at: datetime

    @classmethod
    def of(cls, act: Act, words: Words, *, staff: bool, reasons: bool = True) -> Self:
        """Return the view of an act for the secretariat, or for others; `reasons` also those of other schools."""
        entry = act.entry
        same = ("id", "subject", "action", "before", "after", "fields")
        return cls(
            text=words.acts.get(entry.action, entry.action),
            reason=entry.reason if reasons or act.by is not Actor.OTHER else "",
            by=act.by,
            actor_id=entry.actor_id if staff else None,
            school=SchoolView.of(act.school),
            year=act.thing.year,
            effective_on=act.effective_on,
            source=SourceView(id=act.source[0], row=act.source[1]) if act.source else None,
            at=entry.made_at,
            **{name: getattr(entry, name) for name in same},
        )


def _acts(name: str, title: str, words: Words) -> Table[ActView]:
    columns: Columns[ActView] = (
        ("时间", lambda one: one.at),
        ("学校", lambda one: one.school.name),
        ("年度", lambda one: one.year),
        ("事项", lambda one: one.text),
        ("之前", lambda one: _state(one.subject, one.before, words)),
        ("之后", lambda one: _state(one.subject, one.after, words)),
        ("生效日期", lambda one: one.effective_on),
        ("由谁办理", lambda one: words.actors[one.by]),
        ("理由", lambda one: one.reason),
    )
    return Table(name, title, columns)


def _state(subject: str, state: str, words: Words) -> str:
    """Return what a state of a claim or an enrolment is called, which is empty where there was none."""
    of_enrolment: dict[Any, str] = {**words.enrolment_states, **words.match_verdicts}
    known: Mapping[Any, str] = words.states if subject.startswith("referral:") else of_enrolment
    return known.get(state, state)


async def _told(
    request: Request,
    query: Exportable,
    table: Table[ActView],
    fetch: Callable[[int, str | None], Awaitable[Page[Act]]],
    *,
    reasons: bool,
) -> HTTPResponse:
    words, staff = request.app.ctx.words, request.ctx.caller.of_secretariat
    seen = reasons or staff
    return await listed(request, query, table, fetch, lambda act: ActView.of(act, words, staff=staff, reasons=seen))


@timeline.get("/referrals/<referral_id:uuid>/history")
@allow(own(Role.CLERK), *STAFF, owner=owners.referral)
@query(Exportable)
@answers(200, ListView[ActView], *MEDIA)
async def of_referral(request: Request, referral_id: UUID, query: Exportable) -> HTTPResponse:
    """List what was done to a claim, the first act first; its school sees nothing of who else claims the student."""
    table, history = _acts("history", "生源登记经过", request.app.ctx.words), service.of_referral
    return await _told(request, query, table, lambda limit, cursor: history(referral_id, limit, cursor), reasons=False)


@timeline.get("/students/<student_id:uuid>/timeline")
@allow(own(), *STAFF, owner=owners.student)
@query(Exportable)
@answers(200, ListView[ActView], *MEDIA)
async def of_student(request: Request, student_id: UUID, query: Exportable) -> HTTPResponse:
    """List what was done to all claims on a student and all its enrolments, the first act first.

    For the secretariat, and for whoever is confirmed as the student or as its guardian.
    """
    table, history = _acts("timeline", "学生经过", request.app.ctx.words), service.of_student
    return await _told(request, query, table, lambda limit, cursor: history(student_id, limit, cursor), reasons=True)
