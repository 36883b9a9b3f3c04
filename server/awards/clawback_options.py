"""What somebody may do with clawbacks now: what speaks against a deed speaks against offering it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from server.awards import contesting, deciders, mistaken, owing
from server.awards.clawbacks import ASKING, RECEIVING
from server.awards.deciders import Standing
from server.awards.mistaken import CAME_BACK, CORRECTING
from server.awards.models import Award, Clawback, ClawbackState, ContestState, Part
from server.funds.models import LedgerEntry
from server.kernel import clock
from server.organisations.roles import Role


class Deed(StrEnum):
    """What may be done with a clawback, by the name of its route; `request` takes a question up."""

    REQUEST = "request"
    APPROVE = "approve"
    DEMAND = "demand"
    RECOVER = "recover"
    UNDO_RECOVERY = "undo_recovery"
    WRITE_OFF = "write_off"
    DROP = "drop"
    CONTEST = "contest"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class _Known:
    person_id: UUID
    standing: Standing
    parts: Mapping[UUID, Part]
    recoveries: Mapping[UUID, LedgerEntry]

    def open_to(self, one: Clawback, award: Award) -> list[Deed]:
        """Return what they may do with a clawback."""
        if self.standing.own(award):
            return []
        found = [deed for deed, may in self._decided(one).items() if may] if one.statement_id is None else []
        contested = one.contest is ContestState.OPEN and self._is(Role.REVIEWER, Role.APPROVER)
        return [*found, Deed.DECISION] if contested and self._another(one) else found

    def _decided(self, one: Clawback) -> Mapping[Deed, bool]:
        asked = one.state is ClawbackState.REQUESTED
        taken_up, approver = one.requested_by_id is not None, self._is(Role.APPROVER)
        collects = self._is(Role.FINANCE) and self.person_id != one.approved_by_id
        late = one.state in {ClawbackState.APPROVED, ClawbackState.DEMANDED} and approver and self._another(one)
        claimed = one.contest is not ContestState.LIFTED
        free = self.parts.get(one.award_id) in {None, Part.CLAWBACK} and self.person_id != one.requested_by_id
        return {
            Deed.REQUEST: asked and not taken_up and self._is(*ASKING),
            Deed.APPROVE: asked and taken_up and approver and free,
            Deed.DEMAND: one.state is ClawbackState.APPROVED and collects,
            Deed.RECOVER: one.state in RECEIVING and claimed and collects,
            Deed.UNDO_RECOVERY: one.state in CAME_BACK and claimed and self._is(*CORRECTING) and self._mistaken(one),
            Deed.WRITE_OFF: one.state in owing.COLLECTED and approver and self._another(one),
            Deed.DROP: (asked and self._is(*ASKING)) or late,
        }

    def _mistaken(self, one: Clawback) -> bool:
        entry = self.recoveries.get(one.id)
        return entry is not None and entry.actor_id != self.person_id

    def _is(self, *roles: Role) -> bool:
        return not self.standing.roles.isdisjoint(roles)

    def _another(self, one: Clawback) -> bool:
        return self.person_id not in {one.requested_by_id, one.approved_by_id}


async def open_to(rows: Sequence[Clawback], person_id: UUID) -> Mapping[UUID, list[Deed]]:
    """Return by clawback, which came with its award, what one of the staff may do; a settled number of statements."""
    if not rows:
        return {}
    awards = {row.award_id: row.award for row in rows}
    standing = await deciders.standing(person_id, awards.values())
    parts, entries = await deciders.parts(list(awards), person_id), await mistaken.recoveries(list(awards))
    known = _Known(person_id, standing, parts, entries)
    beside = defaultdict[UUID, list[Clawback]](list)
    for one in await Clawback.filter(award_id__in=list(awards)):
        beside[one.award_id].append(one)
    acted_on = {current.id for same in beside.values() if (current := owing.current_one(same))}
    return {row.id: known.open_to(row, row.award) if row.id in acted_on else [] for row in rows}


def open_to_payee(row: Clawback) -> list[Deed]:
    """Return what those who lead the payee may do with a clawback."""
    until = contesting.contest_until(row)
    going_on = until is not None and row.state is not ClawbackState.DROPPED and clock.today() <= until
    return [Deed.CONTEST] if going_on and row.contest is ContestState.NONE else []
