"""What is offered is what may be done, and nothing else: every deed is tried by everybody, and undone."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from server.awards import (
    clawback_options,
    clawbacks,
    contesting,
    deciders,
    life,
    mistaken,
    objections,
    options,
    samples,
    undoing,
)
from server.awards.clawback_options import Deed as ClawbackDeed
from server.awards.contesting import Verdict as ContestVerdict
from server.awards.models import Award, Clawback, ClawbackState, RunKind
from server.awards.objections import Word
from server.awards.options import Deed
from server.awards.samples import Verdict
from server.funds.models import FundPaper, PaperKind
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.organisations.roles import Role
from server.people.models import Person
from server.people.service import Decider
from server.statements import holding, listing, locking, receipts, sending, settling, unreturning
from server.statements import options as statement_options
from server.statements.models import Receipt, Statement
from server.statements.settling import Returned
from server.statements.states import Verb
from tests.awards import clawing
from tests.awards.deciding import World, over, world
from tests.factories import make_member
from tests.statements import paying_world

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]
WHY = "核对无误"


class UndoneError(Exception):
    """What was tried is taken back."""


async def works(doing: Callable[[], Awaitable[object]]) -> bool:
    """Whether something may be done; it is not done."""

    @transaction
    async def tried() -> None:
        await doing()
        raise UndoneError

    try:
        await tried()
    except UndoneError:
        return True
    except DomainError:
        return False
    raise AssertionError


def deed_of(award: Award, deed: Deed, by: Decider) -> Callable[[], Awaitable[object]]:
    if deed is Deed.UNDO:
        return lambda: undoing.undo(award.id, by)
    if deed is Deed.SECOND_CHECK:
        return lambda: samples.check(award.id, Verdict.PASS, by)
    return lambda: life.decide_one(award.id, RunKind(deed), by)


async def true_of(here: World, *awards: Award) -> dict[UUID, dict[UUID, list[Deed]]]:
    """What is offered to everybody, once it was seen to be just what they may do."""
    rows = [await Award.get(id=one.id) for one in awards]
    people = (here.reviewer, here.reviewer_2, here.approver, here.approver_2, here.finance)
    found = {}
    for person in people:
        offered = await options.open_to(rows, person, await deciders.roles(person))
        for row in rows:
            done = [deed for deed in Deed if await works(deed_of(row, deed, Decider(person, WHY)))]
            assert sorted(offered[row.id]) == sorted(done), (row.state, person)
        found[person] = dict(offered)
    return found


async def test_on_the_way_to_the_approval() -> None:
    here = await world()
    proposed = await here.award()
    drawn, held = await here.reviewed(2)
    await samples.draw(here.programme, here.year, here.approver)
    await here.says(here.finance, RunKind.HOLD, held)
    found = await true_of(here, proposed, drawn, held)
    assert Deed.SECOND_CHECK in found[here.reviewer_2][drawn.id]
    assert Deed.SECOND_CHECK not in found[here.reviewer][drawn.id]
    assert Deed.RELEASE in found[here.reviewer][held.id]


async def test_not_while_it_is_public_nor_without_papers_nor_in_doubt() -> None:
    here = await world()
    free, objected = await here.publicised(2)
    word = Word((await make_member(here.school, Role.CLERK)).person_id, "人数不实")
    await objections.to_award(objected.id, word)
    assert Deed.APPROVE not in (await true_of(here, free))[here.approver][free.id]
    over()
    found = await true_of(here, free, objected)
    assert Deed.APPROVE in found[here.approver][free.id]
    assert Deed.RELEASE not in found[here.approver][objected.id]
    await FundPaper.filter(fund_id=here.fund.id, kind=PaperKind.RECOGNITION).update(
        valid_to=clock.today() - timedelta(1)
    )
    assert Deed.APPROVE not in (await true_of(here, free))[here.approver][free.id]


async def test_after_the_decision_and_about_ones_own() -> None:
    here = await world()
    approved, refused, cancelled, own = await here.approved(4)
    await here.undoes(here.approver, refused)
    await here.says(here.approver, RunKind.REFUSE, refused)
    await here.says(here.approver, RunKind.CANCEL, cancelled)
    found = await true_of(here, approved, refused, cancelled, own)
    assert Deed.UNDO in found[here.approver_2][cancelled.id]
    await FundPaper.filter(fund_id=here.fund.id).update(valid_to=clock.today() - timedelta(1))
    assert Deed.UNDO not in (await true_of(here, cancelled))[here.approver][cancelled.id]
    await make_member(here.school, Role.CLERK, await Person.get(id=here.approver_2))
    assert not any((await true_of(here, approved, own))[here.approver_2].values())


def statement_deed(row: Statement, verb: Verb, by: Decider) -> Callable[[], Awaitable[object]]:
    return {
        Verb.LOCK: lambda: locking.lock(row.id, by.person_id),
        Verb.APPROVE: lambda: sending.approve(row.id, by),
        Verb.SEND: lambda: sending.send(row.id, by.person_id),
        Verb.VOID: lambda: sending.void(row.id, by),
        Verb.RETURN: lambda: sending.take_back(row.id, by),
        Verb.BANK_RETURN: lambda: settling.bank_return(row.id, Returned(number=1), by),
        Verb.UNDO_BANK_RETURN: lambda: unreturning.undo_bank_return(row.id, Returned(number=1), by),
    }[verb]


TRIED = (Verb.LOCK, Verb.APPROVE, Verb.SEND, Verb.VOID, Verb.RETURN, Verb.BANK_RETURN, Verb.UNDO_BANK_RETURN)


async def test_of_a_statement() -> None:
    here = await paying_world.world()
    opened = await here.opened(1)

    async def true(row: Statement) -> dict[UUID, list[Verb]]:
        [seen] = await listing.seen([await holding.statement(row.id)])
        found = {}
        for person in (here.finance, here.other_finance, here.approver, here.other_approver):
            offered = (await statement_options.open_to([seen], person, await deciders.roles(person)))[row.id]
            for verb in TRIED:
                may = await works(statement_deed(row, verb, Decider(person, WHY)))
                assert (verb in offered) is may, (verb, seen.row.state)
            found[person] = offered
        return found

    assert Verb.LOCK in (await true(opened))[here.finance]
    await Award.filter(statement_id=opened.id).update(doubt="referral_in_dispute")
    assert Verb.LOCK not in (await true(opened))[here.finance]
    await Award.filter(statement_id=opened.id).update(doubt="")
    await locking.lock(opened.id, here.finance)
    assert Verb.APPROVE in (await true(opened))[here.approver]
    await sending.approve(opened.id, Decider(here.approver, WHY))
    assert Verb.SEND in (await true(opened))[here.finance]
    await sending.send(opened.id, here.finance)
    assert Verb.RETURN in (await true(opened))[here.finance]
    sent = await Statement.get(id=opened.id)
    assert statement_options.open_to_payee(sent) == [Verb.RECEIPT]
    assert await works(lambda: receipts.say(sent.id, Receipt.CONFIRMED, "", here.manager))
    await here.settle(sent)
    assert Verb.BANK_RETURN in (await true(sent))[here.finance]
    await settling.bank_return(sent.id, Returned(number=1), Decider(here.finance, WHY))
    offered = await true(sent)
    assert Verb.UNDO_BANK_RETURN not in offered[here.finance]
    assert Verb.UNDO_BANK_RETURN in offered[here.other_finance]
    await unreturning.undo_bank_return(sent.id, Returned(number=1), Decider(here.other_finance, WHY))
    await true(sent)
    assert statement_options.open_to_payee(await Statement.get(id=(await here.opened(1)).id)) == []


def clawback_deed(award_id: UUID, deed: ClawbackDeed, by: Decider) -> Callable[[], Awaitable[object]]:
    return {
        ClawbackDeed.REQUEST: lambda: clawbacks.request(award_id, None, by),
        ClawbackDeed.APPROVE: lambda: clawbacks.approve(award_id, by),
        ClawbackDeed.DEMAND: lambda: clawbacks.demand(award_id, by),
        ClawbackDeed.RECOVER: lambda: clawbacks.recover(award_id, 1, by),
        ClawbackDeed.UNDO_RECOVERY: lambda: mistaken.undo_recovery(award_id, by),
        ClawbackDeed.WRITE_OFF: lambda: clawbacks.write_off(award_id, by),
        ClawbackDeed.DROP: lambda: clawbacks.drop(award_id, by),
        ClawbackDeed.CONTEST: lambda: contesting.contest(award_id, WHY, by.person_id),
        ClawbackDeed.DECISION: lambda: contesting.decide(award_id, ContestVerdict.STANDS, by),
    }[deed]


async def test_of_a_clawback() -> None:
    here = await clawing.world()

    async def true() -> Clawback:
        row = await Clawback.get(award_id=here.award.id).select_related("award")
        for person in (here.reviewer, here.approver, here.other_approver, here.finance):
            offered = (await clawback_options.open_to([row], person))[row.id]
            for deed in set(ClawbackDeed) - {ClawbackDeed.CONTEST}:
                may = await works(clawback_deed(here.award.id, deed, here.by(person)))
                assert (deed in offered) is may, (deed, row.state)
        contests = await works(clawback_deed(here.award.id, ClawbackDeed.CONTEST, here.by(here.manager)))
        assert (clawback_options.open_to_payee(row) == [ClawbackDeed.CONTEST]) is contests
        return row

    await clawbacks.questions([await Award.get(id=here.award.id)], "referral_in_dispute")
    await true()
    await clawbacks.request(here.award.id, None, here.by(here.reviewer))
    await true()
    await clawbacks.approve(here.award.id, here.by(here.approver))
    await true()
    await clawbacks.demand(here.award.id, here.by(here.finance))
    await true()
    await contesting.contest(here.award.id, "学生在读", here.manager)
    await true()
    await clawbacks.recover(here.award.id, 1, here.by(here.finance))
    await true()
    await clawbacks.write_off(here.award.id, here.by(here.other_approver))
    await true()
    await mistaken.undo_recovery(here.award.id, here.by(here.other_approver))
    await true()
    await contesting.decide(here.award.id, ContestVerdict.STANDS, here.by(here.other_approver))
    await clawbacks.recover(here.award.id, 2, here.by(here.finance))
    assert (await true()).state is ClawbackState.WRITTEN_OFF
