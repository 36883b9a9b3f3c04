"""Claiming a paid award back: asked for, approved by another, demanded, contested, and how it ends."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.auth import OwnerOf
from miniprogram_api.clawback_views import (
    ClawbackQuery,
    ClawbackView,
    Contest,
    ContestDecision,
    NewClawback,
    Recovery,
    table,
)
from miniprogram_api.idempotent import made
from miniprogram_api.listing import listed
from miniprogram_api.people import Reason, decider
from miniprogram_api.reading import Body
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA
from miniprogram_api.web import Face, Handler, allow, answer, answers, body, idempotent, if_match, query
from server.access import owners
from server.access.rules import Caller, Right, own, within
from server.awards import clawback_options, contesting, mistaken
from server.awards import clawbacks as service
from server.awards.clawback_options import Deed
from server.awards.clawbacks import Chosen
from server.awards.mistaken import CORRECTING
from server.awards.models import Clawback
from server.kernel.paging import Page
from server.organisations.roles import STAFF, Role
from server.people.service import Decider

clawbacks = Face("clawbacks")


async def _may(caller: Caller, rows: Sequence[Clawback]) -> Mapping[UUID, Sequence[Deed]]:
    """Return by clawback what the caller may do with it."""
    if caller.of_secretariat:
        return await clawback_options.open_to(rows, caller.person_id)
    leads = {post.organisation_id for post in caller.stands_for if post.role is Role.MANAGER}
    return {row.id: clawback_options.open_to_payee(row) if row.payee_id in leads else () for row in rows}


async def _shown(request: Request, clawback_id: UUID, status: int = 200) -> FixedResponse:
    caller, words, row = request.ctx.caller, request.app.ctx.words, await service.shown(clawback_id)
    view = ClawbackView.of(row, words, (await _may(caller, [row]))[row.id], staff=caller.of_secretariat)
    return made(answer(view, status, row.version), str(row.id))


async def _again(request: Request, clawback_id: str) -> HTTPResponse:
    return await _shown(request, UUID(clawback_id))


async def _asked_again(request: Request, clawback_id: str) -> HTTPResponse:
    return await _shown(request, UUID(clawback_id), 201)


@clawbacks.get("/clawbacks")
@allow(Role.CLERK, *STAFF)
@query(ClawbackQuery)
@answers(200, ListView[ClawbackView], *MEDIA)
async def every(request: Request, query: ClawbackQuery) -> HTTPResponse:
    """List clawbacks, those first that have stood as they do for longest; a school sees what was demanded of it."""
    caller, words = request.ctx.caller, request.app.ctx.words
    chosen, only = Chosen(query.state, query.payee), within(caller)

    async def fetch(limit: int, cursor: str | None) -> Page[ClawbackView]:
        found = await service.clawbacks(chosen, only, limit, cursor)
        may = await _may(caller, found.items)
        views = [ClawbackView.of(row, words, may[row.id], staff=caller.of_secretariat) for row in found.items]
        return Page(views, found.next_cursor)

    return await listed(request, query, table(words), fetch, lambda view: view)


@clawbacks.post("/awards/<award_id:uuid>/clawback")
@allow(Role.REVIEWER, Role.APPROVER, Role.FINANCE)
@idempotent(_asked_again, required=True)
@body(NewClawback)
@answers(201, ClawbackView)
async def ask(request: Request, award_id: UUID, body: NewClawback) -> HTTPResponse:
    """Ask for a paid award, or a part of it, to be claimed back; another person approves that."""
    asked = await service.request(award_id, body.amount_fen, decider(request, body))
    return await _shown(request, asked.id, 201)


@clawbacks.get("/awards/<award_id:uuid>/clawback")
@allow(own(Role.CLERK), *STAFF, owner=owners.award)
@answers(200, ClawbackView)
async def show(request: Request, award_id: UUID) -> HTTPResponse:
    """Give the newest clawback of an award; its payee sees one from the demand on."""
    newest = await service.newest(award_id, told_only=not request.ctx.caller.of_secretariat)
    return await _shown(request, newest.id)


def _deed(
    verb: str, *who: Role | Right, said: type[Body] = Reason, owner: OwnerOf | None = None
) -> Callable[[Handler], Handler]:
    """State what is done, by `verb`, with the newest clawback of an award; If-Match says what was looked at."""

    def state(handler: Handler) -> Handler:
        honoured = idempotent(_again, required=True)(if_match(required=False)(handler))
        declared = allow(*who, owner=owner)(answers(200, ClawbackView)(body(said)(honoured)))
        clawbacks.add_route(declared, f"/awards/<award_id:uuid>/clawback/{verb}", methods=["POST"])
        return declared

    return state


@_deed("approve", Role.APPROVER)
async def approve(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Approve that an award is claimed back, as somebody without any other part in it."""
    return await _shown(request, (await service.approve(award_id, decider(request, body), version)).id)


@_deed("demand", Role.FINANCE)
async def demand(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Demand the money from the payee, who may contest that from now on."""
    return await _shown(request, (await service.demand(award_id, decider(request, body), version)).id)


@_deed("recover", Role.FINANCE, said=Recovery)
async def recover(request: Request, award_id: UUID, body: Recovery, version: int | None) -> HTTPResponse:
    """Note that some of the money came back, or the last of it; also of what was given up before."""
    by = Decider(request.ctx.caller.person_id, body.reason)
    done = await service.recover(award_id, body.amount_fen, by, version)
    return await _shown(request, done.id)


@_deed("undo-recovery", *CORRECTING)
async def undo_recovery(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Take the last entry of money that came back, back, as somebody else than who made it: it never came."""
    return await _shown(request, (await mistaken.undo_recovery(award_id, decider(request, body), version)).id)


@_deed("write-off", Role.APPROVER)
async def write_off(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Give up what is still owed, as another approver than the one who approved it."""
    return await _shown(request, (await service.write_off(award_id, decider(request, body), version)).id)


@_deed("drop", Role.REVIEWER, Role.APPROVER, Role.FINANCE)
async def drop(request: Request, award_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Find that nothing is to be claimed back after all; once it was approved, only another approver does that."""
    return await _shown(request, (await service.drop(award_id, decider(request, body), version)).id)


@_deed("contest", own(Role.MANAGER), said=Contest, owner=owners.award)
async def contest(request: Request, award_id: UUID, body: Contest, version: int | None) -> HTTPResponse:
    """Say for the payee, once, that this is claimed back wrongly; what is being done goes on all the same."""
    said = await contesting.contest(award_id, body.reason, request.ctx.caller.person_id, version)
    return await _shown(request, said.id)


@_deed("decision", Role.REVIEWER, Role.APPROVER, said=ContestDecision)
async def decide(request: Request, award_id: UUID, body: ContestDecision, version: int | None) -> HTTPResponse:
    """Decide about what the payee contested; `lifted` ends it, and of what came back a new award is proposed."""
    done = await contesting.decide(award_id, body.verdict, decider(request, body), version)
    return await _shown(request, done.id)
