"""Where each fen is: what is planted wrong is found, in the report as by the command."""

from datetime import UTC, datetime

import pytest

from server.awards import explaining as awards
from server.awards import ledger_check
from server.awards.models import Award, AwardState
from server.funds import explaining
from server.funds.models import Budget, EntryKind, LedgerEntry
from server.kernel import clock
from server.kernel.ids import new_id
from tests.factories import make_organisation
from tests.harness.forking import command
from tests.harness.funding import REWARD_FEN, make_award, make_budget, make_fund, make_statement, move, reserve
from tests.harness.keys import ENVIRONMENT

pytestmark = pytest.mark.usefixtures("database")
KINDS = EntryKind


async def wrong(budget: Budget) -> list[str]:
    return [check.what for check in await explaining.explain(budget.id) if not check.holds]


async def test_every_award_is_where_its_state_says() -> None:
    school, fund = await make_organisation(), await make_fund()
    budget = await make_budget(fund, 10 * REWARD_FEN)
    approved, held, opened, locked, paid, cancelled = [await make_award(school) for _ in range(6)]
    everyone = (approved, held, opened, locked, paid, cancelled)
    await reserve(budget, *everyone)
    await Award.filter(id=held.id).update(state=AwardState.HELD, held_from=AwardState.APPROVED)
    for award, locked_at in ((opened, None), (locked, clock.now())):
        statement = await make_statement(budget, school, locked_at=locked_at)
        await Award.filter(id=award.id).update(state=AwardState.ON_STATEMENT, statement_id=statement.id)
    await Award.filter(id=paid.id).update(state=AwardState.PAID)
    await Award.filter(id=cancelled.id).update(state=AwardState.CANCELLED)
    await move(budget, KINDS.COMMIT, locked)
    for kind in (KINDS.COMMIT, KINDS.SPEND):
        await move(budget, kind, paid)
    assert await awards.unexplained(budget.id) == [cancelled.id]
    await Award.filter(id=opened.id).update(statement_id=(await Award.get(id=locked.id)).statement_id)
    assert await awards.unexplained(budget.id) == sorted([opened.id, cancelled.id]), "locked, and not committed"
    await Award.filter(id=opened.id).update(statement_id=None)
    await move(budget, KINDS.RELEASE, cancelled)
    assert await awards.unexplained(budget.id) == []
    places = [(one.account, one.state, one.awards, one.fen) for one in await awards.places(budget.id)]
    assert places == [
        ("reserved", "approved", 1, REWARD_FEN),
        ("reserved", "held", 1, REWARD_FEN),
        ("reserved", "on_statement", 1, REWARD_FEN),
        ("committed", "on_statement", 1, REWARD_FEN),
        ("spent", "paid", 1, REWARD_FEN),
    ]
    for state in (AwardState.PAID, AwardState.PROPOSED, AwardState.AWAITING_FUNDS):
        await Award.filter(id=approved.id).update(state=state)
        assert await awards.unexplained(budget.id) == [approved.id]
    await Award.filter(id=approved.id).update(state=AwardState.APPROVED)
    stray = await make_award(school, state=AwardState.APPROVED, fund=fund, budget=budget)
    assert await awards.unexplained(budget.id) == [stray.id], "approved, and no money reserved"
    await Award.filter(id=stray.id).update(state=AwardState.PROPOSED, budget_id=None)


async def test_the_command_finds_a_planted_sum(database_url: str) -> None:
    def verify() -> tuple[int, str]:
        done = command("verify_ledger", **ENVIRONMENT, YZT_DATABASE_URL=database_url)
        return done.returncode, done.stdout + done.stderr

    budget = await make_budget(await make_fund(), 3 * REWARD_FEN)
    award = await make_award(await make_organisation())
    await reserve(budget, award)
    assert await ledger_check.faults() == []
    assert verify() == (0, "every fen is explained\n")
    await Budget.filter(id=budget.id).update(reserved_fen=REWARD_FEN + 1, available_fen=2 * REWARD_FEN - 1)
    assert await wrong(budget) == ["available", "reserved"]
    await Award.filter(id=award.id).update(state=AwardState.PAID)
    code, told = verify()
    assert (code, told.splitlines()) == (
        1,
        [
            f"ledger budget {budget.id} of {budget.year}: available is 99999 fen, its entries come to 100000",
            f"ledger budget {budget.id} of {budget.year}: reserved is 50001 fen, its entries come to 50000",
            f"ledger budget {budget.id} of {budget.year}: the money of award {award.id} is not where its state says",
            "the ledger is not whole: 3 faults",
        ],
    )


async def test_a_planted_entry_is_found_though_every_sum_fits() -> None:
    budget = await make_budget(await make_fund(), 100)
    [entry] = await LedgerEntry.filter(budget_id=budget.id)
    await LedgerEntry.create(
        budget=budget,
        kind=KINDS.RESERVE,
        source="available",
        target="spent",
        amount_fen=5,
        made_at=clock.now(),
        award_id=new_id(),
    )
    await Budget.filter(id=budget.id).update(available_fen=95, spent_fen=5)
    assert await wrong(budget) == ["sides"]
    await LedgerEntry.create(
        budget=budget, kind=KINDS.REDUCE, source="available", target="appropriated", amount_fen=5, reverses=entry,
        made_at=clock.now(),
    )  # fmt: skip
    await Budget.filter(id=budget.id).update(available_fen=90, appropriated_fen=95)
    assert await wrong(budget) == ["sides", "reversals"]
    await LedgerEntry.create(
        budget=budget, kind=KINDS.RESERVE, source="available", target="reserved", amount_fen=3, made_at=clock.now()
    )
    await Budget.filter(id=budget.id).update(available_fen=87, reserved_fen=3)
    assert [check.entries_fen for check in await explaining.explain(budget.id) if check.what == "sides"] == [5 + 3]
    await Budget.filter(id=budget.id).update(carried_fen=7)
    assert await wrong(budget) == ["carried", "zero", "sides", "reversals", "carried_over"]


async def test_the_burn_down_by_month() -> None:
    fund, school = await make_fund(), await make_organisation()
    clock.move_to(datetime(2026, 2, 28, 15, 59, tzinfo=UTC))  # the last minute of February in Anqing
    budget, award = await make_budget(fund, 3 * REWARD_FEN), await make_award(school)
    clock.move_to(datetime(2026, 2, 28, 16, 1, tzinfo=UTC))
    await reserve(budget, award)
    clock.move_to(datetime(2026, 5, 10, tzinfo=UTC))
    for kind in (KINDS.COMMIT, KINDS.SPEND):
        await move(budget, kind, award)
    months = await explaining.burn_down(await Budget.get(id=budget.id))
    assert [(one.month, one.available_fen // REWARD_FEN, one.reserved_fen, one.spent_fen) for one in months] == [
        ("2026-01", 0, 0, 0),
        ("2026-02", 3, 0, 0),
        ("2026-03", 2, REWARD_FEN, 0),
        ("2026-04", 2, REWARD_FEN, 0),
        ("2026-05", 2, 0, REWARD_FEN),
    ]
    clock.move_to(datetime(2027, 1, 5, tzinfo=UTC))
    await move(budget, KINDS.BANK_RETURN, award)
    months = await explaining.burn_down(await Budget.get(id=budget.id))
    assert ([one.month for one in months][-2:], months[-1].spent_fen, len(months)) == (["2026-12", "later"], 0, 13)
