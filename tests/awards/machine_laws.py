"""What always holds of awards and their money, read from the tables alone and reckoned anew."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from server.awards import explaining
from server.awards.models import Award, AwardState, Part
from server.funds.models import Account, EntryKind
from server.funds.sides import COLUMNS
from server.kernel.audit import AuditEntry
from server.organisations.roles import Role
from server.statements.models import RowOutcome, Statement, StatementState
from tests.awards.machine_seen import Seen
from tests.awards.machine_world import World

BY_ROLE = {Role.REVIEWER: Part.REVIEW, Role.APPROVER: Part.APPROVAL}
LIVE = (StatementState.LOCKED, StatementState.SENT, StatementState.PART_SETTLED)
_PAYS = {RowOutcome.PAID: 1, RowOutcome.BANK_RETURNED: -1, RowOutcome.RETURN_UNDONE: 1}
WITHOUT_PART = {"award.proposed", "award.drawn"}
"""Which anybody of the staff may do, also with their own school's: nothing is decided by it."""


async def all_is_well(now: Seen, world: World) -> None:
    """Every law that one look can tell."""
    every_fen_is_explained(now)
    for budget in now.budgets:
        assert await explaining.unexplained(budget.id) == []
    nothing_is_paid_twice(now)
    one_live_statement_each(now)
    four_eyes(now, world)
    nobody_decides_for_their_own(now, world)
    statements_add_up(now)


def every_fen_is_explained(now: Seen) -> None:
    """The balances are those of the entries, none but what is carried is below zero, and all together are nothing."""
    for budget in now.budgets:
        sums: Counter[Account] = Counter()
        for entry in now.entries:
            if entry.budget_id == budget.id:
                sums[entry.source] -= entry.amount_fen
                sums[entry.target] += entry.amount_fen
        assert sum(sums.values()) == 0
        sums[Account.APPROPRIATED] *= -1
        assert {one: getattr(budget, column) for one, column in COLUMNS.items()} == {one: sums[one] for one in COLUMNS}
        assert all(sums[one] >= 0 for one in COLUMNS if one is not Account.CARRIED)


def nothing_is_paid_twice(now: Seen) -> None:
    """What was paid and did not come back: each award once, each student one award, and every fen of it is spent."""
    paid: Counter[UUID] = Counter()
    fen = 0
    for one in now.results:
        row, sign = now.rows[one.row_id], _PAYS.get(one.outcome, 0)
        if row.award_id:
            paid[row.award_id] += sign
            fen += sign * row.amount_fen
    assert {one for one, times in paid.items() if times} == {
        one.id for one in now.awards.values() if one.state is AwardState.PAID
    }
    assert set(paid.values()) <= {0, 1}
    students = Counter(
        one.student_id for one in now.awards.values() if one.state is AwardState.PAID and not one.exception_reason
    )
    assert max(students.values(), default=0) <= 1
    spent = {EntryKind.SPEND: 1, EntryKind.BANK_RETURN: -1, EntryKind.UNDO_RETURN: 1}
    assert fen == sum(spent.get(one.kind, 0) * one.amount_fen for one in now.entries)


def one_live_statement_each(now: Seen) -> None:
    """An award waits for its outcome on one statement at most, and says on which."""
    settled = {one.row_id for one in now.results}
    waiting = [
        (row.award_id, row.statement_id)
        for row in now.rows.values()
        if row.award_id and row.id not in settled and now.statements[row.statement_id].state in LIVE
    ]
    waiting += [
        (one.id, one.statement_id)
        for one in now.awards.values()
        if one.state is AwardState.ON_STATEMENT
        and one.statement_id
        and now.statements[one.statement_id].state is StatementState.OPEN
    ]
    on = {one.id: one.statement_id for one in now.awards.values() if one.state is AwardState.ON_STATEMENT}
    assert sorted(waiting) == sorted(on.items())


def four_eyes(now: Seen, world: World) -> None:
    """By what the audit says: no one person did two kinds of things to one award."""
    did: defaultdict[tuple[UUID, UUID], set[Part]] = defaultdict(set)
    for award_id, actor, part in (*_parts(now, world), *_results(now)):
        did[award_id, actor].add(part)
    assert {key: parts for key, parts in did.items() if len(parts) > 1} == {}
    for one in now.clawbacks.values():
        assert one.requested_by_id is None or one.requested_by_id != one.approved_by_id


def _parts(now: Seen, world: World) -> Iterator[tuple[UUID, UUID, Part]]:
    for entry in now.audit:
        kind, _, subject = entry.subject.partition(":")
        if entry.actor_id is None:
            continue
        if kind == "award" and (part := _part(entry, world)):
            yield UUID(subject), entry.actor_id, part
        elif kind == "statement" and (part := _OF_STATEMENT.get(entry.action)):
            for award in now.on(UUID(subject)):
                yield award.id, entry.actor_id, part
        elif kind == "clawback" and entry.action == "clawback.approved":
            yield now.clawbacks[UUID(subject)].award_id, entry.actor_id, Part.CLAWBACK


