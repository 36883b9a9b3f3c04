"""Money, and the words about it, when things happen in an order that nobody plans."""

from datetime import timedelta
from uuid import UUID

import pytest

from server.access.rules import Caller, Post
from server.appeals import service as appeals
from server.appeals.service import Verdict as Judged
from server.awards import clawbacks, contesting, following, life, undoing
from server.awards.contesting import Verdict
from server.awards.models import Award, AwardState, Clawback, ClawbackState, RunKind
from server.funds.models import EntryKind
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from server.referrals.models import Referral, ReferralState
from server.statements import receipts, results, settling, waiting
from server.statements.models import Receipt, Statement
from server.statements.settling import Returned
from server.statements.waiting import Waits
from tests.factories import make_member
from tests.harness.awarding import make_college, make_confirmed
from tests.harness.funding import REWARD_FEN, make_award, move, reserve
from tests.notices.hearing import Ear, listen
from tests.statements.filling import read, table, workbook
from tests.statements.paying_world import FAILED, PAID, World, states, world

pytestmark = pytest.mark.usefixtures("database")
WHY = "核对无误"


def by(person_id: UUID) -> Decider:
    return Decider(person_id, WHY)


async def heard(ear: Ear, person: UUID) -> dict[str, str]:
    return {one.kind: one.text for one in await ear.everything() if one.person_id == person}


async def said(here: World, sent: Statement, row: int) -> None:
    rows = await table(await here.file(sent), {row: PAID})
    await results.take_in(sent.id, await read(workbook(rows)), here.finance)


async def demanded(here: World, award: Award) -> None:
    third = (await make_member(await secretariat(), Role.APPROVER)).person_id
    await clawbacks.request(award.id, None, by(here.staff[Role.REVIEWER][0]))
    await clawbacks.approve(award.id, by(third))
    await clawbacks.demand(award.id, by(here.finance))


async def lifted(here: World, award: Award) -> Clawback:
    await contesting.contest(award.id, "学生在读", here.manager)
    return await contesting.decide(award.id, Verdict.LIFTED, by(here.staff[Role.REVIEWER][1]))


async def paid(here: World, **values: object) -> Award:
    award = await make_award(here.school, **values)
    await reserve(here.budget, award)
    await move(here.budget, EntryKind.COMMIT, award)
    await move(here.budget, EntryKind.SPEND, award)
    award.state = AwardState.PAID
    await award.save()
    return award


async def test_what_the_bank_sent_back_meanwhile_is_not_told_as_paid() -> None:
    here = await world()
    sent = await here.sent(2)
    await said(here, sent, 1)
    await settling.bank_return(sent.id, Returned(number=1), by(here.finance))
    ear = await listen()
    await said(here, sent, 2)
    [(kind, text)] = (await heard(ear, here.manager)).items()
    assert kind == "statement.settled.mending"
    assert "已支付1笔，实付500元，失败1笔" in text


async def test_a_receipt_said_again_counts_for_what_came_meanwhile() -> None:
    here = await world()
    sent = await here.sent(2)
    await said(here, sent, 1)
    first = (await receipts.say(sent.id, Receipt.CONFIRMED, "", here.manager)).receipt_at
    assert (await receipts.say(sent.id, Receipt.CONFIRMED, "", here.manager)).receipt_at == first
    clock.move_to(clock.now() + timedelta(days=10))
    await said(here, sent, 2)
    again = (await receipts.say(sent.id, Receipt.CONFIRMED, "", here.manager)).receipt_at
    assert first
    assert again
    assert again > first


async def test_rows_that_the_payer_renumbered_are_not_taken_for_others() -> None:
    here = await world()
    sent = await here.sent(2)
    rows = await table(await here.file(sent), {2: FAILED})
    rows[-1][1] = "1"  # the first was deleted, as the file says, and the rest numbered anew
    with pytest.raises(DomainError) as refusal:
        await results.take_in(sent.id, await read(workbook(rows)), here.finance)
    assert [one.code for one in refusal.value.faults] == ["result_changed"]
    assert await states(sent) == [AwardState.ON_STATEMENT] * 2


