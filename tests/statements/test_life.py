"""A statement from its opening to its sending: what is locked stays, by many hands."""

import asyncio
from typing import Any

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import BaseORMException

from server.awards import clawbacks, deciders
from server.awards.models import Award, AwardState, Part
from server.awards.proposing import Wanted as AllOf
from server.funds.models import FundPaper, LedgerEntry, PaperKind
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.outbox import Event
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import Role
from server.people.service import Decider
from server.statements import locking, opening, sending, settling
from server.statements.models import Statement, StatementApproval, StatementRow, StatementState
from server.statements.opening import Wanted
from server.statements.settling import Returned
from tests.factories import make_member, make_organisation
from tests.harness.awarding import make_college, make_confirmed, proposed
from tests.harness.funding import REWARD_FEN, make_award, make_budget, make_fund, make_paper, reserve
from tests.statements.paying_world import World, had_part, slug_of, world

pytestmark = pytest.mark.usefixtures("database")


async def test_a_statement_takes_what_is_approved_and_commits_its_money() -> None:
    here = await world()
    await make_award(here.school)  # only proposed
    doubted, *_ = await here.awards(1)
    doubted.doubt = "referral_disputed"
    await doubted.save()
    opened = await here.opened(3)
    assert (opened.state, opened.count, opened.total_fen) == (StatementState.OPEN, 3, 3 * REWARD_FEN)
    assert opened.number.startswith(f"S{clock.today().year}-")
    assert await Award.filter(statement_id=opened.id, state=AwardState.ON_STATEMENT).count() == 3
    assert await here.money() == (4, 0, 0)
    locked = await locking.lock(opened.id, here.finance)
    assert (locked.state, locked.account_id, locked.total_fen) == (
        StatementState.LOCKED,
        here.account.id,
        3 * REWARD_FEN,
    )
    assert await here.money() == (1, 3, 0)
    rows = await StatementRow.filter(statement_id=locked.id).order_by("number")
    assert [(row.number, row.amount_fen) for row in rows] == [(1, REWARD_FEN), (2, REWARD_FEN), (3, REWARD_FEN)]
    await sending.approve(locked.id, Decider(here.approver, "核对无误"))
    sent = await sending.send(locked.id, here.other_finance)
    assert (sent.state, sent.sent_by_id) == (StatementState.SENT, here.other_finance)
    entries = await AuditEntry.filter(subject=f"statement:{sent.id}").order_by("id")
    assert [(one.action, one.before, one.after) for one in entries] == [
        ("statement.opened", "", "open"),
        ("statement.locked", "open", "locked"),
        ("statement.approved", "locked", "locked"),
        ("statement.sent", "locked", "sent"),
    ]
    told = await Event.get(name="statement.sent", subject=f"statement:{sent.id}")
    assert str(here.manager) in told.people
    assert await Event.filter(name="statement.opened", subject=f"statement:{sent.id}").exists()


async def test_numbers_follow_one_another() -> None:
    here = await world()
    first, second = await here.opened(1), await here.opened(1)
    assert int(second.number[6:]) == int(first.number[6:]) + 1


async def test_there_must_be_something_to_pay_from_one_fund_of_this_year() -> None:
    here = await world()
    assert await slug_of(opening.open_statement(Wanted(here.school.id), here.finance)) == "nothing_to_pay"
    await here.awards(1)
    elsewhere = await make_budget(await make_fund("industry-college"), 10 * REWARD_FEN)
    other = await make_award(here.school, programme="industry-college")
    await reserve(elsewhere, other)
    with pytest.raises(DomainError) as refusal:
        await opening.open_statement(Wanted(here.school.id), here.finance)
    assert [(one.pointer, one.code) for one in refusal.value.faults] == [("/fund", "fund_unsaid")]
    made = await opening.open_statement(Wanted(here.school.id, elsewhere.fund_id), here.finance)
    assert (made.count, made.fund_id) == (1, elsewhere.fund_id)
    empty = await make_fund("consortium")
    assert await slug_of(opening.open_statement(Wanted(here.school.id, empty.id), here.finance)) == "no_open_budget"


