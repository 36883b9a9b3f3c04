"""The payee's word against a clawback, once, and what the secretariat decides. It never holds the clawback up."""

from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from server.awards import deciders, owing, repaying, rules
from server.awards.models import Clawback, ClawbackState, ContestState
from server.funds.models import EntryKind
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.organisations.roles import Role
from server.people.service import Decider


class Verdict(StrEnum):
    """What comes of a contest."""

    STANDS = "stands"
    LIFTED = "lifted"
    """Nothing more is claimed back, and of what came back a new award is proposed."""


_DECIDED = {Verdict.STANDS: "contest_stands", Verdict.LIFTED: "contest_lifted"}


def contest_until(clawback: Clawback) -> date | None:
    """Return the last day on which the payee may contest, None before the demand."""
    if clawback.demanded_at is None:
        return None
    demanded_on = clawback.demanded_at.astimezone(clock.SHANGHAI).date()
    return rules.in_force().contest.end(demanded_on + timedelta(days=1))


@transaction
async def contest(award_id: UUID, reason: str, by: UUID, version: int | None = None) -> Clawback:
    """Say, for the payee, that an award is claimed back wrongly; what is being done goes on all the same.

    Raises DomainError 404, 409 before the demand, a second time, too late, or where it was dropped; 412.
    """
    held = (await owing.hold(award_id, version, told_only=True)).clawback
    until = contest_until(held)
    if until is None or held.state is ClawbackState.DROPPED:
        raise owing.wrong_state(held)
    if held.contest is not ContestState.NONE:
        raise DomainError("contested_already", 409)
    if clock.today() > until:
        raise DomainError("contest_over", 409)
    held.contest, held.contest_reason, held.contested_by_id = ContestState.OPEN, reason, by
    return await owing.write(held, "contested", held.state, Decider(by, ""))


@transaction
async def decide(award_id: UUID, verdict: Verdict, by: Decider, version: int | None = None) -> Clawback:
    """Decide about a contested clawback, as somebody who neither asked for it nor approved it.

    Only somebody without any part in the award lifts it; what came back stays where it came, and a new award of so
    much is proposed. Raises DomainError 403, 404, 409 where nothing is contested, or a statement is about to keep it
    back; 412.
    """
    held = await owing.hold(award_id, version)
    clawback, before = held.clawback, held.clawback.state
    await owing.require_decider(held.award, by.person_id, Role.REVIEWER, Role.APPROVER)
    owing.require_another(by.person_id, clawback.requested_by_id, clawback.approved_by_id)
    if clawback.contest is not ContestState.OPEN:
        raise DomainError("clawback_not_contested", 409)
    clawback.contest = ContestState(verdict)
    if verdict is Verdict.LIFTED:
        await _lift(held, by)
    return await owing.write(clawback, _DECIDED[verdict], before, by)


async def _lift(held: owing.Held, by: Decider) -> None:
    clawback = held.clawback
    owing.require(clawback, *owing.TOLD)
    if await deciders.parts([held.award.id], by.person_id):
        raise DomainError("another_part", 403)
    if came_back := clawback.recovered_fen + clawback.offset_fen:
        await repaying.propose(held.award, clawback, came_back, by)
    revived, clawback.written_off_fen = clawback.written_off_fen, 0  # it was paid rightly, and is no loss
    await owing.post(held, {EntryKind.REVIVE: revived}, by)
    owing.enter(clawback, ClawbackState.DROPPED)
