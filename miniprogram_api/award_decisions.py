"""What is decided of one award."""

from collections.abc import Callable
from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.award_views import AwardView
from miniprogram_api.awards import shown
from miniprogram_api.people import Reason, decider
from miniprogram_api.web import Face, Handler, allow, answers, body, idempotent, if_match
from server.access import owners
from server.awards import life, samples, undoing
from server.awards.models import RunKind
from server.organisations.roles import Role

award_decisions = Face("award_decisions", url_prefix="/awards")
BOTH = (Role.REVIEWER, Role.APPROVER)


class SecondLook(Reason):
    """What came of looking again at an award that was drawn, and why."""

    verdict: samples.Verdict


async def _again(request: Request, award_id: str) -> HTTPResponse:
    return await shown(request, UUID(award_id))


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
