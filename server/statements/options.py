"""What somebody may do with statements now: what speaks against a deed speaks against offering it.

What only a look at every claim behind them or the budget would show is left for the deed itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server.awards import deciders
from server.awards.mistaken import CORRECTING
from server.awards.models import AwardState, Part
from server.funds import papers
from server.kernel.sensitive import if_readable
from server.kernel.statements import identity, returned
from server.organisations import current, payee_accounts
from server.organisations.models import AccountState, Membership, PayeeAccount
from server.organisations.roles import Role
from server.statements import sending
from server.statements.listing import Seen
from server.statements.models import Statement
from server.statements.states import TABLE, Verb
from server.statements.unreturning import PARTS
from server.students.models import StudentLink

ROLES = frozenset({Role.FINANCE, Role.APPROVER})
_AWARDS = """
SELECT a.statement_id, a.year, a.state, d.part, a.doubt <> '' AS doubted,
  (r.school_id = ANY($2) OR a.student_id = ANY($3)) AS own, count(*) AS awards
FROM award a
LEFT JOIN referral r ON r.id = a.referral_id
LEFT JOIN award_decider d ON d.award_id = a.id AND d.person_id = $4
WHERE a.statement_id = ANY($1)
GROUP BY a.statement_id, a.year, a.state, d.part, a.doubt <> '', (r.school_id = ANY($2) OR a.student_id = ANY($3))"""


_RETURNED = """
SELECT DISTINCT line.statement_id
FROM statement_row line
JOIN statement_result said ON said.row_id = line.id
JOIN award a ON a.id = line.award_id
LEFT JOIN referral r ON r.id = a.referral_id
LEFT JOIN award_decider d ON d.award_id = a.id AND d.person_id = $4
WHERE line.statement_id = ANY($1) AND said.outcome = 'bank_returned' AND said.actor_id <> $4
  AND NOT EXISTS (SELECT 1 FROM statement_result later WHERE later.row_id = line.id AND later.id > said.id)
  AND (a.state IN ('approved', 'awaiting_funds') OR a.held_from IN ('approved', 'awaiting_funds'))
  AND (d.part IS NULL OR d.part = $5)
  AND NOT (coalesce(r.school_id = ANY($2), false) OR coalesce(a.student_id = ANY($3), false))"""


@dataclass(frozen=True, slots=True)
class _Some:
    """Awards on a statement of which the same is known."""

    year: int
    paid: bool
    part: Part | None
    doubted: bool
    own: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known to somebody of the statements of a page."""

    person_id: UUID
    roles: Collection[Role]
    approvers: Collection[UUID]
    joined: Collection[UUID]
    awards: Mapping[UUID, Sequence[_Some]]
    missing: Mapping[tuple[UUID, int], Sequence[Any]]
    accounts: Mapping[UUID, PayeeAccount]
    payers: Mapping[UUID, UUID]
    returned: Collection[UUID]

    def open_to(self, seen: Seen) -> list[Verb]:
        """Return what they may do with one statement."""
        return [verb for verb in TABLE if seen.row.state in TABLE[verb] and self._may(verb, seen)]

    def _may(self, verb: Verb, seen: Seen) -> bool:
        row, some = seen.row, self.awards.get(seen.row.id, ())
        if row.payee_id in self.joined or any(one.own for one in some):
            return False
        approved = self.person_id in {one.person_id for one in seen.approvals}
        if verb is Verb.UNDO_BANK_RETURN:
            return row.id in self.returned and not (approved and Role.FINANCE in self.roles)
        if verb is Verb.APPROVE:
            hands = {row.opened_by_id, row.locked_by_id}
            on_it = [one.part for one in some if not one.paid]
            free = self.person_id not in hands and not approved and _only(on_it, Part.APPROVAL)
            return Role.APPROVER in self.roles and free
        if Role.FINANCE not in self.roles or verb not in _FINANCES:
            return False
        return self._finances(verb, seen, some, approved=approved)

    def _finances(self, verb: Verb, seen: Seen, some: Sequence[_Some], *, approved: bool) -> bool:
        on_it = [one.part for one in some if not one.paid]
        if verb is Verb.BANK_RETURN:
            return not approved and any(one.paid and one.part in {None, Part.SENDING} for one in some)
        if verb is not Verb.GIVE_FILE and not _only(on_it, Part.SENDING):
            return False
        return self._ready(verb, seen, some) and not (approved and verb in _NOT_WHO_APPROVED)

    def _ready(self, verb: Verb, seen: Seen, some: Sequence[_Some]) -> bool:
        """Whether everything is there that locking and sending need."""
        if verb not in {Verb.LOCK, Verb.SEND}:
            return True
        row, account = seen.row, self.accounts.get(seen.row.payee_id)
        if account is None or any(one.doubted or self.missing.get((row.fund_id, one.year)) for one in some):
            return False
        if not payee_accounts.payable(row.payee):
            return False
        if verb is Verb.LOCK:
            return True
        given = sum(1 for one in seen.approvals if one.person_id in self.approvers)
        same = (account.id, self.payers.get(row.fund_id)) == (row.account_id, row.payer_id)
        return same and given >= sending.needed(row)