_OF_STATEMENT = {
    "statement.locked": Part.SENDING,
    "statement.sent": Part.SENDING,
    "statement.voided": Part.SENDING,
    "statement.returned": Part.SENDING,
}


def _part(entry: AuditEntry, world: World) -> Part | None:
    by_role = BY_ROLE.get(world.roles.get(entry.actor_id)) if entry.actor_id else None  # type: ignore[arg-type]
    said = {
        "award.reviewed": Part.REVIEW,
        "award.overturned": Part.REVIEW,
        "award.second_checked": Part.SECOND_CHECK,
        "award.refused": Part.REVIEW if "objection" in entry.fields else by_role,
        "award.cancelled": by_role,
        "award.return_undone": by_role or Part.SENDING,
        "award.undone": None if entry.before == AwardState.PUBLICISED else by_role,
        "award.held": Part.SECOND_CHECK if "second_check" in entry.fields else None,
        "award.released": Part.REVIEW if "objection" in entry.fields else None,
    }
    if entry.action in {"award.approved", "award.awaiting_funds"} and entry.before == AwardState.PUBLICISED:
        return Part.APPROVAL
    return said.get(entry.action)


def _results(now: Seen) -> Iterator[tuple[UUID, UUID, Part]]:
    for one in now.results:
        award_id = now.rows[one.row_id].award_id
        if award_id and one.outcome is not RowOutcome.RETURN_UNDONE:
            yield award_id, one.actor_id, Part.SENDING


def nobody_decides_for_their_own(now: Seen, world: World) -> None:
    """Who belongs to a school, or did, has no hand in what it is paid."""
    for entry in now.audit:
        kind, _, subject = entry.subject.partition(":")
        rows: dict[str, dict[UUID, Any]] = {"award": now.awards, "statement": now.statements, "clawback": now.clawbacks}
        if entry.actor_id in world.own and entry.action not in WITHOUT_PART:
            assert rows[kind][UUID(subject)].payee_id != world.own[entry.actor_id], entry.action


def statements_add_up(now: Seen) -> None:
    """A locked statement pays its rows, and keeps back no more than it pays."""
    for one in now.statements.values():
        rows = [row for row in now.rows.values() if row.statement_id == one.id]
        if one.locked_at is None:
            assert rows == []
            continue
        assert (one.total_fen, one.offset_fen) == (
            sum(row.amount_fen for row in rows), -sum(row.amount_fen for row in rows if row.clawback_id)
        )  # fmt: skip
        assert [row.number for row in rows] == list(range(1, len(rows) + 1))
        assert one.count == sum(row.award_id is not None for row in rows)


def what_is_locked_stays(before: Seen, now: Seen) -> None:
    """Rows, sums, account and payer of a locked statement are for ever as they were."""
    for one in before.statements.values():
        if one.locked_at:
            assert _locked(one, before) == _locked(now.statements[one.id], now)


def _locked(one: Statement, then: Seen) -> tuple[Any, ...]:
    rows = [(row.id, row.number, row.award_id, row.clawback_id, row.amount_fen) for row in then.rows.values()
            if row.statement_id == one.id]  # fmt: skip
    return one.total_fen, one.offset_fen, one.count, one.account_id, one.payer_id, one.locked_at, rows


def nothing_without_papers(before: Seen, now: Seen) -> None:
    """Whatever was approved, funded, locked or sent since was payable all the while."""
    known = {entry.id for entry in before.audit}
    for entry in now.audit:
        if entry.id in known:
            continue
        kind, _, subject = entry.subject.partition(":")
        if entry.action == "award.funded" or (kind == "award" and _is_approval(entry)):
            assert before.payable(now.awards[UUID(subject)]), entry.action
        elif entry.action in {"statement.locked", "statement.sent"}:
            assert all(map(before.payable, now.on(UUID(subject)))), entry.action


def _is_approval(entry: AuditEntry) -> bool:
    return entry.action in {"award.approved", "award.awaiting_funds"} and entry.before == AwardState.PUBLICISED


def nobody_jumps_the_queue(before: Seen, now: Seen) -> None:
    """Whoever got money since was before all who waited all the while."""
    known = {entry.id for entry in before.entries}
    served = [
        now.awards[entry.award_id]
        for entry in now.entries
        if entry.id not in known and entry.kind is EntryKind.RESERVE and entry.award_id
    ]
    waited = [
        one
        for one in now.awards.values()
        if one.state is AwardState.AWAITING_FUNDS
        and before.awards.get(one.id)
        and before.awards[one.id].state is AwardState.AWAITING_FUNDS
        and before.awards[one.id].queued_at == one.queued_at
    ]
    for one in served:
        for other in waited:
            assert _place(one) < _place(other)


def _place(award: Award) -> tuple[Any, UUID]:
    assert award.queued_at
    return award.queued_at, award.id
