"""What the payer sends back, in the very file that went out: row by row or not at all, once, and never for another."""

import asyncio
from typing import Any

import pytest

from server.awards.models import Award, AwardState, Clawback, ClawbackState, Part
from server.funds import ledger
from server.funds.models import BudgetState, EntryKind, LedgerEntry
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.people.service import Decider
from server.statements import locking, opening, receipts, results, sending, settling
from server.statements.models import Receipt, RowOutcome, Statement, StatementResult, StatementRow, StatementState
from server.statements.opening import Wanted
from server.statements.settling import Returned
from tests.harness.funding import REWARD_FEN
from tests.statements.filling import filled, read, separated, table, workbook
from tests.statements.paying_world import FAILED, OTHER_NUMBER, PAID, World, had_part, slug_of, states, world

pytestmark = pytest.mark.usefixtures("database")
ACCOUNT_AT, AMOUNT_AT, OUTCOME_AT = 6, 7, 9


async def faults_of(attempt: Any) -> list[tuple[str, str]]:
    with pytest.raises(DomainError) as refusal:
        await attempt
    assert (refusal.value.slug, refusal.value.status) == ("invalid", 422)
    return [(one.pointer, one.code) for one in refusal.value.faults]


async def take_in(here: World, sent: Statement, data: bytes, by: Any = None) -> Statement:
    return await results.take_in(sent.id, await read(data), by or here.finance)


async def test_a_file_with_results_on_two_sheets_is_refused() -> None:
    here = await world()
    sent = await here.sent(1)
    rows = await table(await here.file(sent), {1: PAID})
    other = await table(await here.file(sent), {1: FAILED})
    assert await slug_of(read(workbook(rows, other))) == "result_sheets"
    assert len(await read(workbook(rows, [["说明"], ["请核对"]]))) == 1


async def test_the_very_file_filled_in_settles_the_statement() -> None:
    here = await world()
    sent = await here.sent(3)
    settled = await here.settle(sent, {2: FAILED})
    assert settled.state is StatementState.SETTLED
    assert await states(sent) == [AwardState.PAID, AwardState.APPROVED, AwardState.PAID]
    assert await here.money() == (1, 0, 2)
    failed = await Award.get(payee_id=here.school.id, state=AwardState.APPROVED)
    assert (failed.failure, failed.statement_id) == ("账户已销户", None)
    paid = await Award.filter(payee_id=here.school.id, state=AwardState.PAID)
    assert {(one.failure, one.statement_id) for one in paid} == {("", sent.id)}
    [entry] = await AuditEntry.filter(subject=f"award:{failed.id}", action="award.failed")
    assert (entry.before, entry.after, entry.reason) == ("on_statement", "approved", "账户已销户")


async def test_failures_go_on_a_statement_that_follows_and_are_paid_by_that() -> None:
    here = await world()
    sent = await here.sent(3)
    await here.settle(sent, {1: FAILED, 3: FAILED})
    await here.awards(1)  # not of the first
    follow = await opening.open_statement(Wanted(here.school.id, follows_id=sent.id), here.finance)
    assert (follow.count, follow.follows_id) == (2, sent.id)
    await here.settle(await here.send(await locking.lock(follow.id, here.finance)))
    assert await states(sent) == [AwardState.PAID] * 3
    assert await here.money() == (1, 0, 3)
    with pytest.raises(DomainError) as refusal:
        await opening.open_statement(Wanted((await world()).school.id, follows_id=sent.id), here.finance)
    assert refusal.value.faults[0].code == "statement_to_follow"


async def test_the_same_said_twice_changes_nothing_however_it_is_saved() -> None:
    here = await world()
    sent = await here.sent(3)
    data, said = await here.file(sent), {1: PAID, 2: FAILED, 3: PAID}
    files = (
        filled(data, said),
        workbook(await table(data, said)),
        separated(await table(data, said)),
        separated(await table(data, said), "utf-8-sig"),
    )
    first = await take_in(here, sent, files[0])
    for again in files:
        after = await take_in(here, sent, again)
        assert (after.state, after.version) == (StatementState.SETTLED, first.version)
    assert await StatementResult.all().filter(row__statement_id=sent.id).count() == 3
    assert await here.money() == (1, 0, 2)
    assert await LedgerEntry.filter(statement_id=sent.id, kind=EntryKind.SPEND).count() == 2