async def test_named_awards_are_taken_or_each_that_cannot_be_is_named() -> None:
    here = await world()
    mine, left, not_yet = *(await here.awards(2)), await make_award(here.school)
    foreign = await make_award(await make_organisation())
    await reserve(here.budget, foreign)
    with pytest.raises(DomainError) as refusal:
        await opening.open_statement(
            Wanted(here.school.id, here.fund.id, [mine.id, not_yet.id, foreign.id]), here.finance
        )
    assert [one.pointer for one in refusal.value.faults] == ["/awards/1", "/awards/2"]
    made = await opening.open_statement(Wanted(here.school.id, None, [mine.id]), here.finance)
    assert [award.id for award in await Award.filter(statement_id=made.id)] == [mine.id]
    assert (await Award.get(id=left.id)).state is AwardState.APPROVED


async def test_two_who_open_at_once_share_out_the_awards() -> None:
    here = await world()
    await here.awards(5)
    attempts = [opening.open_statement(Wanted(here.school.id), here.finance) for _ in range(4)]
    done = await asyncio.gather(*attempts, return_exceptions=True)
    made = [one for one in done if isinstance(one, Statement)]
    assert sum(one.count for one in made) == 5
    assert {one.slug for one in done if isinstance(one, DomainError)} <= {"nothing_to_pay"}


async def test_locked_twice_or_at_once_commits_once() -> None:
    here = await world()
    opened = await here.opened(3)
    attempts = [locking.lock(opened.id, who) for who in (here.finance, here.other_finance) for _ in range(3)]
    done = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["DomainError"] * 5 + ["Statement"]
    assert await here.money() == (0, 3, 0)
    assert await StatementRow.filter(statement_id=opened.id).count() == 3
    assert await slug_of(locking.lock(opened.id, here.finance)) == "statement_state"


async def test_sent_twice_or_at_once_goes_out_once() -> None:
    here = await world()
    locked = await here.locked(2)
    await sending.approve(locked.id, Decider(here.approver, "核对无误"))
    attempts = [sending.send(locked.id, who) for who in (here.finance, here.other_finance) for _ in range(2)]
    done = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["DomainError"] * 3 + ["Statement"]
    assert await AuditEntry.filter(subject=f"statement:{locked.id}", action="statement.sent").count() == 1


async def test_no_paper_no_verified_payee_no_account_no_lock() -> None:
    here = await world()
    opened = await here.opened(1)
    for kind in PaperKind:
        await FundPaper.filter(fund_id=here.fund.id, kind=kind).update(replaced_at=clock.now())
        assert await slug_of(locking.lock(opened.id, here.finance)) == "fund_papers_missing"
        await FundPaper.filter(fund_id=here.fund.id, kind=kind).update(replaced_at=None)
    await Organisation.filter(id=here.school.id).update(state=OrganisationState.SUSPENDED)
    assert await slug_of(locking.lock(opened.id, here.finance)) == "payee_not_verified"
    await Organisation.filter(id=here.school.id).update(state=OrganisationState.VERIFIED)
    here.account.state = type(here.account.state).REPLACED
    await here.account.save(update_fields=["state"])
    assert await slug_of(locking.lock(opened.id, here.finance)) == "payee_account_missing"
    assert await here.money() == (1, 0, 0)


async def test_what_came_up_about_an_award_keeps_it_from_going_and_holds_it_once_voided() -> None:
    here = await world()
    locked = await here.locked(2)
    await sending.approve(locked.id, Decider(here.approver, "核对无误"))
    first = await Award.filter(statement_id=locked.id).order_by("id").first()
    assert first
    await Award.filter(id=first.id).update(doubt="referral_disputed")
    assert await slug_of(sending.send(locked.id, here.finance)) == "awards_doubted"
    await sending.void(locked.id, Decider(here.finance, "有争议，重新开单"))
    awards = await Award.filter(payee_id=here.school.id).order_by("id")
    assert [(one.state, one.held_from, one.statement_id) for one in awards] == [
        (AwardState.HELD, AwardState.APPROVED, None),
        (AwardState.APPROVED, None, None),
    ]
    assert await here.money() == (2, 0, 0)
    again = await opening.open_statement(Wanted(here.school.id), here.finance)
    assert again.count == 1


