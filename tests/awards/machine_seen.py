"""What the tables say of the awards of one world of the state machine, read without what is to be tested."""

from dataclasses import dataclass, field
from uuid import UUID

from server.awards.models import Award, Clawback
from server.funds.models import Budget, FundPaper, LedgerEntry, PaperKind
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.organisations.models import OrganisationState
from server.organisations.roles import Kind
from server.statements.models import Statement, StatementResult, StatementRow
from tests.awards.machine_world import World


@dataclass
class Seen:
    """Everything there is of a world's awards."""

    awards: dict[UUID, Award]
    statements: dict[UUID, Statement]
    rows: dict[UUID, StatementRow]
    results: list[StatementResult]
    clawbacks: dict[UUID, Clawback]
    budgets: list[Budget]
    entries: list[LedgerEntry]
    audit: list[AuditEntry]
    papers: set[tuple[PaperKind, int | None]] = field(default_factory=set)

    def payable(self, award: Award) -> bool:
        """Whether all three papers for an award are on file."""
        return {
            (PaperKind.LEGAL_BASIS, None),
            (PaperKind.PAYER, None),
            (PaperKind.RECOGNITION, award.year),
        } <= self.papers

    def on(self, statement_id: UUID) -> list[Award]:
        """The awards of a locked statement."""
        return [
            self.awards[row.award_id] for row in self.rows.values() if row.statement_id == statement_id and row.award_id
        ]


async def seen(world: World) -> Seen:
    schools = [one.id for one in world.schools]
    awards = {one.id: one for one in await Award.filter(payee_id__in=schools)}
    statements = {one.id: one for one in await Statement.filter(fund_id=world.fund.id)}
    rows = {one.id: one for one in await StatementRow.filter(statement_id__in=list(statements)).order_by("number")}
    clawbacks = {one.id: one for one in await Clawback.filter(payee_id__in=schools)}
    budgets = await Budget.filter(fund_id=world.fund.id)
    subjects = [
        *(f"award:{one}" for one in awards),
        *(f"statement:{one}" for one in statements),
        *(f"clawback:{one}" for one in clawbacks),
    ]
    return Seen(
        awards,
        statements,
        rows,
        await StatementResult.filter(row_id__in=list(rows)).order_by("id"),
        clawbacks,
        budgets,
        await LedgerEntry.filter(budget_id__in=[one.id for one in budgets]).order_by("id"),
        await AuditEntry.filter(subject__in=subjects).order_by("id"),
        await _papers(world),
    )


async def _papers(world: World) -> set[tuple[PaperKind, int | None]]:
    rows = await FundPaper.filter(fund_id=world.fund.id, replaced_at=None).select_related("payer")
    return {(one.kind, one.year) for one in rows if _holds(one)}


def _holds(paper: FundPaper) -> bool:
    if paper.valid_to and paper.valid_to < clock.today():
        return False
    if paper.kind is not PaperKind.PAYER:
        return True
    return bool(paper.payer and (paper.payer.kind, paper.payer.state) == (Kind.AUTHORITY, OrganisationState.VERIFIED))