async def test_two_files_at_once_are_done_once() -> None:
    here = await world()
    sent = await here.sent(2)
    data = await here.file(sent)
    paid, failed = [await read(filled(data, {1: said, 2: said})) for said in (PAID, FAILED)]
    attempts = [results.take_in(sent.id, rows, here.finance) for rows in (paid, failed, paid, failed)]
    done = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["DomainError"] * 2 + ["Statement"] * 2
    assert await StatementResult.filter(row__statement_id=sent.id).count() == 2
    assert sum(await here.money()) == 2


async def test_rows_come_in_several_files() -> None:
    here = await world()
    sent = await here.sent(3)
    data = await here.file(sent)
    part = await take_in(here, sent, workbook(await table(data, {2: PAID})))
    assert part.state is StatementState.PART_SETTLED
    assert await here.money() == (0, 2, 1)
    whole = await take_in(here, sent, workbook(await table(data, {1: PAID, 2: PAID, 3: FAILED})))
    assert whole.state is StatementState.SETTLED
    assert await here.money() == (1, 0, 2)


async def test_a_row_that_does_not_fit_keeps_all_of_it_out() -> None:
    here = await world()
    sent = await here.sent(3)
    rows = await table(await here.file(sent), {1: PAID, 2: PAID, 3: PAID})
    rows[-1][ACCOUNT_AT] = OTHER_NUMBER
    assert await faults_of(take_in(here, sent, workbook(rows))) == [(f"/file/{len(rows)}/account", "result_changed")]
    assert (await Statement.get(id=sent.id)).state is StatementState.SENT
    assert await here.money() == (0, 3, 0)


async def test_every_fault_of_every_row_is_named() -> None:
    here = await world()
    sent = await here.sent(3)
    rows = await table(await here.file(sent), {1: PAID, 2: PAID, 3: ("失败", "请联系 138 0000 0000 的张某")})
    first = len(rows) - 2
    rows[first - 1][ACCOUNT_AT], rows[first - 1][AMOUNT_AT], rows[first][OUTCOME_AT] = "1", "1", ""
    rows.append([*rows[-1]])
    found = await faults_of(take_in(here, sent, workbook(rows)))
    assert found == [
        (f"/file/{first}/account", "result_changed"),
        (f"/file/{first}/amount", "result_changed"),
        (f"/file/{first + 1}/outcome", "result_missing"),
        (f"/file/{first + 2}/reason", "personal_number"),
        (f"/file/{first + 3}/reason", "personal_number"),
    ]


async def test_another_statements_file_is_not_taken() -> None:
    here = await world()
    one, other = await here.sent(2), await here.sent(2)
    data = await here.file(other)
    found = await faults_of(take_in(here, one, filled(data, {1: PAID, 2: PAID})))
    assert {code for _, code in found} == {"result_changed"}
    assert len(found) == 2


async def test_another_result_of_a_row_later_is_refused() -> None:
    here = await world()
    sent = await here.sent(2)
    data = await here.file(sent)
    await take_in(here, sent, workbook(await table(data, {1: PAID})))
    found = await faults_of(take_in(here, sent, workbook(await table(data, {1: FAILED, 2: PAID}))))
    assert [code for _, code in found] == ["result_said_before"]
    assert await here.money() == (0, 1, 1)


async def test_results_are_of_finance_that_has_no_other_part_and_of_what_went_out() -> None:
    here = await world()
    locked = await here.locked(1)
    data = await here.file(locked)
    rows = await read(filled(data, {1: PAID}))
    assert await slug_of(results.take_in(locked.id, rows, here.finance)) == "statement_state"
    sent = await here.send(locked)
    assert await slug_of(results.take_in(sent.id, rows, here.approver)) == "not_yours_to_do"
    award = await Award.get(statement_id=sent.id)
    await had_part(award, here.other_finance, Part.REVIEW)
    assert await slug_of(results.take_in(sent.id, rows, here.other_finance)) == "another_part"
    assert (await results.take_in(sent.id, rows, here.finance)).state is StatementState.SETTLED


async def test_what_came_up_while_it_was_out_is_asked_about_once_it_is_paid() -> None:
    here = await world()
    sent = await here.sent(2)
    doubted = await Award.filter(statement_id=sent.id).order_by("id").first()
    assert doubted
    await Award.filter(id=doubted.id).update(doubt="referral_disputed")
    await here.settle(sent)
    asked = await Clawback.get(award_id=doubted.id)
    assert (asked.state, asked.requested_by_id) == (ClawbackState.REQUESTED, None)
    assert await Clawback.filter(payee_id=here.school.id).count() == 1