async def test_what_holds_no_more_goes_on_no_statement_though_nobody_noted_it() -> None:
    """The school's place is a fact of the rules; that it was put right is no news of the claim."""
    here, year = await world(), clock.today().year
    await Organisation.filter(id=here.school.id).update(region="340802")
    claim = await make_confirmed(here.school, await make_college(), year)
    await proposed(AllOf("feeder-referral", year))
    award = await Award.get(referral_id=claim.id)
    await reserve(here.budget, award)
    opened = await here.opened(1)
    await Organisation.filter(id=here.school.id).update(region="110101")
    assert await slug_of(locking.lock(opened.id, here.finance)) == "awards_doubted"
    await Organisation.filter(id=here.school.id).update(region="340802")
    locked = await locking.lock(opened.id, here.finance)
    await sending.approve(locked.id, Decider(here.approver, "核对无误"))
    await Organisation.filter(id=here.school.id).update(region="110101")
    assert await slug_of(sending.send(locked.id, here.finance)) == "awards_doubted"
    await sending.void(locked.id, Decider(here.finance, "学校所在地更正了"))
    found = await Award.get(id=award.id)
    assert (found.state, found.held_from, found.doubt) == (AwardState.HELD, AwardState.APPROVED, "referral_changed")
    entries = await AuditEntry.filter(subject=f"award:{award.id}").order_by("-id").limit(2)
    assert [(one.action, one.before, one.after, one.fields) for one in reversed(entries)] == [
        ("award.off_statement", "on_statement", "approved", []),
        ("award.held", "approved", "held", ["referral_changed"]),
    ]
    assert await here.money() == (2, 0, 0)
    assert (await opening.open_statement(Wanted(here.school.id), here.finance)).count == 1


async def test_a_payer_changed_between_lock_and_send_keeps_it_from_going() -> None:
    here = await world()
    locked = await here.locked(1)
    await sending.approve(locked.id, Decider(here.approver, "核对无误"))
    await FundPaper.filter(fund_id=here.fund.id, kind=PaperKind.PAYER).update(replaced_at=clock.now())
    await make_paper(here.fund, PaperKind.PAYER)
    assert await slug_of(sending.send(locked.id, here.finance)) == "payer_since_lock"
    await sending.void(locked.id, Decider(here.finance, "付款单位换了"))
    again = await opening.open_statement(Wanted(here.school.id), here.finance)
    sent = await here.send(await locking.lock(again.id, here.finance))
    assert sent.payer_id == (await FundPaper.get(fund_id=here.fund.id, kind=PaperKind.PAYER, replaced_at=None)).payer_id


async def test_an_account_changed_between_lock_and_send_keeps_it_from_going() -> None:
    here = await world()
    locked = await here.locked(1)
    await sending.approve(locked.id, Decider(here.approver, "核对无误"))
    await here.change_account()
    assert await slug_of(sending.send(locked.id, here.finance)) == "account_since_lock"
    await sending.void(locked.id, Decider(here.finance, "账户变更"))
    again = await opening.open_statement(Wanted(here.school.id), here.finance)
    locked = await locking.lock(again.id, here.finance)
    assert locked.account_id != here.account.id
    assert (await here.send(locked)).state is StatementState.SENT


async def test_a_paper_that_is_gone_by_then_keeps_it_from_going() -> None:
    here = await world()
    locked = await here.locked(1)
    await sending.approve(locked.id, Decider(here.approver, "核对无误"))
    await FundPaper.filter(fund_id=here.fund.id, kind=PaperKind.RECOGNITION).update(replaced_at=clock.now())
    assert await slug_of(sending.send(locked.id, here.finance)) == "fund_papers_missing"


