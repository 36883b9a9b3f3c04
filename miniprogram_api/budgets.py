"""A fund's money by fiscal year: what was put in, every movement, where each fen is, and the end of the year."""

from uuid import UUID

from sanic import HTTPResponse, Request

from miniprogram_api.budget_views import (
    BudgetView,
    Closing,
    EntryView,
    NewEntry,
    WholeBudgetView,
    entries_table,
    whole,
)
from miniprogram_api.idempotent import made
from miniprogram_api.listing import listed
from miniprogram_api.people import decider
from miniprogram_api.reading import Day
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query
from server.awards import closing, ledger_check
from server.awards import explaining as awards
from server.funds import budgets as service
from server.funds import explaining
from server.funds import service as funds
from server.funds.budgets import Wanted
from server.funds.models import Budget, EntryKind, LedgerEntry
from server.kernel.paging import Page
from server.organisations.roles import STAFF, Role
from server.statements.naming import Named, named

budgets = Face("budgets", url_prefix="/funds/<fund_id:uuid>/budgets")


class EntriesQuery(Exportable):
    """Which entries, of which days, both included; left out: all."""

    kind: EntryKind | None = None
    award: UUID | None = None
    statement: UUID | None = None
    since: Day | None = None
    until: Day | None = None

    def wanted(self) -> Wanted:
        """Return it as the service takes it."""
        return Wanted(**{name: getattr(self, name) for name in Wanted.__slots__})


def _entered(entry: LedgerEntry) -> FixedResponse:
    return made(answer(EntryView.of(Named(entry, "", "")), 201), str(entry.id))


async def _entered_again(_request: Request, entry_id: str) -> HTTPResponse:
    return _entered(await LedgerEntry.get(id=entry_id))


def _closed(budget: Budget) -> FixedResponse:
    return made(answer(BudgetView.of(budget)), str(budget.id))


async def _closed_again(_request: Request, budget_id: str) -> HTTPResponse:
    return _closed(await Budget.get(id=budget_id))


@budgets.get("/")
@allow(*STAFF)
@answers(200, ListView[BudgetView])
async def index(_request: Request, fund_id: UUID) -> HTTPResponse:
    """List a fund's budgets, the latest year first."""
    await funds.fund(fund_id)
    items = tuple(BudgetView.of(budget) for budget in await service.of_fund(fund_id))
    return answer(ListView[BudgetView](items=items, next_cursor=None))


@budgets.get("/<year:int>")
@allow(*STAFF)
@answers(200, WholeBudgetView)
async def show(_request: Request, fund_id: UUID, year: int) -> HTTPResponse:
    """Show a year's money: where each fen is, the proof of it, and how it went down by month."""
    budget = await service.of_year(fund_id, year)
    proof, places = await ledger_check.prove(budget.id), await awards.places(budget.id)
    return answer(whole(budget, proof, places, await explaining.burn_down(budget)))


@budgets.get("/<year:int>/entries")
@allow(*STAFF)
@query(EntriesQuery)
@answers(200, ListView[EntryView], *MEDIA)
async def entries(request: Request, fund_id: UUID, year: int, query: EntriesQuery) -> HTTPResponse:
    """List the movements of a year's money, the newest first; finance and auditors take it as a file."""
    budget = await service.of_year(fund_id, year)
    wanted = query.wanted()

    async def fetch(limit: int, cursor: str | None) -> Page[Named]:
        return await named(await service.entries(budget.id, wanted, limit, cursor))

    return await listed(request, query, entries_table(request.app.ctx.words), fetch, EntryView.of)


@budgets.post("/<year:int>/entries")
@allow(Role.FINANCE, Role.ADMIN)
@idempotent(_entered_again, required=True)
@body(NewEntry)
@answers(201, EntryView)
async def enter(request: Request, fund_id: UUID, year: int, body: NewEntry) -> HTTPResponse:
    """Put money into a year's budget, which the first entry makes, or take out what is left of it."""
    return _entered(await service.enter(fund_id, year, body.by_hand(request.ctx.caller.person_id)))


@budgets.post("/<year:int>/close")
@allow(Role.FINANCE)
@idempotent(_closed_again, required=True)
@body(Closing)
@answers(200, BudgetView)
async def close(request: Request, fund_id: UUID, year: int, body: Closing) -> HTTPResponse:
    """Close this year or a past one, for ever: there is no way back, and no money goes into it any more.

    Reserves are let go, their awards wait for the next year's money, and only what is said is carried over.
    """
    by = decider(request, body)
    return _closed(await closing.close(fund_id, year, body.carry_over_fen, by))
