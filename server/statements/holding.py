"""A statement held until its transaction ends, its rows and what came of them, and how every change of it is written.

Everyone holds in one order: the payee where its account counts, the statement, its awards by id, clawbacks by id, and
the budget last.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from tortoise.queryset import QuerySet

from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, found
from server.organisations import current, payee_accounts
from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.organisations.service import carrying_on
from server.statements.models import (
    RowOutcome,
    Statement,
    StatementApproval,
    StatementResult,
    StatementRow,
    StatementState,
)
from server.statements.states import GONE_OUT, TABLE, Verb

FINAL = (RowOutcome.PAID, RowOutcome.FAILED)
"""What the payer says of a row, once."""
AFTERWARDS = {RowOutcome.BANK_RETURNED: 1, RowOutcome.RETURN_UNDONE: -1}
"""What the bank sends back, and what of it was entered by mistake."""


def subject_of(statement_id: UUID) -> str:
    """Return what the audit calls a statement."""
    return f"statement:{statement_id}"


async def statement(statement_id: UUID) -> Statement:
    """Return a statement with payee, fund, budget, account and payer; raises DomainError 404."""
    return found(await with_parts(Statement.filter(id=statement_id)).get_or_none(), "statement")


def with_parts(rows: QuerySet[Statement]) -> QuerySet[Statement]:
    """Return them with what is shown beside them."""
    return rows.select_related("payee", "fund", "budget", "account", "payer", "follows")


async def hold(statement_id: UUID, verb: Verb) -> Statement:
    """Keep every other change of a statement waiting until the transaction ends, and return it.

    Raises DomainError 404, 409 in a state that does not allow `verb`.
    """
    held = found(await Statement.filter(id=statement_id).select_for_update().get_or_none(), "statement")
    if held.state not in TABLE[verb]:
        raise wrong_state(held)
    return held


def wrong_state(one: Statement) -> DomainError:
    """Return the 409 that names the state a statement is in, and what comes next from there."""
    state = f"statement_{one.state}"
    return DomainError("statement_state", 409, number=one.number, state=state, next=f"{state}_next")


async def hold_with_payee(statement_id: UUID, verb: Verb) -> tuple[Statement, Organisation]:
    """Hold a statement, and its payee before, so that neither it nor its account changes meanwhile."""
    seen = found(await Statement.get_or_none(id=statement_id).only("id", "payee_id"), "statement")
    payee = await Organisation.filter(id=seen.payee_id).select_for_update(no_key=True).get()
    return await hold(statement_id, verb), payee


async def require_payable(payee: Organisation) -> None:
    """Raise DomainError 409 for a payee to whom no money may go, naming what carries a closed one on."""
    heir = await carrying_on(payee.id)
    if heir.id != payee.id:
        raise DomainError("payee_closed", 409, successor=heir.name)
    if not payee_accounts.payable(payee):
        raise DomainError("payee_not_verified", 409)


async def require_not_approved(statement_id: UUID, person_id: UUID) -> None:
    """Raise DomainError 403 for who approved a statement: what comes after that is for others."""
    if await StatementApproval.exists(statement_id=statement_id, person_id=person_id):
        raise DomainError("another_person", 403)


async def rows(statement_id: UUID) -> list[StatementRow]:
    """Return the rows of a locked statement in their order."""
    return await StatementRow.filter(statement_id=statement_id).order_by("number")


async def results(row_ids: Iterable[UUID]) -> list[StatementResult]:
    """Return what came back for these rows, in the order in which it came."""
    return await StatementResult.filter(row_id__in=list(row_ids)).order_by("id")


async def results_by_row(row_ids: Iterable[UUID]) -> Mapping[UUID, list[StatementResult]]:
    """Return the same by row."""
    came = defaultdict[UUID, list[StatementResult]](list)
    for one in await results(row_ids):
        came[one.row_id].append(one)
    return came


async def change(held: Statement, event: str, by: UUID, reason: str = "", state: StatementState | None = None) -> None:
    """Write a held statement, in another state where one is given, note it, and tell those concerned.

    These are whoever acts for the payee and finance once it has gone out, before that whoever has to do the next step.
    """
    before = held.state
    if state is not None and state is not before:
        held.state, held.state_since = state, clock.now()
    held.version += 1
    await held.save()
    await note(held, event, by, before, reason)


async def note(held: Statement, event: str, by: UUID, before: str, reason: str = "") -> None:
    """Leave what happened to a written statement in the audit and in the outbox."""
    subject, name = subject_of(held.id), f"statement.{event}"
    await audit.note(subject, name, actor_id=by, before=before, after=held.state, reason=reason)
    await outbox.record(name, subject, await _concerned(held, by))


async def _concerned(held: Statement, by: UUID) -> list[UUID]:
    told = {held.opened_by_id, *filter(None, (held.locked_by_id, held.sent_by_id))}
    if held.state in GONE_OUT:
        told.update((await current.acting([held.payee_id]))[held.payee_id], await current.staff(Role.FINANCE))
    if held.state is StatementState.LOCKED:
        told.update(await current.staff(Role.APPROVER))
    return sorted(told - {by})