async def test_the_bank_sends_a_payment_back_once() -> None:
    here = await world()
    sent = await here.sent(2)
    first = await StatementRow.get(statement_id=sent.id, number=1)
    by = Decider(here.finance, "账号户名不符，银行退汇")
    which = Returned(award_id=first.award_id)
    assert await slug_of(settling.bank_return(sent.id, which, by)) == "statement_state"
    await here.settle(sent)
    attempts = [settling.bank_return(sent.id, which, by) for _ in range(4)]
    done = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["DomainError"] * 3 + ["Statement"]
    assert {one.slug for one in done if isinstance(one, DomainError)} == {"award_not_paid_by_it"}
    assert await slug_of(settling.bank_return(sent.id, Returned(number=1), by)) == "award_not_paid_by_it"
    assert await slug_of(settling.bank_return(sent.id, Returned(number=3), by)) == "not_found"
    award = await Award.get(id=first.award_id)
    assert (award.state, award.failure, award.statement_id) == (AwardState.APPROVED, by.reason, None)
    assert await here.money() == (1, 0, 1)
    back = await LedgerEntry.get(statement_id=sent.id, kind=EntryKind.BANK_RETURN)
    spent = await LedgerEntry.get(statement_id=sent.id, kind=EntryKind.SPEND, award_id=award.id)
    assert back.reverses_id == spent.id
    follow = await opening.open_statement(Wanted(here.school.id, follows_id=sent.id), here.finance)
    await here.settle(await here.send(await locking.lock(follow.id, here.finance)))
    assert (await Award.get(id=award.id)).state is AwardState.PAID
    again = await settling.bank_return(follow.id, Returned(number=1), by)
    assert again.id == follow.id
    assert await here.money() == (1, 0, 1)


@transaction
async def closed(here: World) -> None:
    held = await ledger.hold(here.budget.id)
    held.state, held.closed_at = BudgetState.CLOSED, clock.now()
    await held.save()


async def test_money_that_comes_back_after_the_year_is_closed_is_surrendered() -> None:
    here = await world()
    sent = await here.sent(1)
    await here.settle(sent)
    await closed(here)
    await settling.bank_return(sent.id, Returned(number=1), Decider(here.finance, "银行退汇"))
    award = await Award.get(payee_id=here.school.id)
    assert (award.state, award.budget_id, award.failure) == (AwardState.AWAITING_FUNDS, None, "银行退汇")
    assert award.queued_at
    budget = await here.now()
    assert (budget.spent_fen, budget.surrendered_fen, budget.reserved_fen) == (0, REWARD_FEN, 0)


async def test_what_is_claimed_back_is_not_sent_back_by_the_bank_as_well() -> None:
    here = await world()
    sent = await here.sent(2)
    await here.settle(sent)
    first, second = await Award.filter(payee_id=here.school.id).order_by("id")
    for award, state in ((first, ClawbackState.DEMANDED), (second, ClawbackState.REQUESTED)):
        await owed(award, state)
    by = Decider(here.finance, "银行退汇")
    assert await slug_of(settling.bank_return(sent.id, Returned(award_id=first.id), by)) == "clawback_in_the_way"
    await settling.bank_return(sent.id, Returned(award_id=second.id), by)
    assert (await Clawback.get(award_id=second.id)).state is ClawbackState.DROPPED


async def owed(award: Award, state: ClawbackState = ClawbackState.DEMANDED, fen: int = REWARD_FEN) -> Clawback:
    """A clawback of a paid award that has come as far as `state`."""
    now = clock.now()
    return await Clawback.create(
        award=award,
        payee_id=award.payee_id,
        amount_fen=fen,
        state=state,
        reason="学籍注销",
        requested_by_id=new_id(),
        demanded_at=now,
        created_at=now,
        state_since=now,
    )


async def in_debt(fen: int = REWARD_FEN) -> tuple[World, Clawback]:
    """A school that was paid one award which is claimed back."""
    here = await world()
    await here.settle(await here.sent(1))
    return here, await owed(await Award.get(payee_id=here.school.id), fen=fen)


