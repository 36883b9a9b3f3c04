"""What ends a claim or a dispute about it: a reviewer's decision, its undoing, and the school's withdrawal."""

from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.people import Reason, decider
from miniprogram_api.referrals import CLERK, ReferralView, again, shown
from miniprogram_api.web import Face, allow, answers, body, idempotent, if_match
from server.access import owners
from server.organisations.roles import Role
from server.referrals import decisions, undoing, withdrawal
from server.referrals.models import Verdict

referral_decisions = Face("referral_decisions", url_prefix="/referrals")


class ReferralDecision(Reason):
    """What a reviewer says of a claim, and why."""

    verdict: Verdict


@referral_decisions.post("/<referral_id:uuid>/decision")
@allow(Role.REVIEWER)
@idempotent(again)
@if_match(required=False)
@body(ReferralDecision)
@answers(200, ReferralView)
async def decide(request: Request, referral_id: UUID, body: ReferralDecision, version: int | None) -> HTTPResponse:
    """Uphold or reject a claim in dispute, or one that is flagged; of a dispute one claim comes out that lives."""
    return await shown(await decisions.decide(referral_id, body.verdict, decider(request, body), version))


@referral_decisions.post("/<referral_id:uuid>/decision/undo")
@allow(Role.REVIEWER)
@idempotent(again)
@if_match(required=False)
@body(Reason)
@answers(200, ReferralView)
async def undo(request: Request, referral_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Undo the last decision on a claim: all that it changed is turned round, and evidence is taken again."""
    return await shown(await undoing.undo(referral_id, decider(request, body), version))


@referral_decisions.post("/<referral_id:uuid>/withdraw")
@allow(CLERK, owner=owners.referral)
@idempotent(again)
@if_match(required=False)
@body(Reason)
@answers(200, ReferralView)
async def withdraw(request: Request, referral_id: UUID, body: Reason, version: int | None) -> HTTPResponse:
    """Take a claim back until its year ends, a confirmed one too; claims beside it then wait for a reviewer."""
    return await shown(await withdrawal.withdraw(referral_id, decider(request, body), version))
