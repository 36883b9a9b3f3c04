"""What a school that was closed still has to get and to give back: what carries it on stands in its place."""

import pytest

from server.awards import queue
from server.awards.models import Award, AwardState
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.organisations import keeping, standing
from server.organisations.models import Organisation, OrganisationState, PayeeAccount
from server.organisations.roles import Role
from server.people.models import Person
from server.people.service import Decider
from server.statements import locking, opening, sending, waiting
from server.statements.models import StatementRow
from server.statements.waiting import Waits
from tests.factories import make_member, make_organisation
from tests.harness.awarding import make_clawback
from tests.harness.funding import REWARD_FEN, make_award
from tests.statements.paying_world import NUMBER, OTHER_NUMBER, World, confirmed, slug_of, states, world

pytestmark = pytest.mark.usefixtures("database")


async def heir_of(school: Organisation, number: str = OTHER_NUMBER) -> Organisation:
    """Another school with an account, into which this one is closed."""
    heir = await make_organisation(name="江畔联合中学（示例）")
    await confirmed(heir, (await make_member(heir, Role.MANAGER)).person_id, number)
    await closed(school, heir)
    return heir


async def closed(school: Organisation, heir: Organisation | None = None) -> None:
    await standing.close(school.id, Decider(new_id(), "并校"), heir.id if heir else None)


async def waits(here: World) -> dict[Waits, int]:
    return {one.waits: one.count for one in await waiting.waiting() if one.fund and one.fund.id == here.fund.id}


async def queued(here: World, school: Organisation) -> Award:
    """An award that waits for the fund's money."""
    award = await make_award(school, state=AwardState.AWAITING_FUNDS, fund_id=here.fund.id)
    award.queued_at = award.created_at
    await award.save()
    return award


async def state(award: Award) -> AwardState:
    return (await Award.get(id=award.id)).state


async def test_the_successor_is_paid_what_was_approved_less_what_was_owed() -> None:
    here = await world()
    paid = await make_award(here.school, state=AwardState.PAID, fund_id=here.fund.id, budget_id=here.budget.id)
    owed = await make_clawback(paid, amount_fen=20_000)
    begun = await opening.open_statement(
        opening.Wanted(here.school.id, awards=[(await here.awards(2))[0].id]), here.finance
    )
    between = await heir_of(here.school, NUMBER)
    heir = await heir_of(between)
    assert await slug_of(locking.lock(begun.id, here.finance)) == "payee_closed"
    await sending.void(begun.id, Decider(here.finance, "单位已并入另一所学校"))
    for gone in (here.school, between):
        assert await slug_of(opening.open_statement(opening.Wanted(gone.id), here.finance)) == "payee_closed"
    assert await waits(here) == {Waits.STATEMENT: 2, Waits.CLAWBACK_MONEY: 1}
    one = await locking.lock((await opening.open_statement(opening.Wanted(heir.id), here.finance)).id, here.finance)
    assert (one.payee_id, one.total_fen, one.offset_fen) == (heir.id, 2 * REWARD_FEN - 20_000, 20_000)
    assert (await PayeeAccount.get(id=one.account_id)).organisation_id == heir.id
    assert await StatementRow.filter(statement_id=one.id, clawback_id=owed.id).exists()


async def test_what_failed_before_follows_on_the_successors_statement() -> None:
    here = await world()
    one = await here.sent(2)
    heir = await heir_of(here.school)
    await here.settle(one, {2: ("失败", "账户已销户")})
    assert await states(one) == [AwardState.PAID, AwardState.APPROVED]
    following = await opening.open_statement(opening.Wanted(heir.id, follows_id=one.id), here.finance)
    assert (following.payee_id, following.count, following.follows_id) == (heir.id, 1, one.id)
    assert (await here.money()) == (1, 0, 1)


@pytest.mark.parametrize("lost", [OrganisationState.SUSPENDED, OrganisationState.CLOSED])
async def test_who_may_not_be_paid_opens_no_statement(lost: OrganisationState) -> None:
    here = await world()
    await here.awards(1)
    await Organisation.filter(id=here.school.id).update(state=lost)
    assert await slug_of(opening.open_statement(opening.Wanted(here.school.id), here.finance)) == "payee_not_verified"
    assert await waits(here) == {Waits.PAYEE: 1}


async def test_the_queue_passes_who_may_not_be_paid_until_it_may() -> None:
    here, other = await world(2 * REWARD_FEN), await make_organisation()
    first, second = await queued(here, here.school), await queued(here, other)
    await Organisation.filter(id=here.school.id).update(state=OrganisationState.SUSPENDED)
    assert await waits(here) == {Waits.PAYEE: 1, Waits.MONEY: 1}
    assert await queue.work({"fund": str(here.fund.id)}) == {"served": 1}
    assert [await state(one) for one in (first, second)] == [AwardState.AWAITING_FUNDS, AwardState.APPROVED]
    await closed(here.school, other)
    assert await queue.work({"fund": str(here.fund.id)}) == {"served": 1}
    assert await state(first) is AwardState.APPROVED


async def test_the_successors_people_decide_nothing_about_what_was_its_predecessors() -> None:
    here = await world()
    await here.awards(1)
    heir = await heir_of(here.school)
    await make_member(heir, Role.CLERK, await Person.get(id=here.finance))
    assert await slug_of(opening.open_statement(opening.Wanted(heir.id), here.finance)) == "decides_for_own"
    with pytest.raises(DomainError, match="decides_for_own"):
        await keeping.require_outsider(here.school.id, here.finance)
    await keeping.require_outsider(here.school.id, here.other_finance)