async def test_approvals_are_as_many_as_the_total_asks_for_each_by_another() -> None:
    here = await world(fen=30_000_000)
    await here.awards(1, amount_fen=10_000_001)
    opened = await opening.open_statement(Wanted(here.school.id), here.finance)
    assert await slug_of(sending.approve(opened.id, Decider(here.approver, "核对"))) == "statement_state"
    locked = await locking.lock(opened.id, here.finance)
    assert sending.needed(locked) == 2
    assert await slug_of(sending.send(locked.id, here.finance)) == "approvals_missing"
    await sending.approve(locked.id, Decider(here.approver, "核对无误"))
    assert await slug_of(sending.approve(locked.id, Decider(here.approver, "再批"))) == "statement_approved_already"
    assert await slug_of(sending.send(locked.id, here.finance)) == "approvals_missing"
    cleared = Event.filter(name="statement.cleared", subject=f"statement:{locked.id}")
    assert await cleared.count() == 0
    await sending.approve(locked.id, Decider(here.other_approver, "核对无误"))
    assert str(here.finance) in (await cleared.get()).people
    assert (await sending.send(locked.id, here.finance)).state is StatementState.SENT
    assert await StatementApproval.filter(statement_id=locked.id).count() == 2


async def test_who_has_another_part_neither_locks_nor_approves_nor_sends() -> None:
    here = await world()
    opened = await here.opened(2)
    award = await Award.filter(statement_id=opened.id).first()
    assert award
    await had_part(award, here.finance, Part.REVIEW)
    assert await slug_of(locking.lock(opened.id, here.finance)) == "another_part"
    locked = await locking.lock(opened.id, here.other_finance)
    await had_part(award, here.approver, Part.REVIEW)
    assert await slug_of(sending.approve(locked.id, Decider(here.approver, "核对"))) == "another_part"
    await had_part(award, here.other_approver, Part.APPROVAL)  # the same part, of the award and of its statement
    await sending.approve(locked.id, Decider(here.other_approver, "核对"))
    assert await slug_of(sending.send(locked.id, here.finance)) == "another_part"
    assert (await sending.send(locked.id, here.other_finance)).state is StatementState.SENT


async def test_who_approved_a_statement_may_yet_approve_that_its_award_is_claimed_back() -> None:
    """Where both approvers let a statement go out, somebody is left for the clawback; nothing else comes after that."""
    here = await world(fen=30_000_000)
    await here.awards(1, amount_fen=10_000_001)
    opened = await opening.open_statement(Wanted(here.school.id), here.finance)
    award = await Award.get(statement_id=opened.id)
    await had_part(award, here.approver, Part.APPROVAL)
    sent = await here.send(await locking.lock(opened.id, here.finance))
    assert await deciders.parts([award.id], here.other_approver) == {}
    await turned(here.other_approver, Role.FINANCE)
    by = Decider(here.other_approver, "退回")
    assert await slug_of(sending.take_back(sent.id, by)) == "another_person"
    await here.settle(sent)
    assert await slug_of(settling.bank_return(sent.id, Returned(number=1), by)) == "another_person"
    await turned(here.other_approver, Role.APPROVER)
    await clawbacks.request(award.id, None, Decider(here.staff[Role.REVIEWER][0], "学籍注销"))
    assert await slug_of(clawbacks.approve(award.id, Decider(here.approver, "属实"))) == "another_part"
    approved = await clawbacks.approve(award.id, Decider(here.other_approver, "属实"))
    assert approved.approved_by_id == here.other_approver


async def turned(person_id: Any, role: Role) -> None:
    await Membership.filter(person_id=person_id, ended_at=None).update(role=role)


async def test_whoever_changes_their_role_still_has_one_part() -> None:
    """Who approved and became finance does not send; who locked and became an approver does not approve."""
    here = await world()
    locked = await here.locked(1)
    await turned(here.finance, Role.APPROVER)
    assert await slug_of(sending.approve(locked.id, Decider(here.finance, "核对"))) == "another_person"
    await sending.approve(locked.id, Decider(here.approver, "核对"))
    await turned(here.approver, Role.FINANCE)
    assert await slug_of(sending.send(locked.id, here.approver)) == "another_person"
    assert await slug_of(sending.send(locked.id, here.finance)) == "approvals_missing"
    await sending.approve(locked.id, Decider(here.other_approver, "核对"))
    assert await slug_of(sending.send(locked.id, here.finance)) == "not_yours_to_do"
    assert (await sending.send(locked.id, here.other_finance)).state is StatementState.SENT


