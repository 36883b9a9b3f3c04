"""What must be on file before a fund pays: its legal basis, the body that really pays, the recognition of the year."""

from collections.abc import Collection, Iterable
from datetime import date
from uuid import UUID

from tortoise.queryset import QuerySet

from server.funds.models import FundPaper, PaperKind
from server.kernel import clock
from server.kernel.errors import DomainError
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind


async def missing(fund_id: UUID, entry_year: int) -> list[PaperKind]:
    """Return which papers for the awards of an entry year are not on file, or hold no more, as of today."""
    return (await missing_of([(fund_id, entry_year)]))[fund_id, entry_year]


async def missing_of(asked: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], list[PaperKind]]:
    """Return the same of several funds and entry years; one statement."""
    rows = await _current().filter(fund_id__in=sorted({fund_id for fund_id, _ in asked})) if asked else []
    found = {}
    for fund_id, year in asked:
        on_file = {one.kind for one in rows if one.fund_id == fund_id and _counts(one, year, clock.today())}
        found[fund_id, year] = [kind for kind in PaperKind if kind not in on_file]
    return found


async def require(fund_id: UUID, entry_year: int) -> None:
    """Raise DomainError 409, naming them, where a paper for the awards of an entry year is missing."""
    if kinds := await missing(fund_id, entry_year):
        raise lacking(kinds)


async def payer(fund_id: UUID) -> Organisation:
    """Return the body that pays a fund's awards; raises DomainError 409 where no paper names one that is verified."""
    for paper in await current(fund_id):
        if paper.kind is PaperKind.PAYER and paper.payer and _counts(paper, None, clock.today()):
            return paper.payer
    raise lacking([PaperKind.PAYER])


async def payers_of(fund_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return by fund which body pays its awards, of those that have one; one statement."""
    rows = await _current().filter(fund_id__in=sorted(fund_ids), kind=PaperKind.PAYER)
    return {one.fund_id: one.payer_id for one in rows if one.payer_id and _counts(one, None, clock.today())}


def lacking(kinds: Iterable[PaperKind]) -> DomainError:
    """Return the 409 that names the papers that are missing."""
    return DomainError("fund_papers_missing", 409, papers=list(kinds))


def current(fund_id: UUID) -> QuerySet[FundPaper]:
    """Return the papers of a fund that no newer one replaces, with the body that each names."""
    return _current().filter(fund_id=fund_id)


def _current() -> QuerySet[FundPaper]:
    return FundPaper.filter(replaced_at=None).select_related("payer").order_by("kind", "year")


def pays(body: Organisation | None) -> bool:
    """Whether a body may pay awards: an authority, such as a finance bureau, that the secretariat has verified."""
    return bool(body and body.kind is Kind.AUTHORITY and body.state is OrganisationState.VERIFIED)


def _counts(paper: FundPaper, entry_year: int | None, today: date) -> bool:
    """Whether a current paper holds on a day, and for an entry year where it is about one."""
    if paper.valid_to and paper.valid_to < today:
        return False
    if paper.kind is PaperKind.RECOGNITION:
        return paper.year == entry_year
    return paper.kind is not PaperKind.PAYER or pays(paper.payer)
