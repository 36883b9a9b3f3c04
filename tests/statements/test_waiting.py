"""What awards wait for, whose turn it is, and since when: every award that is not over waits for one thing."""

from datetime import timedelta
from typing import Any

import pytest

from server.appeals.models import Appeal
from server.awards.models import AwardState, Objection, Publication, SecondCheck
from server.funds.models import FundPaper, PaperKind
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations.models import AccountState, PayeeAccount
from server.people.models import Person, PersonState
from server.people.service import Decider
from server.statements import locking, sending, waiting
from server.statements.waiting import TURNS, Turn, Waits
from tests.factories import make_organisation
from tests.harness.awarding import make_clawback
from tests.harness.funding import REWARD_FEN, make_award, make_fund
from tests.statements.paying_world import FAILED, World, world

pytestmark = pytest.mark.usefixtures("database")


async def counted(here: World) -> dict[Waits, int]:
    """How many of a world's awards wait for what."""
    return {one.waits: one.count for one in await waiting.waiting() if one.fund and one.fund.id == here.fund.id}


async def of_programme(programme: str) -> dict[Waits, tuple[int, int]]:
    return {one.waits: (one.count, one.fen) for one in await waiting.waiting() if one.programme == programme}


async def published(programme: str, days: int) -> Publication:
    """Figures that are public until so many days from today."""
    today = clock.today()
    return await Publication.create(
        programme=programme, year=2026, starts_on=today - timedelta(days=9), ends_on=today + timedelta(days=days),
        made_by_id=new_id(), made_at=clock.now(),
    )  # fmt: skip


async def test_before_it_is_approved() -> None:
    programme, school = f"p-{new_id().hex[:12]}", await make_organisation()
    runs, over = await published(programme, 0), await published(programme, -1)

    async def made(state: AwardState, **values: Any) -> Any:
        return await make_award(school, programme=programme, state=state, **values)

    await made(AwardState.PROPOSED)
    await made(AwardState.REVIEWED)
    await made(AwardState.REVIEWED, second_check=SecondCheck.WAITING)
    await made(AwardState.PUBLICISED, publication=runs)
    await made(AwardState.PUBLICISED, publication=over)
    await made(AwardState.HELD)
    await made(AwardState.HELD, publication=over, state_since=clock.now() - timedelta(days=3))
    refused, *_ = [await made(ended) for ended in (AwardState.REFUSED, AwardState.CANCELLED, AwardState.PAID)]
    assert await of_programme(programme) == {
        Waits.REVIEW: (1, REWARD_FEN),
        Waits.PUBLICATION: (1, REWARD_FEN),
        Waits.SECOND_CHECK: (1, REWARD_FEN),
        Waits.PUBLICATION_END: (1, REWARD_FEN),
        Waits.PAPERS: (1, REWARD_FEN),
        Waits.RELEASE: (2, 2 * REWARD_FEN),
    }
    fund = await make_fund(programme, papers_of=refused.year)
    found = await of_programme(programme)
    assert (found[Waits.APPROVAL][0], Waits.PAPERS in found) == (1, False)
    await FundPaper.filter(fund_id=fund.id, kind=PaperKind.RECOGNITION).update(valid_to=clock.today() - timedelta(1))
    found = await of_programme(programme)
    assert (found[Waits.PAPERS][0], Waits.APPROVAL in found) == (1, False)
    await Objection.create(
        publication=over, payee=school, person_id=new_id(), reason="人数不对", created_at=clock.now()
    )
    found = await of_programme(programme)
    assert (found[Waits.OBJECTION][0], found[Waits.RELEASE][0]) == (1, 1)
    oldest = (await waiting.waiting())[0]
    assert (oldest.waits, oldest.turn) == (Waits.OBJECTION, Turn.REVIEWER)
    await Appeal.create(
        subject=f"award:{refused.id}",
        refusal_id=new_id(),
        person_id=new_id(),
        reason="人数没错",
        created_at=clock.now(),
    )
    assert (await of_programme(programme))[Waits.APPEAL] == (1, REWARD_FEN)


async def test_without_an_account_it_is_the_schools_turn() -> None:
    here = await world()
    await here.awards(1)
    assert await counted(here) == {Waits.STATEMENT: 1}
    await PayeeAccount.filter(organisation_id=here.school.id).update(state=AccountState.REFUSED)
    assert await counted(here) == {Waits.ACCOUNT: 1}
    assert TURNS[Waits.ACCOUNT] is Turn.PAYEE


async def test_on_its_way_to_the_payer() -> None:
    here = await world()
    await here.awards(1)
    assert await counted(here) == {Waits.STATEMENT: 1}
    opened = await here.opened(1)
    assert await counted(here) == {Waits.LOCK: 2}
    await locking.lock(opened.id, here.finance)
    assert await counted(here) == {Waits.STATEMENT_APPROVAL: 2}
    await sending.approve(opened.id, Decider(here.approver, "核对无误"))
    assert await counted(here) == {Waits.SENDING: 2}
    sent = await sending.send(opened.id, here.finance)
    assert await counted(here) == {Waits.PAYMENT: 2}
    await here.settle(sent, {1: FAILED})
    assert await counted(here) == {Waits.FOLLOW_UP: 1}


async def test_what_is_claimed_back() -> None:
    fund, school = await make_fund("p-back"), await make_organisation()
    for values in (
        {"state": "requested", "requested_by_id": None},
        {"state": "requested", "requested_by_id": new_id()},
        {"state": "approved"},
        {"recovered_fen": 20_000, "state": "partly", "contest": "open"},
        {"state": "dropped"},
    ):
        await make_clawback(await make_award(school, programme="p-back", state=AwardState.PAID, fund=fund), **values)
    assert await of_programme("p-back") == {
        Waits.CLAWBACK_QUESTION: (1, REWARD_FEN),
        Waits.CLAWBACK_APPROVAL: (1, REWARD_FEN),
        Waits.CLAWBACK_DEMAND: (1, REWARD_FEN),
        Waits.CLAWBACK_MONEY: (1, REWARD_FEN - 20_000),
        Waits.CLAWBACK_CONTEST: (1, REWARD_FEN),
    }


def test_everything_that_waits_is_somebodys_turn() -> None:
    assert set(TURNS) == set(Waits)


async def test_only_approvals_of_those_who_are_approvers_still_let_it_go_out() -> None:
    here = await world()
    locked = await here.locked(2)
    await sending.approve(locked.id, Decider(here.approver, "核对无误"))
    assert await counted(here) == {Waits.SENDING: 2}
    await Person.filter(id=here.approver).update(state=PersonState.SUSPENDED)
    assert await counted(here) == {Waits.STATEMENT_APPROVAL: 2}
    with pytest.raises(DomainError) as refused:
        await sending.send(locked.id, here.finance)
    assert refused.value.slug == "approvals_missing"
    await sending.approve(locked.id, Decider(here.other_approver, "核对无误"))
    assert await Event.filter(name="statement.cleared", subject=f"statement:{locked.id}").count() == 2
    assert (await sending.send(locked.id, here.finance)).sent_by_id == here.finance
