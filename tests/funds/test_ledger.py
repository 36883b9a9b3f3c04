"""The ledger: what each kind of entry moves, what it refuses, and that nobody changes it afterwards."""

import asyncio
import contextlib
from collections.abc import Sequence
from uuid import UUID

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import IntegrityError, OperationalError

from server.funds import budgets, explaining, ledger
from server.funds.ledger import SIDES, Move
from server.funds.models import Account, Budget, EntryKind, LedgerEntry
from server.funds.sides import CLOSED_SIDES, COLUMNS, balances
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.jobs.models import Job
from server.kernel.transactions import transaction
from tests.harness.funding import make_budget, make_fund

HERE = [(kind, sides) for table in (SIDES, CLOSED_SIDES) for kind, sides in table.items()]
KINDS = EntryKind


def of_award(kind: EntryKind, fen: int, **ids: UUID) -> Move:
    return Move(kind, fen, **{"award_id": new_id(), **ids})


@transaction
async def post(budget: Budget, *moves: Move) -> Sequence[LedgerEntry]:
    return await ledger.post(await ledger.hold(budget.id), moves, None, "理由")


async def refused(budget: Budget, *moves: Move) -> str:
    with pytest.raises(DomainError) as refusal:
        await post(budget, *moves)
    assert refusal.value.status == 409
    return refusal.value.slug


async def sums(budget_id: UUID) -> dict[str, int]:
    """The balances that are not zero; all of them are those of the entries."""
    for check in await explaining.explain(budget_id):
        assert check.holds, check
    budget = await Budget.get(id=budget_id)
    return {account: fen for account, column in COLUMNS.items() if (fen := getattr(budget, column))}


def test_each_kind_has_its_two_sides() -> None:
    assert set(SIDES) == set(EntryKind)
    for kind, (source, target) in HERE:
        assert source is not target
        both = balances([((source, target), 7)])
        assert sum(both.values()) == (0 if Account.APPROPRIATED not in {source, target} else both["available_fen"] * 2)
        assert kind not in CLOSED_SIDES or Account.AVAILABLE not in CLOSED_SIDES[kind]


@pytest.mark.usefixtures("database")
async def test_an_award_from_appropriation_to_recovery() -> None:
    budget, award = await make_budget(await make_fund(), 100_000), new_id()
    for kind in (KINDS.RESERVE, KINDS.COMMIT):
        await post(budget, Move(kind, 50_000, award_id=award))
    [spent] = await post(budget, Move(KINDS.SPEND, 50_000, award_id=award))
    assert await sums(budget.id) == {"appropriated": 100_000, "available": 50_000, "spent": 50_000}
    await post(budget, Move(KINDS.BANK_RETURN, 50_000, award_id=award, reverses_id=spent.id))
    assert await sums(budget.id) == {"appropriated": 100_000, "available": 50_000, "reserved": 50_000}
    assert await refused(budget, of_award(KINDS.BANK_RETURN, 50_000, reverses_id=spent.id)) == "entry_reversed"
    for kind in (KINDS.COMMIT, KINDS.SPEND):
        await post(budget, Move(kind, 50_000, award_id=award))
    await post(budget, Move(KINDS.RECOVER, 20_000, award_id=award), Move(KINDS.WRITE_OFF, 30_000, award_id=award))
    assert await sums(budget.id) == {"appropriated": 100_000, "available": 70_000, "written_off": 30_000}
    await post(budget, Move(KINDS.REDUCE, 70_000))
    assert await sums(budget.id) == {"appropriated": 30_000, "written_off": 30_000}


@pytest.mark.usefixtures("database")
async def test_no_account_gives_more_than_it_has() -> None:
    budget = await make_budget(await make_fund(), 100)
    for kind in (KINDS.REDUCE, KINDS.LAPSE, KINDS.CARRY_OUT):
        assert await refused(budget, Move(kind, 101)) == "budget_short"
    for kind in (KINDS.RELEASE, KINDS.COMMIT, KINDS.UNCOMMIT, KINDS.SPEND, KINDS.RECOVER, KINDS.WRITE_OFF):
        assert await refused(budget, of_award(kind, 1)) == "budget_short"
    assert await refused(budget, of_award(KINDS.RESERVE, 101)) == "budget_short"
    assert await refused(budget, of_award(KINDS.RESERVE, 60), of_award(KINDS.RESERVE, 60)) == "budget_short", (
        "all or none"
    )
    assert await sums(budget.id) == {"appropriated": 100, "available": 100}
    assert await LedgerEntry.filter(budget_id=budget.id).count() == 1
    with pytest.raises(IntegrityError):
        await Budget.filter(id=budget.id).update(available_fen=-1)


@pytest.mark.usefixtures("database")
async def test_what_makes_no_sense_is_nobodys_fault_but_the_codes() -> None:
    budget, other = await make_budget(await make_fund(), 100), await make_budget(await make_fund(), 100)
    [reserved] = await post(budget, of_award(KINDS.RESERVE, 10))
    for move in (
        of_award(KINDS.RESERVE, 0),
        Move(KINDS.RESERVE, -1),
        of_award(KINDS.RELEASE, 9, reverses_id=reserved.id),
    ):
        with pytest.raises(ValueError, match=r"whole"):
            await post(budget, move)
    with pytest.raises(ValueError, match="its own budget"):
        await post(other, of_award(KINDS.RESERVE, 10, reverses_id=reserved.id))


@pytest.mark.usefixtures("database")
async def test_whoever_waits_gets_a_turn_only_where_there_is_more() -> None:
    fund = await make_fund()
    budget = await make_budget(fund, 100)

    async def told() -> int:
        return sum(job.payload == {"fund": str(fund.id)} for job in await Job.filter(kind=ledger.FUND_QUEUE))

    assert await told() == 1
    await post(budget, of_award(KINDS.RESERVE, 60))
    await post(budget, of_award(KINDS.RELEASE, 60), of_award(KINDS.RESERVE, 60))
    assert await told() == 1
    await post(budget, of_award(KINDS.RELEASE, 60))
    assert await told() == 2


@pytest.mark.usefixtures("database")
async def test_many_at_once_get_what_there_is_and_no_more() -> None:
    budget = await make_budget(await make_fund(), 10 * 50_000)

    async def one() -> bool:
        with contextlib.suppress(DomainError):
            await post(budget, Move(KINDS.RESERVE, 50_000, award_id=new_id()))
            return True
        return False

    assert sum(await asyncio.gather(*(one() for _ in range(40)))) == 10
    assert await sums(budget.id) == {"appropriated": 500_000, "reserved": 500_000}


@pytest.mark.usefixtures("database")
async def test_one_budget_is_made_however_many_ask() -> None:
    fund = await make_fund()
    await asyncio.gather(*(make_budget(fund, 100) for _ in range(8)))
    [budget] = await budgets.of_fund(fund.id)
    assert budget.available_fen == 800


async def test_the_database_refuses_every_change_of_an_entry(database: BaseDBAsyncClient, dialect: str) -> None:
    budget = await make_budget(await make_fund(), 100)
    changes = ["UPDATE ledger_entry SET amount_fen = 1", "DELETE FROM ledger_entry"]
    if dialect == "postgres":
        changes += ["TRUNCATE ledger_entry", "TRUNCATE ledger_entry CASCADE", "TRUNCATE budget CASCADE"]
    for change in changes:
        with pytest.raises((IntegrityError, OperationalError), match="append-only"):
            await database.execute_query(change)
    assert await LedgerEntry.filter(budget_id=budget.id).count() == 1