async def test_nobody_decides_about_money_for_their_own() -> None:
    here = await world()
    opened = await here.opened(1)
    await make_member(here.school, Role.CLERK, await _person(here.finance))
    assert await slug_of(locking.lock(opened.id, here.finance)) == "decides_for_own"
    locked = await locking.lock(opened.id, here.other_finance)
    await make_member(here.school, Role.CLERK, await _person(here.approver))
    assert await slug_of(sending.approve(locked.id, Decider(here.approver, "核对"))) == "decides_for_own"
    await sending.approve(locked.id, Decider(here.other_approver, "核对"))
    assert await slug_of(sending.send(locked.id, here.finance)) == "decides_for_own"
    await here.awards(1)
    assert await slug_of(opening.open_statement(Wanted(here.school.id), here.finance)) == "decides_for_own"


async def _person(person_id: Any) -> Any:
    return (await Membership.get(person_id=person_id, ended_at=None).select_related("person")).person


async def test_an_open_one_is_voided_and_a_sent_one_is_not() -> None:
    here = await world()
    opened = await here.opened(2)
    await sending.void(opened.id, Decider(here.finance, "开错了"))
    assert await here.money() == (2, 0, 0)
    again = await opening.open_statement(Wanted(here.school.id), here.finance)
    sent = await here.send(await locking.lock(again.id, here.finance))
    assert await slug_of(sending.void(sent.id, Decider(here.finance, "想作废"))) == "statement_state"
    assert await slug_of(sending.void(opened.id, Decider(here.finance, "再作废"))) == "statement_state"
    assert await here.money() == (0, 2, 0)


async def test_all_of_it_sent_back_makes_its_awards_payable_again() -> None:
    here = await world()
    sent = await here.sent(2)
    back = await sending.take_back(sent.id, Decider(here.finance, "付款单位户名不符"))
    assert back.state is StatementState.RETURNED
    awards = await Award.filter(payee_id=here.school.id)
    assert {(one.state, one.failure, one.statement_id) for one in awards} == {
        (AwardState.APPROVED, "付款单位户名不符", None)
    }
    assert await here.money() == (2, 0, 0)
    assert await slug_of(sending.take_back(sent.id, Decider(here.finance, "再退"))) == "statement_state"
    follow = await opening.open_statement(Wanted(here.school.id, follows_id=sent.id), here.finance)
    assert (follow.count, follow.follows_id) == (2, sent.id)
    kinds = [one.kind async for one in LedgerEntry.filter(statement_id=sent.id).order_by("id")]
    assert kinds == ["commit"] * 2 + ["uncommit"] * 2


@pytest.mark.parametrize("column", ["total_fen = 1", "offset_fen = 1", "account_id = NULL", "count = 9"])
async def test_the_database_itself_keeps_a_locked_statement_as_it_is(database: BaseDBAsyncClient, column: str) -> None:
    here = await world()
    locked = await here.locked(1)
    with pytest.raises(BaseORMException):
        await database.execute_query(f"UPDATE statement SET {column} WHERE id = '{locked.id}'")  # noqa: S608
    for table, where in (("statement_row", f"statement_id = '{locked.id}'"),):
        with pytest.raises(BaseORMException):
            await database.execute_query(f"UPDATE {table} SET amount_fen = 1 WHERE {where}")  # noqa: S608
        with pytest.raises(BaseORMException):
            await database.execute_query(f"DELETE FROM {table} WHERE {where}")  # noqa: S608


async def test_a_thousand_awards_are_locked_by_a_settled_number_of_statements(
    database: BaseDBAsyncClient,
) -> None:
    from tests.harness.statements import sent as watched  # noqa: PLC0415

    assert database
    counts = []
    for size in (3, 30):
        here: World = await world()
        opened = await here.opened(size)
        with watched() as seen:
            await locking.lock(opened.id, here.finance)
        counts.append(len(seen))
    assert counts[0] == counts[1]
