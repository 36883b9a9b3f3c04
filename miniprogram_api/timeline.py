"""What happened to a claim, and to a student."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.reading import Body, Paged
from miniprogram_api.referrals import SchoolView
from miniprogram_api.shelf import ListView
from miniprogram_api.web import Face, allow, answer, answers, query
from miniprogram_api.words import Words
from server.access import owners
from server.access.rules import Caller, own
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


def _staff(caller: Caller) -> bool:
    return any(post.role.of_secretariat for post in caller.posts)


def _told(request: Request, found: Page[Act], *, reasons: bool) -> HTTPResponse:
    words, staff = request.app.ctx.words, _staff(request.ctx.caller)
    items = tuple(ActView.of(act, words, staff=staff, reasons=reasons or staff) for act in found.items)
    return answer(ListView[ActView](items=items, next_cursor=found.next_cursor))


@timeline.get("/referrals/<referral_id:uuid>/history")
@allow(own(Role.CLERK), *STAFF, owner=owners.referral)
@query(Paged)
@answers(200, ListView[ActView])
async def of_referral(request: Request, referral_id: UUID, query: Paged) -> HTTPResponse:
    """List what was done to a claim, the first act first; its school sees nothing of who else claims the student."""
    return _told(request, await service.of_referral(referral_id, query.limit, query.cursor), reasons=False)


@timeline.get("/students/<student_id:uuid>/timeline")
@allow(own(), *STAFF, owner=owners.student)
@query(Paged)
@answers(200, ListView[ActView])
async def of_student(request: Request, student_id: UUID, query: Paged) -> HTTPResponse:
    """List what was done to all claims on a student and all its enrolments, the first act first.

    For the secretariat, and for whoever is confirmed as the student or as its guardian.
    """
    return _told(request, await service.of_student(student_id, query.limit, query.cursor), reasons=True)