async def test_what_the_payee_owes_is_kept_back_and_counts_once_it_is_paid() -> None:
    here, debt = await in_debt()
    sent = await here.sent(3)
    assert (sent.total_fen, sent.offset_fen, sent.count) == (2 * REWARD_FEN, REWARD_FEN, 3)
    debt = await Clawback.get(id=debt.id)
    assert (debt.statement_id, debt.offsetting_fen, debt.offset_fen) == (sent.id, REWARD_FEN, 0)
    assert (await here.settle(sent, {4: ("已抵扣", "")})).state is StatementState.SETTLED
    debt = await Clawback.get(id=debt.id)
    assert (debt.state, debt.offset_fen, debt.offsetting_fen, debt.statement_id) == (
        ClawbackState.OFFSET,
        REWARD_FEN,
        0,
        None,
    )
    budget = await here.now()
    assert (budget.spent_fen, budget.available_fen) == (3 * REWARD_FEN, 97 * REWARD_FEN)


async def test_no_more_is_kept_back_than_is_paid() -> None:
    here, debt = await in_debt()
    sent = await here.sent(1)
    assert sent.total_fen == 0
    debt = await Clawback.get(id=debt.id)
    assert (sent.state, debt.state) == (StatementState.SETTLED, ClawbackState.OFFSET)
    assert await here.money() == (0, 0, 1), "nothing was there for the payer to do: it is settled by sending it"
    award = await Award.get(statement_id=sent.id)
    which, by = Returned(award_id=award.id), Decider(here.finance, "银行退汇")
    assert await slug_of(settling.bank_return(sent.id, which, by)) == "more_than_sent"


async def test_what_is_not_kept_back_is_owed_again() -> None:
    here, debt = await in_debt()
    sent = await here.sent(2)
    data = await here.file(sent)
    found = await faults_of(take_in(here, sent, workbook(await table(data, {1: FAILED, 2: FAILED, 3: PAID}))))
    assert [code for _, code in found] == ["result_keeps_too_much"]
    assert (await here.settle(sent, {1: FAILED, 2: FAILED, 3: FAILED})).state is StatementState.SETTLED
    debt = await Clawback.get(id=debt.id)
    assert (debt.state, debt.offset_fen, debt.offsetting_fen, debt.statement_id) == (
        ClawbackState.DEMANDED,
        0,
        0,
        None,
    )


async def test_a_statement_may_leave_what_is_owed_alone_and_voiding_frees_it() -> None:
    here, debt = await in_debt()
    plain = await here.locked(1, offsets=False)
    assert (plain.total_fen, plain.offset_fen) == (REWARD_FEN, 0)
    locked = await here.locked(2)
    assert locked.offset_fen == REWARD_FEN
    await sending.void(locked.id, Decider(here.finance, "重新开单"))
    debt = await Clawback.get(id=debt.id)
    assert (debt.statement_id, debt.offsetting_fen) == (None, 0)


async def test_the_payee_says_whether_the_money_came_and_may_say_it_anew() -> None:
    here = await world()
    locked = await here.locked(1)
    assert await slug_of(receipts.say(locked.id, Receipt.CONFIRMED, "", here.manager)) == "statement_state"
    sent = await here.send(locked)
    disputed = await receipts.say(sent.id, Receipt.DISPUTED, "少一笔", here.manager)
    assert (disputed.receipt, disputed.receipt_note, disputed.receipt_by_id) == (
        Receipt.DISPUTED,
        "少一笔",
        here.manager,
    )
    assert (await here.settle(sent)).state is StatementState.SETTLED, "it holds nothing up"
    said = await receipts.say(sent.id, Receipt.CONFIRMED, "", here.manager)
    again = await receipts.say(sent.id, Receipt.CONFIRMED, "", here.manager)
    assert (said.receipt, again.version) == (Receipt.CONFIRMED, said.version)
    actions = [one.action async for one in AuditEntry.filter(subject=f"statement:{sent.id}").order_by("id")]
    assert [one.rpartition(".")[2] for one in actions[-4:]] == [
        "receipt_disputed",
        "file_given",
        "settled",
        "receipt_confirmed",
    ]


async def test_a_row_has_one_outcome_whoever_writes_it() -> None:
    here = await world()
    sent = await here.sent(1)
    await here.settle(sent)
    row = await StatementRow.get(statement_id=sent.id)
    with pytest.raises(Exception, match=r"(?i)unique"):
        await StatementResult.create(row=row, outcome=RowOutcome.FAILED, actor_id=new_id(), made_at=clock.now())
