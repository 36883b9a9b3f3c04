"""Turning decisions about an award round: the last one that stands by its undoing, a refusal also by an appeal.

Nothing is edited: what was decided stays in the history, and so do the parts that people had in it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from tortoise.exceptions import IntegrityError

from server.awards import deciders, grounds, holding, life, matters, objections, queue, soundness, states
from server.awards.deciders import Standing
from server.awards.grounds import OVERTURNED, REFUSALS, Against
from server.awards.holding import Change
from server.awards.models import ENDED, Award, AwardState, Part, RunKind
from server.funds import papers
from server.funds import service as funds
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.statements import select
from server.kernel.transactions import transaction
from server.organisations.roles import Role
from server.people.service import Decider
from server.students import registry

_REVIEWED, _PUBLICISED, _HELD, _RELEASED = "award.reviewed", "award.publicised", "award.held", "award.released"
_APPROVED = frozenset({"award.approved", "award.awaiting_funds"})
_TURNED = frozenset({"award.undone", OVERTURNED})
_STEPS = frozenset({_REVIEWED, _PUBLICISED, _HELD, *_APPROVED, *REFUSALS})
_OF_ALL = "subject = ANY($1) ORDER BY id"
_IN_ROLE = {Part.REVIEW: Role.REVIEWER, Part.APPROVAL: Role.APPROVER}


@transaction
async def undo(award_id: UUID, by: Decider, version: int | None = None) -> Award:
    """Undo the last decision about an award that stands; return the award.

    Only who made it does so, or somebody who had no part in the award at all, and in the role of that decision. Raises
    DomainError 403, 404, 409 where there is none, more has come of it, or an objection brought it about; 412 where
    `version` is given and it has another by now.
    """
    held = await hold(award_id, version)
    made = standing(await _entries(held))
    if not made:
        raise DomainError("award_nothing_to_undo", 409)
    last = made[-1]
    if last.action in REFUSALS and objections.WHY in last.fields:
        raise DomainError("refused_by_objection", 409)
    if last.action == _HELD:
        return await life.decide_one(award_id, RunKind.RELEASE, by)
    await _require_may(held, last, by)
    return await _turn_round(held, made, by, "undone")


async def hold(award_id: UUID, version: int | None = None) -> Award:
    """Return an award, held, and its student before it; raises DomainError as `holding.hold` does.

    What is over is not looked for when something happens to a claim: whoever takes it up again keeps that from
    happening meanwhile, as whoever changes a claim holds its student.
    """
    known = await holding.award(award_id)
    await registry.hold_all([known.student_id] if known.student_id else [])
    await matters.hold([] if known.student_id else [known.payee_id])
    return await holding.hold(award_id, version)


async def refusal(held: Award) -> AuditEntry | None:
    """Return the entry by which a held award stands refused or cancelled, None where it does not."""
    if held.state not in {AwardState.REFUSED, AwardState.CANCELLED}:
        return None
    made = standing(await _entries(held))
    return made[-1] if made and made[-1].action in REFUSALS else None


async def overturn(held: Award, by: Decider) -> Award:
    """Take back the refusal of an award that `hold` holds, after an appeal; it goes on from where it was.

    Raises DomainError 403 for who had any part in it, 409 where no refusal stands, or it has been awarded again.
    """
    made = standing(await _entries(held))
    if not made or made[-1].action not in REFUSALS:
        raise DomainError("nothing_refused", 409)
    if await deciders.parts([held.id], by.person_id):
        raise DomainError("another_part", 403)
    await deciders.claim([held.id], by.person_id, Part.REVIEW)
    return await _turn_round(held, made, by, "overturned")


def standing(entries: Iterable[AuditEntry]) -> list[AuditEntry]:
    """Return the decisions that stand, of all that happened to an award, in their order: none that was turned round.

    A release turns the holding round. That money came, or went at the end of a year, is no decision.
    """
    made: list[AuditEntry] = []
    for entry in entries:
        if entry.action in _TURNED or (entry.action == _RELEASED and made and made[-1].action == _HELD):
            made = made[:-1]
        elif entry.action in _STEPS and (entry.action not in _APPROVED or entry.before == AwardState.PUBLICISED):
            made.append(entry)
    return made


async def _entries(held: Award) -> list[AuditEntry]:
    return await AuditEntry.filter(subject=holding.subject_of(held.id)).order_by("id")


async def undoable(awards: Sequence[Award], known: Standing, by: UUID, released: Collection[UUID]) -> set[UUID]:
    """Return of which awards somebody may undo the last decision; a settled number of statements.

    `released` are those that they may release, which undoes their being held. That another award stands beside one by
    now only the database says.
    """
    entries = await select(AuditEntry, _OF_ALL, [holding.subject_of(one.id) for one in awards]) if awards else []
    parts, papered = await deciders.everyones([one.id for one in awards]), await _payable(awards)
    found = set()
    for one in awards:
        made = standing([entry for entry in entries if entry.subject == holding.subject_of(one.id)])
        last = made[-1] if made else None
        if last and last.action == _HELD and one.id in released:
            found.add(one.id)
        elif last and last.action != _HELD and not (last.action in REFUSALS and objections.WHY in last.fields):
            back = {AwardState.APPROVED, AwardState.AWAITING_FUNDS} & {last.before, _came_from(made[:-1])}
            if _against(one, last, known, parts[one.id], by) is None and (one.id in papered or not back):
                found.add(one.id)
    return found


async def _payable(awards: Sequence[Award]) -> set[UUID]:
    """Return the awards that a fund with all its papers would pay."""
    found = await grounds.funds_of(awards)
    missing = await grounds.missing(awards, found)
    return {one.id for one in awards if one.programme in found and not missing[found[one.programme].id, one.year]}


def _against(held: Award, last: AuditEntry, known: Standing, parts: Mapping[UUID, Part], by: UUID) -> Against | None:
    """Return what speaks against somebody's undoing the last decision, which may have been overtaken by now.

    `parts` are by person what part each had in the award.
    """
    there = {AwardState.APPROVED, AwardState.AWAITING_FUNDS} if last.action in _APPROVED else {last.after}
    if held.state not in there:
        return grounds.wrong_state(held)
    part = _part(last, parts)
    allowed: Collection[Role] = {_IN_ROLE[part]} if part in _IN_ROLE else _IN_ROLE.values()
    if known.roles.isdisjoint(allowed):
        return Against("not_yours_to_do")
    if known.own(held):
        return Against("decides_for_own")
    return Against("another_part") if part and by != last.actor_id and by in parts else None


def _part(last: AuditEntry, parts: Mapping[UUID, Part]) -> Part | None:
    """Return as which part a decision was made; a publication is none."""
    return parts.get(last.actor_id) if last.actor_id and last.action != _PUBLICISED else None


async def _require_may(held: Award, last: AuditEntry, by: Decider) -> None:
    known, parts = await deciders.standing(by.person_id, [held]), (await deciders.everyones([held.id]))[held.id]
    if why := _against(held, last, known, parts, by.person_id):
        raise why.error
    if part := _part(last, parts):
        await deciders.claim([held.id], by.person_id, part)


async def _turn_round(held: Award, made: list[AuditEntry], by: Decider, event: str) -> Award:
    """Bring a held award back to where the last of its standing decisions found it."""
    last, before = made[-1], held.state
    if before in ENDED:
        await matters.require_alone(held)
    queued = states.queued(before)
    if last.action in _APPROVED:
        await queue.free([held], by.person_id, by.reason)
        held.queued_at = None
    await _put(held, AwardState(last.before), made[:-1], by)
    try:
        await holding.write([Change(held, before, event)], by.person_id, by.reason, tell=True)
    except IntegrityError:
        raise DomainError("awarded_otherwise", 409) from None
    await holding.hold_doubted([held], by.person_id)
    await queue.look({held.fund_id} if queued or states.queued(held.state) else ())
    return held


async def _put(held: Award, state: AwardState, made: list[AuditEntry], by: Decider) -> None:
    """Put a held award where it was; what is not sound by now is doubted, and money has to be there anew."""
    came_from = _came_from(made) if state is AwardState.HELD else None
    if AwardState.APPROVED in {state, came_from} or AwardState.AWAITING_FUNDS in {state, came_from}:
        await _require_payable(held)
    if state in {AwardState.APPROVED, AwardState.AWAITING_FUNDS}:
        await queue.take([held], by.person_id, by.reason)
    else:
        if state is AwardState.REVIEWED:
            held.publication_id = None
        holding.enter(held, state)
        if came_from:
            held.held_from = AwardState.AWAITING_FUNDS if came_from is AwardState.APPROVED else came_from
    held.doubt = (await soundness.now([held])).get(held.id, "")


def _came_from(made: list[AuditEntry]) -> AwardState:
    """Return from where an award was held that is to be held again."""
    return next((AwardState(one.before) for one in reversed(made) if one.action == _HELD), AwardState.PROPOSED)


async def _require_payable(held: Award) -> None:
    fund = await funds.fund_of(held.programme)
    if fund is None:
        raise DomainError("fund_missing", 409)
    await papers.require(fund.id, held.year)
    held.fund_id = fund.id
