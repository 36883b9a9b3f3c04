"""Giving out the payer's file: the account number stands in it in full, so who takes it is noted for the payee."""

from collections.abc import Collection, Mapping
from uuid import UUID

from server.awards import book, paying
from server.awards.models import Award, Clawback
from server.awards.paying import Hand
from server.kernel import audit
from server.kernel.errors import found
from server.kernel.transactions import transaction
from server.organisations import payee_accounts
from server.organisations.roles import Role
from server.statements import holding
from server.statements.models import Statement, StatementRow
from server.statements.payer_file import FileRow, PayerFile
from server.statements.states import TABLE, Verb


@transaction
async def give(statement_id: UUID, by: UUID, mark: str) -> PayerFile:
    """Return what the file of a locked statement says under `mark`, and note who took it.

    Raises DomainError 403 for other hands, 404, 409 before it is locked and once it is voided.
    """
    one = await holding.statement(statement_id)
    if one.state not in TABLE[Verb.GIVE_FILE] or one.account is None or one.payer is None:
        raise holding.wrong_state(one)
    rows = await holding.rows(one.id)
    awards = await _awards([row.award_id for row in rows if row.award_id])
    await paying.admit(Hand(by, Role.FINANCE), list(awards.values()))
    await _note(one, by)
    account = found(payee_accounts.number_of(one.account), "payee_account")
    kept_back = await _claimed_back([row.clawback_id for row in rows if row.clawback_id])
    lines = [_line(row, awards, kept_back) for row in rows]
    return PayerFile(
        number=one.number,
        payer=one.payer.name,
        payee=one.payee.name,
        fund=one.fund.name,
        holder=one.account.holder,
        bank=one.account.bank,
        account=account.reveal(),
        total_fen=one.total_fen,
        kept_back_fen=one.offset_fen,
        rows=lines,
        mark=mark,
    )


async def subjects(rows: Collection[StatementRow]) -> Mapping[UUID, str]:
    """Return what each of these rows is about, as the file says it; two statements."""
    awards = await _awards([row.award_id for row in rows if row.award_id])
    kept_back = await _claimed_back([row.clawback_id for row in rows if row.clawback_id])
    about = {**awards, **kept_back}
    return {row.id: _subject(about[found(row.award_id or row.clawback_id, "award")]) for row in rows}


async def _awards(ids: list[UUID]) -> Mapping[UUID, Award]:
    return {award.id: award for award in await Award.filter(id__in=ids).select_related("referral")}


async def _claimed_back(ids: list[UUID]) -> Mapping[UUID, Award]:
    rows = await Clawback.filter(id__in=ids).select_related("award__referral") if ids else []
    return {row.id: row.award for row in rows}


def _line(row: StatementRow, awards: Mapping[UUID, Award], claimed_back: Mapping[UUID, Award]) -> FileRow:
    """Return a row as the payer reads it, which names no student."""
    if row.clawback_id:
        return FileRow(row.number, _subject(claimed_back[row.clawback_id]), row.amount_fen, "抵扣应退回的奖补")
    award = awards[found(row.award_id, "award")]
    programme = book.in_force().programmes[award.programme]
    return FileRow(row.number, _subject(award), row.amount_fen, f"{award.year}年{programme.title}")


def _subject(award: Award) -> str:
    return award.referral.number if award.referral else award.matter


async def _note(one: Statement, by: UUID) -> None:
    """Note that the account was looked at, as a reveal is, and of which statement the file was taken."""
    if one.account_id is None:
        return
    account = payee_accounts.subject_of(one.account_id)
    reason = f"结算单 {one.number} 的付款文件"
    await audit.note(
        account, "payee_account.revealed", actor_id=by, after=Role.FINANCE, reason=reason, fields=["number"]
    )
    await audit.note(holding.subject_of(one.id), "statement.file_given", actor_id=by, before=one.state, after=one.state)