_FINANCES = frozenset({
    Verb.LOCK, Verb.SEND, Verb.VOID, Verb.GIVE_FILE, Verb.SETTLE, Verb.RETURN, Verb.BANK_RETURN
})  # fmt: skip
_NOT_WHO_APPROVED = frozenset({Verb.SEND, Verb.SETTLE, Verb.RETURN})


async def open_to(seen: Sequence[Seen], person_id: UUID, roles: Collection[Role]) -> Mapping[UUID, list[Verb]]:
    """Return by statement what somebody in these roles of the secretariat may do; a settled number of statements."""
    if ROLES.isdisjoint(roles) or not seen:
        return {}
    rows = [one.row for one in seen]
    joined = await deciders.with_carried(await Membership.filter(person_id=person_id).only("id", "organisation_id"))
    linked = [one.student_id for one in await StudentLink.filter(person_id=person_id).only("id", "student_id")]
    kept_from = ([row.id for row in rows], sorted(joined), sorted(linked), person_id)
    awards = await _awards(*kept_from)
    asked = {(row.fund_id, some.year) for row in rows for some in awards.get(row.id, ())}
    known = _Known(
        person_id=person_id,
        roles=roles,
        approvers=await current.staff(Role.APPROVER),
        joined=joined,
        awards=awards,
        missing=await papers.missing_of(asked),
        accounts=await _accounts({row.payee_id for row in rows}),
        payers=await papers.payers_of({row.fund_id for row in rows}),
        returned=await _returned(roles, *kept_from),
    )
    return {one.row.id: known.open_to(one) for one in seen}


def open_to_payee(row: Statement) -> list[Verb]:
    """Return what those who act for its payee may do with a statement."""
    return [Verb.RECEIPT] if row.state in TABLE[Verb.RECEIPT] else []


def _only(parts: Iterable[Part | None], part: Part) -> bool:
    return set(parts) <= {None, part}


async def _awards(
    statement_ids: Sequence[UUID], joined: Sequence[UUID], students: Sequence[UUID], person_id: UUID
) -> dict[UUID, list[_Some]]:
    found = defaultdict[UUID, list[_Some]](list)
    for row in await returned(_AWARDS, statement_ids, joined, students, person_id):
        part = Part(row["part"]) if row["part"] else None
        paid = row["state"] == AwardState.PAID
        some = _Some(int(row["year"]), paid, part, bool(row["doubted"]), bool(row["own"]))
        found[identity(row["statement_id"])].append(some)
    return found


async def _returned(
    roles: Collection[Role], statement_ids: Sequence[UUID], joined: Sequence[UUID], students: Sequence[UUID], by: UUID
) -> set[UUID]:
    """Return on which statements is a payment that came back, as another than they entered it, and can be undone."""
    part = next((PARTS[one] for one in CORRECTING if one in roles), None)
    if part is None:
        return set()
    rows = await returned(_RETURNED, statement_ids, joined, students, by, part)
    return {identity(row["statement_id"]) for row in rows}


async def _accounts(payees: Collection[UUID]) -> dict[UUID, PayeeAccount]:
    rows = await PayeeAccount.filter(organisation_id__in=sorted(payees), state=AccountState.CONFIRMED)
    return {row.organisation_id: row for row in rows if if_readable(payee_accounts.number_of, row)}