async def test_what_is_written_off_is_told_with_its_own_sum() -> None:
    here = await world()
    award = await paid(here)
    await demanded(here, award)
    await clawbacks.recover(award.id, 40_000, by(here.finance))
    ear = await listen()
    await clawbacks.write_off(award.id, by(here.approver))
    [message] = [one for one in await ear.everything() if one.person_id == here.manager]
    assert "没有退回的100元已核销" in message.text
    assert {push.data.get("amount2") or push.data.get("amount3") for push in message.pushes} == {"100元"}


async def test_what_was_given_up_of_a_claim_that_was_wrong_is_no_loss_and_can_be_claimed_anew() -> None:
    here = await world()
    award = await paid(here)
    await demanded(here, award)
    await clawbacks.write_off(award.id, by(here.approver))
    over = await lifted(here, award)
    assert (over.state, over.written_off_fen) == (ClawbackState.DROPPED, 0)
    budget = await here.now()
    assert (budget.spent_fen, budget.written_off_fen) == (REWARD_FEN, 0)
    again = await clawbacks.request(award.id, None, by(here.staff[Role.REVIEWER][0]))
    assert again.amount_fen == REWARD_FEN


@pytest.mark.parametrize("paid_again", [False, True])
async def test_money_given_back_goes_with_its_claim(*, paid_again: bool) -> None:
    here = await world()
    claim = await make_confirmed(here.school, await make_college(), clock.today().year)
    award = await paid(here, referral_id=claim.id, student_id=claim.student_id, matter="")
    await demanded(here, award)
    await clawbacks.recover(award.id, REWARD_FEN, by(here.finance))
    await lifted(here, award)
    again = await Award.get(student_id=claim.student_id, state=AwardState.PROPOSED)
    if paid_again:
        await Award.filter(id=again.id).update(state=AwardState.PAID)
    await Referral.filter(id=claim.id).update(state=ReferralState.MATCHED)
    await _followed(claim.student_id)
    again = await Award.get(id=again.id)
    assert again.doubt == "referral_unconfirmed"
    if paid_again:
        assert await Clawback.exists(award_id=again.id, state=ClawbackState.REQUESTED)
    else:
        assert again.state is AwardState.HELD


@transaction
async def _followed(student_id: UUID) -> None:
    await following.follow([student_id], None)


async def test_an_appeal_whose_refusal_was_undone_is_not_told_as_upheld() -> None:
    here = await world()
    award = await make_award(here.school)
    reviewer, other = here.staff[Role.REVIEWER]
    await life.decide_one(award.id, RunKind.REFUSE, by(reviewer))
    post = Post(here.school.id, here.school.kind, Role.MANAGER)
    made = await appeals.appeal(f"award:{award.id}", "材料是齐的", Caller(here.manager, new_id(), (post,)))
    await undoing.undo(award.id, by(reviewer))
    own = [one for one in await waiting.waiting() if one.waits is Waits.APPEAL and one.programme == award.programme]
    assert sum(one.fen for one in own) == 0, "its money is counted where the award waits"
    ear = await listen()
    office = Post((await secretariat()).id, Kind.SECRETARIAT, Role.REVIEWER)
    await appeals.judge(made.id, Judged.UPHOLD, Caller(other, new_id(), (office,)), "无需再议")
    assert list(await heard(ear, here.manager)) == ["appeal.settled.appellant"]


async def test_where_all_is_kept_back_nobody_is_told_to_look_for_money() -> None:
    here = await world()
    await demanded(here, await paid(here))
    ear = await listen()
    assert (await here.sent(1)).total_fen == 0
    told = await heard(ear, here.manager)
    assert set(told) == {"statement.settled.kept", "clawback.offset.school"}
    assert "没有款项支付" in told["statement.settled.kept"]


async def test_the_bank_returns_nothing_that_was_given_again_meanwhile() -> None:
    here = await world()
    claim = await make_confirmed(here.school, await make_college(), clock.today().year)
    sent = await here.sent(1)
    await said(here, sent, 1)
    award = await Award.get(statement_id=sent.id)
    await Award.filter(id=award.id).update(referral_id=claim.id, student_id=claim.student_id, matter="")
    await demanded(here, award)
    await clawbacks.recover(award.id, REWARD_FEN, by(here.finance))
    await lifted(here, award)
    with pytest.raises(DomainError, match="awarded_otherwise"):
        await settling.bank_return(sent.id, Returned(number=1), by(here.finance))
    assert (await Award.get(id=award.id)).state is AwardState.PAID
