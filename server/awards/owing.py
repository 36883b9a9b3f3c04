"""A clawback held with its award, what is still owed of it, and how every change of one is written.

Everyone holds in one order: the award, then its clawback, then the budget from which the award was paid.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from server.awards import deciders, holding
from server.awards.models import Award, AwardState, Clawback, ClawbackState, ContestState
from server.funds import ledger
from server.funds.ledger import Move
from server.funds.models import EntryKind
from server.kernel import audit, clock, outbox
from server.kernel.audit import Note
from server.kernel.errors import DomainError, found
from server.kernel.outbox import Occurrence
from server.organisations import current
from server.organisations.roles import Role
from server.people.service import Decider

GOING_ON = (ClawbackState.REQUESTED, ClawbackState.APPROVED, ClawbackState.DEMANDED, ClawbackState.PARTLY)
"""In which it is going on; an award has one such clawback at most."""
COLLECTED = (ClawbackState.DEMANDED, ClawbackState.PARTLY)
"""In which money is expected from the payee."""
TOLD = (*COLLECTED, ClawbackState.RECOVERED, ClawbackState.OFFSET, ClawbackState.WRITTEN_OFF)
"""Which the payee has been told of."""
_TURNS = {
    "asked": Role.REVIEWER, "requested": Role.APPROVER, "approved": Role.FINANCE, "contested": Role.APPROVER
}  # fmt: skip
"""Whose turn it is after what."""


@dataclass(frozen=True, slots=True)
class Held:
    """A clawback and its award, both held until the transaction ends."""

    award: Award
    clawback: Clawback


def subject_of(clawback_id: UUID) -> str:
    """Return what the audit calls a clawback."""
    return f"clawback:{clawback_id}"


def owed(clawback: Clawback) -> int:
    """Return how many fen have not come back, nor been given up, nor are to be kept back by a live statement."""
    settled: int = clawback.recovered_fen + clawback.offset_fen + clawback.written_off_fen
    rest: int = clawback.amount_fen - settled - clawback.offsetting_fen
    return rest


def left(award: Award, clawbacks: Iterable[Clawback]) -> int:
    """Return how many fen of a paid award the payee still has, by all clawbacks of it that there were."""
    whole: int = award.amount_fen
    settled: int = sum(one.recovered_fen + one.offset_fen + one.written_off_fen for one in clawbacks)
    return whole - settled


async def come_back(awards: Collection[Award]) -> set[UUID]:
    """Return which of some awards were paid and came back whole, so that the payee has nothing of them any more.

    Not where the claim was lifted: a new award was proposed of that. One statement.
    """
    paid = {one.id: one.amount_fen for one in awards if one.state is AwardState.PAID}
    back, lifted = Counter[UUID](), set[UUID]()
    for one in await Clawback.filter(award_id__in=list(paid)) if paid else ():
        back[one.award_id] += one.recovered_fen + one.offset_fen
        lifted |= {one.award_id} if one.contest is ContestState.LIFTED else set()
    return {award_id for award_id, fen in paid.items() if back[award_id] == fen} - lifted


def current_one(clawbacks: Sequence[Clawback]) -> Clawback | None:
    """Return which of an award's clawbacks is acted on: one whose contest waits for a decision, else the newest.

    One that was dropped comes last: what went before it may have to be put right still.
    """

    def place(one: Clawback) -> tuple[bool, bool, datetime, UUID]:
        return one.contest is ContestState.OPEN, one.state is not ClawbackState.DROPPED, one.created_at, one.id

    return max(clawbacks, key=place, default=None)


async def hold(award_id: UUID, version: int | None = None, *, told_only: bool = False) -> Held:
    """Hold the clawback of an award that is acted on with it, of those only of which the payee was told if so wished.

    Raises DomainError 404, 412 where `version` is given and the clawback has another by now.
    """
    award = await holding.hold(award_id)
    rows = Clawback.filter(award_id=award_id).order_by("id").select_for_update()
    held = found(current_one(await (rows.filter(demanded_at__isnull=False) if told_only else rows)), "clawback")
    if version is not None and held.version != version:
        raise DomainError("stale_version", 412)
    return Held(award, held)


async def require_none(award_ids: Collection[UUID]) -> None:
    """Raise DomainError 409 where money of these awards, which are held, is claimed back or was."""
    nothing_yet = (ClawbackState.REQUESTED, ClawbackState.DROPPED)
    came_back = Q(recovered_fen__gt=0) | Q(offset_fen__gt=0) | ~Q(state__in=nothing_yet)
    if await Clawback.filter(came_back, award_id__in=list(award_ids)).exists():
        raise DomainError("clawback_in_the_way", 409)


async def require_decider(award: Award, person_id: UUID, *roles: Role) -> None:
    """Raise DomainError 403 for who has none of these roles now, or has to do with the payee or the student."""
    standing = await deciders.standing(person_id, [award])
    if standing.own(award):
        raise DomainError("decides_for_own", 403)
    if not standing.roles.intersection(roles):
        raise DomainError("not_yours_to_do", 403)


def require_another(person_id: UUID, *others: UUID | None) -> None:
    """Raise DomainError 403 for one of those who had their part in a clawback already."""
    if person_id in others:
        raise DomainError("clawback_another_person", 403)


def require(clawback: Clawback, *states: ClawbackState) -> None:
    """Raise DomainError 409 where a clawback is in none of these states, or a statement is about to keep it back."""
    if clawback.state not in states:
        raise wrong_state(clawback)
    if clawback.statement_id:
        raise DomainError("clawback_on_statement", 409)


def require_claimed(clawback: Clawback) -> None:
    """Raise DomainError 409 for one that was lifted: of what had come back a new award was proposed."""
    if clawback.contest is ContestState.LIFTED:
        raise DomainError("clawback_lifted", 409)


def all_settled(clawback: Clawback, by_the_last: ClawbackState) -> ClawbackState:
    """Return the state of one of which nothing is owed any more: some of it may have been given up before."""
    return ClawbackState.WRITTEN_OFF if clawback.written_off_fen else by_the_last


def wrong_state(clawback: Clawback) -> DomainError:
    """Return the 409 that names the state a clawback is in, and what comes next from there."""
    state = f"clawback_{clawback.state}"
    return DomainError("clawback_state", 409, state=state, next=f"{state}_next")


def enter(clawback: Clawback, state: ClawbackState) -> None:
    """Put a held clawback into a state; write it afterwards."""
    if clawback.state is not state:
        clawback.state, clawback.state_since = state, clock.now()


async def write(clawback: Clawback, event: str, before: str, by: Decider) -> Clawback:
    """Write a held clawback, note what happened to it, and tell those concerned."""
    clawback.version += 1
    await clawback.save()
    await note([(clawback, before)], event, by.person_id, by.reason)
    return clawback


async def note(changed: Sequence[tuple[Clawback, str]], event: str, by: UUID | None, reason: str) -> None:
    """Leave what happened to written clawbacks, each with the state that it was in, in the audit and the outbox.

    Who asked for it is told, and whose turn it is now; from the demand on those who act for the payee.
    """
    told = {one.payee_id for one, _ in changed if one.demanded_at}
    acting = await current.acting(told) if told else {}
    turn = {*await current.staff(_TURNS[event])} - {by} if event in _TURNS else set[UUID]()
    name = f"clawback.{event}"
    await audit.note_many(
        [Note(subject_of(one.id), name, by, before, one.state.value, reason) for one, before in changed]
    )
    await outbox.record_many(
        Occurrence(name, subject_of(one.id), sorted(turn | _concerned(one, acting))) for one, _ in changed
    )


def _concerned(clawback: Clawback, acting: Mapping[UUID, list[UUID]]) -> set[UUID]:
    asked = {clawback.requested_by_id} if clawback.requested_by_id else set[UUID]()
    return asked.union(acting[clawback.payee_id] if clawback.demanded_at else ())


async def post(held: Held, amounts: Mapping[EntryKind, int], by: Decider) -> None:
    """Move money of a paid award, by `amounts` in their order, within the budget that it was paid from."""
    budget, ids = await ledger.hold(found(held.award.budget_id, "budget")), {"award_id": held.award.id}
    moves = [Move(kind, fen, **ids, clawback_id=held.clawback.id) for kind, fen in amounts.items() if fen]
    await ledger.post(budget, moves, by.person_id, by.reason)
