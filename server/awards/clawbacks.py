"""Claiming a paid award back, or a part of it, each step by another person than the one before where money is decided.

Who asks for it never approves it, and who approves it has no other part in the award. What is given up after that is
given up by yet another approver.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from server.awards import deciders, holding, owing
from server.awards.models import Award, AwardState, Clawback, ClawbackState, ContestState, Part
from server.awards.owing import COLLECTED, GOING_ON
from server.funds.models import EntryKind
from server.kernel import bulk, clock
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.ids import new_id
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction
from server.organisations.roles import Role
from server.people.service import Decider

ASKING = (Role.REVIEWER, Role.APPROVER, Role.FINANCE)
"""Who may ask for it."""
RECEIVING = (*COLLECTED, ClawbackState.WRITTEN_OFF)
"""In which the payee's money is entered as it comes."""
LONGEST_WAITING = Sort("state_since", descending=False)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which clawbacks a list shows: of a state, of a payee; None for all."""

    state: ClawbackState | None = None
    payee_id: UUID | None = None


@transaction
async def questions(awards: Sequence[Award], reason: str) -> list[Clawback]:
    """Ask whether paid awards, all held, are to be claimed back, because of what came up; joins the transaction.

    Return what is asked: nothing of those of which it is being asked, or that are being claimed back, already. A few
    statements.
    """
    had: dict[UUID, list[Clawback]] = {award.id: [] for award in awards}
    for one in await Clawback.filter(award_id__in=list(had)).order_by("id"):
        had[one.award_id].append(one)
    free = [award for award in awards if not any(one.state in GOING_ON for one in had[award.id])]
    fresh = [_fresh(award, owing.left(award, had[award.id]), reason) for award in free]
    fresh = [one for one in fresh if one.amount_fen > 0]
    await bulk.insert(fresh)
    await owing.note([(one, "") for one in fresh], "asked", None, reason)
    return fresh


@transaction
async def request(award_id: UUID, amount_fen: int | None, by: Decider) -> Clawback:
    """Ask for a paid award, or `amount_fen` of it, to be claimed back; a question that came up by itself is taken up.

    Raises DomainError 403 for who has to do with the payee or the student, 404, 409 where it is not paid, is claimed
    back already, or a contest of that waits for a decision, 422 for more than the payee still has of it.
    """
    award = await holding.hold(award_id)
    await owing.require_decider(award, by.person_id, *ASKING)
    if award.state is not AwardState.PAID:
        raise DomainError("award_not_paid", 409)
    had = await Clawback.filter(award_id=award_id).select_for_update().order_by("id")
    if any(one.contest is ContestState.OPEN for one in had):
        raise DomainError("contest_undecided", 409)
    going_on = next((one for one in had if one.state in GOING_ON), None)
    if going_on and going_on.requested_by_id:
        raise DomainError("clawed_back_already", 409)
    left = owing.left(award, had)
    if left <= 0:
        raise DomainError("nothing_to_claw_back", 409)
    if amount_fen is not None and amount_fen > left:
        raise invalid(FieldFault("/amount_fen", "less_than_equal", {"le": left}))
    asked = going_on or _fresh(award, left, by.reason)
    asked.amount_fen, asked.reason, asked.requested_by_id = amount_fen or left, by.reason, by.person_id
    if going_on:
        return await owing.write(asked, "requested", asked.state, by)
    await asked.save(force_create=True)
    await owing.note([(asked, "")], "requested", by.person_id, by.reason)
    return asked


@transaction
async def approve(award_id: UUID, by: Decider, version: int | None = None) -> Clawback:
    """Approve that an award is claimed back, as somebody who has no other part in it, nor asked for this.

    Raises DomainError 403, 404, 409 for another state or a question that nobody has taken up, 412.
    """
    held = await _held(award_id, by, version, Role.APPROVER)
    owing.require(held.clawback, ClawbackState.REQUESTED)
    if held.clawback.requested_by_id is None:
        raise DomainError("clawback_not_requested", 409)
    owing.require_another(by.person_id, held.clawback.requested_by_id)
    if await deciders.claim([award_id], by.person_id, Part.CLAWBACK):
        raise DomainError("another_part", 403)
    held.clawback.approved_by_id = by.person_id
    return await _enter(held.clawback, ClawbackState.APPROVED, "approved", by)


@transaction
async def demand(award_id: UUID, by: Decider, version: int | None = None) -> Clawback:
    """Demand the money from the payee; it may contest that from now on.

    Never who approved it. Raises DomainError 403, 404, 409, 412.
    """
    held = await _held(award_id, by, version, Role.FINANCE)
    owing.require_another(by.person_id, held.clawback.approved_by_id)
    owing.require(held.clawback, ClawbackState.APPROVED)
    held.clawback.demanded_at = clock.now()
    return await _enter(held.clawback, ClawbackState.DEMANDED, "demanded", by)


@transaction
async def recover(award_id: UUID, amount_fen: int, by: Decider, version: int | None = None) -> Clawback:
    """Note that some of the money, or the last of it, came back from the payee; be it of what was given up.

    Never who approved it. Raises DomainError 403, 404, 409, 412, 422 for more than is owed or was given up.
    """
    held = await _held(award_id, by, version, Role.FINANCE)
    one = held.clawback
    owing.require_another(by.person_id, one.approved_by_id)
    owing.require_claimed(one)
    owing.require(one, *RECEIVING)
    owed = owing.owed(one)
    if amount_fen > (most := owed + one.written_off_fen):
        raise invalid(FieldFault("/amount_fen", "less_than_equal", {"le": most}))
    revived = max(amount_fen - owed, 0)
    one.written_off_fen -= revived
    one.recovered_fen += amount_fen
    await owing.post(held, {EntryKind.REVIVE: revived, EntryKind.RECOVER: amount_fen}, by)
    left = ClawbackState.PARTLY if owing.owed(one) else owing.all_settled(one, ClawbackState.RECOVERED)
    return await _enter(one, left, "recovered", by)


@transaction
async def write_off(award_id: UUID, by: Decider, version: int | None = None) -> Clawback:
    """Give up what is still owed: paid, demanded, and not to be had. Raises DomainError 403, 404, 409, 412."""
    held = await _held(award_id, by, version, Role.APPROVER)
    owing.require(held.clawback, *COLLECTED)
    _require_another(held.clawback, by)
    given_up = owing.owed(held.clawback)
    held.clawback.written_off_fen += given_up
    await owing.post(held, {EntryKind.WRITE_OFF: given_up}, by)
    return await _enter(held.clawback, ClawbackState.WRITTEN_OFF, "written_off", by)


@transaction
async def drop(award_id: UUID, by: Decider, version: int | None = None) -> Clawback:
    """Find that an award is not to be claimed back after all, of which nothing has come back yet.

    Once it was approved, only another approver does that. Raises DomainError 403, 404, 409, 412.
    """
    asked = ClawbackState.REQUESTED
    held = await owing.hold(award_id, version)
    roles = ASKING if held.clawback.state is asked else (Role.APPROVER,)
    await owing.require_decider(held.award, by.person_id, *roles)
    owing.require(held.clawback, asked, ClawbackState.APPROVED, ClawbackState.DEMANDED)
    if held.clawback.state is not asked:
        _require_another(held.clawback, by)
    if held.clawback.contest is ContestState.OPEN:
        held.clawback.contest = ContestState.LIFTED
    return await _enter(held.clawback, ClawbackState.DROPPED, "dropped", by)


async def newest(award_id: UUID, *, told_only: bool) -> Clawback:
    """Return the clawback of an award that is acted on, or of which the payee has been told; raises DomainError 404."""
    rows = Clawback.filter(award_id=award_id)
    return found(owing.current_one(await (rows.filter(demanded_at__isnull=False) if told_only else rows)), "clawback")


async def shown(clawback_id: UUID) -> Clawback:
    """Return a clawback with award and payee; raises DomainError 404."""
    return found(await Clawback.get_or_none(id=clawback_id).select_related("award__referral", "payee"), "clawback")


async def clawbacks(chosen: Chosen, within: frozenset[UUID] | None, limit: int, cursor: str | None) -> Page[Clawback]:
    """Return a page of clawbacks with award and payee, those first that have stood as they do for longest.

    `within` narrows it to what these payees have been told of, None shows all.
    """
    rows = Clawback.all().select_related("award__referral", "payee")
    if within is not None:
        rows = rows.filter(payee_id__in=list(within), demanded_at__isnull=False)
    if chosen.state is not None:
        rows = rows.filter(state=chosen.state)
    if chosen.payee_id is not None:
        rows = rows.filter(payee_id=chosen.payee_id)
    return await page(rows, LONGEST_WAITING, limit, cursor)


async def _held(award_id: UUID, by: Decider, version: int | None, role: Role) -> owing.Held:
    held = await owing.hold(award_id, version)
    await owing.require_decider(held.award, by.person_id, role)
    return held


def _require_another(clawback: Clawback, by: Decider) -> None:
    owing.require_another(by.person_id, clawback.approved_by_id, clawback.requested_by_id)


async def _enter(clawback: Clawback, state: ClawbackState, event: str, by: Decider) -> Clawback:
    before = clawback.state
    owing.enter(clawback, state)
    return await owing.write(clawback, event, before, by)


def _fresh(award: Award, amount_fen: int, reason: str) -> Clawback:
    now = clock.now()
    return bulk.fresh(
        Clawback,
        id=new_id(),
        award_id=award.id,
        payee_id=award.payee_id,
        amount_fen=amount_fen,
        reason=reason,
        created_at=now,
        state_since=now,
    )
