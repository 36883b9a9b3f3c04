"""Deciding awards: many at once, each alone. What speaks against one keeps none of the others from being decided."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from server.awards import deciders, grounds, holding, queue, states
from server.awards.grounds import Against, Known
from server.awards.holding import Change
from server.awards.models import Award, AwardState, RunKind, SecondCheck
from server.awards.runs import PAST
from server.kernel.errors import found
from server.kernel.transactions import transaction
from server.people.service import Decider

MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of one award: as it is now, and why nothing became of it, by a slug of `content/problems.yaml`."""

    award: Award
    code: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


@transaction
async def decide(
    award_ids: Collection[UUID], verb: RunKind, by: Decider, *, version: int | None = None, tell: bool = False
) -> list[Decided]:
    """Decide awards, at most `MOST_AT_ONCE`, each alone, in the order of their ids; joins the transaction.

    Roles, and interests of one's own, are those of this moment. A settled number of statements. With `tell` the payee
    of each hears of it. What is not there is left out.
    """
    if len(award_ids) > MOST_AT_ONCE:
        raise ValueError("too many awards at once")
    awards = await holding.hold_all(award_ids)
    known = await grounds.known(awards, verb, by.person_id)
    refused = {one.id: why for one in awards if (why := grounds.against(one, known, version))}
    refused |= await _claim([one for one in awards if one.id not in refused], known, by.person_id)
    accepted = [one for one in awards if one.id not in refused]
    await _do(accepted, known, by, tell=tell)
    return [Decided(one, *refused.get(one.id, (None, {}))) for one in awards]


@transaction
async def decide_one(award_id: UUID, verb: RunKind, by: Decider, version: int | None = None) -> Award:
    """Decide one award; return it.

    Raises DomainError 403 for who may not, who has an interest of their own, or had another part in it; 404; 409 for
    what cannot be now; 412 where `version` is given and it has another by now.
    """
    one = found(next(iter(await decide([award_id], verb, by, version=version, tell=True)), None), "award")
    if one.code:
        raise Against(one.code, one.params).error
    return one.award


async def _claim(awards: Sequence[Award], known: Known, person_id: UUID) -> dict[UUID, Against]:
    """Give somebody their part in these awards; return those in which they have another one."""
    role = states.role(known.verb, known.standing.roles)
    part = states.TABLE[known.verb].parts[role] if role else None
    if part is None or not awards:
        return {}
    taken = await deciders.claim([one.id for one in awards], person_id, part)
    return dict.fromkeys(taken, Against("another_part"))


async def _do(awards: Sequence[Award], known: Known, by: Decider, *, tell: bool) -> None:
    if not awards:
        return
    before = {one.id: one.state for one in awards}
    left = {one.fund_id for one in awards if states.queued(one.state)}
    approves = known.verb is RunKind.APPROVE  # and is called by what came of it
    if approves:
        await _approve(awards, known, by)
    else:
        await _move(awards, known.verb, by)
    changes = [Change(one, before[one.id], one.state if approves else PAST[known.verb]) for one in awards]
    await holding.write(changes, by.person_id, by.reason, tell=tell)
    await queue.look(
        left | {one.fund_id for one in awards if states.queued(one.state) and known.verb is RunKind.RELEASE}
    )


async def _approve(awards: Sequence[Award], known: Known, by: Decider) -> None:
    for one in awards:
        one.fund_id = known.funds[one.programme].id
    await queue.take(awards, by.person_id, by.reason)


async def _move(awards: Sequence[Award], verb: RunKind, by: Decider) -> None:
    if verb in {RunKind.REFUSE, RunKind.CANCEL}:
        await queue.free(awards, by.person_id, by.reason)
    for one in awards:
        if verb is RunKind.RELEASE:
            release(one)
        else:
            enter(one, states.TABLE[verb].to)


def release(held: Award) -> None:
    """Let a held award go on from where it was; a second check that it failed has to be made again."""
    if held.second_check is SecondCheck.FAILED:
        held.second_check = SecondCheck.WAITING
    held.doubt = ""
    enter(held, held.held_from)


def enter(held: Award, state: AwardState | None) -> None:
    """Put a held award into a state that is settled."""
    if state is None:
        raise ValueError("what depends on the money is for the queue to say")
    holding.enter(held, state)
