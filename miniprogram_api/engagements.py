"""Places on a demand: applied for, offered, filled, worked and paid, each step by the side whose it is."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.engagement_bodies import Application, ContestDecision, Done, Nothing, Offer, Paid, Why
from miniprogram_api.engagement_views import EngagementView, WholeEngagementView, shown, spelt, whole
from miniprogram_api.people import decider
from miniprogram_api.reading import Body
from miniprogram_api.web import Face, allow, answers, body, idempotent, if_match
from server.access import owners, sides
from server.access.rules import Right, own
from server.engagements import contests, holding, service, working
from server.engagements.contests import Verdict
from server.engagements.models import Engagement
from server.engagements.states import Actor, Verb
from server.organisations.roles import STAFF, Role

engagements = Face("engagements")
SIDES = (own(Role.CLERK), own())
Act = Callable[[UUID, Actor, Any], Awaitable[Engagement]]


async def _again(request: Request, engagement_id: str) -> HTTPResponse:
    return await shown(request, UUID(engagement_id))


async def _made_again(request: Request, engagement_id: str) -> HTTPResponse:
    return await shown(request, UUID(engagement_id), 201)


@engagements.post("/postings/<posting_id:uuid>/engagements")
@allow(Right(), owner=owners.posting)
@idempotent(_made_again)
@body(Application, optional=True)
@answers(201, EngagementView)
async def apply(request: Request, posting_id: UUID, body: Application) -> HTTPResponse:
    """Apply for a place on a demand; where it is full one comes on the wait-list."""
    by = request.ctx.caller.person_id
    return await shown(request, (await service.apply(posting_id, by=by, size=body.size, supply_id=body.supply)).id, 201)


@engagements.post("/postings/<posting_id:uuid>/offers")
@allow(own(Role.CLERK), own(), owner=owners.posting)
@idempotent(_made_again)
@body(Offer)
@answers(201, EngagementView)
async def offer(request: Request, posting_id: UUID, body: Offer) -> HTTPResponse:
    """Offer a place on one's demand to who offers their hands."""
    made = await service.offer(posting_id, body.supply, by=request.ctx.caller.person_id)
    return await shown(request, made.id, 201)


@engagements.get("/engagements/<engagement_id:uuid>")
@allow(*SIDES, *STAFF, owner=owners.engagement)
@answers(200, WholeEngagementView)
async def engagement(request: Request, engagement_id: UUID) -> HTTPResponse:
    """Show one engagement with all that happened to it."""
    return await whole(request, engagement_id)


def _deed(verb: Verb, said: type[Body], *, optional: bool = True) -> Callable[[Act], Act]:
    """State what a side does with an engagement, and what it says with it; the address ends in the verb.

    If-Match says what was looked at.
    """

    def state(act: Act) -> Act:
        async def handler(request: Request, engagement_id: UUID, body: Body, version: int | None) -> HTTPResponse:
            actor = sides.actor(request.ctx.caller, await holding.engagement(engagement_id))
            await act(engagement_id, replace(actor, version=version), body)
            return await shown(request, engagement_id)

        handler.__name__, handler.__doc__ = act.__name__, act.__doc__
        honoured = idempotent(_again)(if_match(required=False)(handler))
        stated = answers(200, EngagementView)(body(said, optional=optional)(honoured))
        declared = allow(*SIDES, owner=owners.engagement)(stated)
        engagements.add_route(declared, f"/engagements/<engagement_id:uuid>/{spelt(verb)}", methods=["POST"])
        return act

    return state


@_deed(Verb.ACCEPT, Nothing)
async def accept(engagement_id: UUID, actor: Actor, _said: Nothing) -> Engagement:
    """Say yes: the poster to an application, who was offered a place to the offer."""
    return await service.accept(engagement_id, actor)


@_deed(Verb.DECLINE, Why)
async def decline(engagement_id: UUID, actor: Actor, said: Why) -> Engagement:
    """Say no: the poster to an application, who was offered a place to the offer."""
    return await service.decline(engagement_id, actor, said.reason)


@_deed(Verb.WITHDRAW, Why)
async def withdraw(engagement_id: UUID, actor: Actor, said: Why) -> Engagement:
    """Take an application back, or with a reason and in time the place that one has."""
    return await service.withdraw(engagement_id, actor, said.reason)


@_deed(Verb.ATTEND, Nothing)
async def attend(engagement_id: UUID, actor: Actor, _said: Nothing) -> Engagement:
    """Say that somebody came to work; either side can, the poster also who said that they did not by mistake."""
    return await working.attend(engagement_id, actor)


@_deed(Verb.NO_SHOW, Why)
async def no_show(engagement_id: UUID, actor: Actor, said: Why) -> Engagement:
    """Say that somebody did not come, who may contest it."""
    return await working.no_show(engagement_id, actor, said.reason)


@_deed(Verb.LEAVE_EARLY, Why)
async def leave_early(engagement_id: UUID, actor: Actor, said: Why) -> Engagement:
    """Say that somebody left before the end; the worker may contest the poster's word."""
    return await working.leave_early(engagement_id, actor, said.reason)


@_deed(Verb.CANCEL, Why)
async def cancel(engagement_id: UUID, actor: Actor, said: Why) -> Engagement:
    """Take an offer or a place back, for a reason."""
    return await working.cancel(engagement_id, actor, said.reason)


@_deed(Verb.CONTEST, Why)
async def contest(engagement_id: UUID, actor: Actor, said: Why) -> Engagement:
    """Say that a no-show or an early leaving is not true, and why; the secretariat decides."""
    return await contests.contest(engagement_id, actor, said.reason)


@_deed(Verb.COMPLETE, Done)
async def complete(engagement_id: UUID, actor: Actor, said: Done) -> Engagement:
    """Say that the work is done; it counts once both sides say so, or one is silent for some days."""
    return await working.complete(engagement_id, actor, said.minutes)


@_deed(Verb.CONFIRM_PAID, Paid)
async def confirm_paid(engagement_id: UUID, actor: Actor, said: Paid) -> Engagement:
    """Say that the wages are paid, each side once."""
    return await working.confirm_paid(engagement_id, actor, said.fen)


@_deed(Verb.REPORT_UNPAID, Why)
async def report_unpaid(engagement_id: UUID, actor: Actor, said: Why) -> Engagement:
    """Tell the secretariat that the wages were not paid."""
    return await working.report_unpaid(engagement_id, actor, said.reason)


@engagements.post("/engagements/<engagement_id:uuid>/decision")
@allow(Role.REVIEWER)
@idempotent(_again)
@if_match(required=False)
@body(ContestDecision)
@answers(200, EngagementView)
async def decide(request: Request, engagement_id: UUID, body: ContestDecision, version: int | None) -> HTTPResponse:
    """Decide what was contested, or reported as unpaid: it stands, or it is lifted; If-Match says what was read."""
    by = decider(request, body)
    await contests.decide(engagement_id, Verdict(body.verdict), by, version)
    return await shown(request, engagement_id)
