"""Funds with papers and money, and awards that have their share of it."""

from datetime import timedelta
from itertools import count
from typing import Any

from server.awards.models import Award, AwardRun, AwardState, RunKind, RunState
from server.funds import budgets, ledger
from server.funds.budgets import ByHand
from server.funds.ledger import Move
from server.funds.models import Budget, EntryKind, Fund, FundPaper, PaperKind
from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.organisations.models import Organisation
from server.organisations.roles import Kind
from server.statements.models import Statement
from tests.factories import make_organisation, make_person

REWARD_FEN = 50_000
_numbers = count()


async def make_fund(*programmes: str, papers_of: int | None = None, **values: Any) -> Fund:
    """A fund for programmes, which need not exist; with all its papers for an entry year where that is given."""
    defaults = {"name": f"奖补资金{next(_numbers)}", "clause": "aq-2024-91/s2", "created_at": clock.now()}
    fund = await Fund.create(programmes=list(programmes), made_by_id=new_id(), **{**defaults, **values})
    if papers_of is not None:
        for kind in PaperKind:
            await make_paper(fund, kind, year=papers_of if kind is PaperKind.RECOGNITION else None)
    return fund


async def make_paper(fund: Fund, kind: PaperKind, **values: Any) -> FundPaper:
    """A paper that holds; that on who pays names a verified authority."""
    today = clock.today()
    payer = await make_organisation(Kind.AUTHORITY, name="市财政局（示例）") if kind is PaperKind.PAYER else None
    defaults = {
        "title": "关于奖补的通知（示例）",
        "issuer": "市政府办（示例）",
        "issued_on": today - timedelta(days=30),
        "payer": payer,
        "scan_id": new_id(),
        "put_by_id": new_id(),
        "put_at": clock.now(),
    }
    return await FundPaper.create(fund=fund, kind=kind, **{**defaults, **values})


async def make_budget(fund: Fund, fen: int, year: int | None = None) -> Budget:
    """The budget of a year, by default this one, with so much more in it than before."""
    year, by = year or clock.today().year, (await make_person()).id
    entry = await budgets.enter(fund.id, year, ByHand(EntryKind.APPROPRIATE, fen, by, "年度安排"))
    return await Budget.get(id=entry.budget_id)


async def make_award(payee: Organisation, **values: Any) -> Award:
    """An award to a school for a matter of its own, proposed unless `state` says otherwise, whatever there is to it."""
    now = clock.now()
    run = values.pop("run", None) or await AwardRun.create(
        kind=RunKind.PROPOSE, chosen={}, actor_id=new_id(), state=RunState.DONE, counts={}, created_at=now, ended_at=now
    )
    defaults = {
        "programme": "feeder-referral",
        "year": clock.today().year,
        "matter": str(new_id()),
        "amount_fen": REWARD_FEN,
        "entered_on": clock.today(),
        "rule_version": "2024",
        "facts": {},
        "verdict": {"version": "2024", "verdict": "eligible", "checks": [], "warnings": []},
        "created_at": now,
        "state_since": now,
    }
    return await Award.create(payee=payee, run=run, **{**defaults, **values})


async def make_statement(budget: Budget, payee: Organisation, **values: Any) -> Statement:
    """An open statement of a budget, with nothing on it."""
    now = clock.now()
    defaults = {"number": f"S{next(_numbers):08}", "opened_by_id": new_id(), "created_at": now, "state_since": now}
    return await Statement.create(budget=budget, fund_id=budget.fund_id, payee=payee, **{**defaults, **values})


@transaction
async def reserve(budget: Budget, *awards: Award) -> None:
    """Approve awards as if all that comes before had happened: their money is reserved."""
    held = await ledger.hold(budget.id)
    await ledger.post(held, [Move(EntryKind.RESERVE, one.amount_fen, award_id=one.id) for one in awards], None)
    for one in awards:
        one.state, one.fund_id, one.budget_id = AwardState.APPROVED, budget.fund_id, budget.id
        one.queued_at = clock.now()
        await one.save()


@transaction
async def move(budget: Budget, kind: EntryKind, award: Award, **more: Any) -> None:
    """Move an award's money, and nothing else."""
    held = await ledger.hold(budget.id)
    await ledger.post(held, [Move(kind, award.amount_fen, award_id=award.id, **more)], None)
