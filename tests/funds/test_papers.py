"""Three papers, each still good: without them nothing is payable."""

from datetime import timedelta

import pytest
from tortoise import Tortoise

from server.funds import papers
from server.funds.models import FundPaper, PaperKind
from server.kernel import clock
from server.kernel.errors import DomainError
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind
from server.schedules import FILES_NAMED
from tests.factories import make_organisation
from tests.harness.funding import make_fund, make_paper

pytestmark = pytest.mark.usefixtures("database")
YEAR = 2026


async def test_all_three_and_the_recognition_of_that_year() -> None:
    fund = await make_fund()
    assert await papers.missing(fund.id, YEAR) == list(PaperKind)
    await make_paper(fund, PaperKind.LEGAL_BASIS)
    await make_paper(fund, PaperKind.PAYER)
    await make_paper(fund, PaperKind.RECOGNITION, year=YEAR - 1)
    with pytest.raises(DomainError) as refusal:
        await papers.require(fund.id, YEAR)
    assert (refusal.value.slug, refusal.value.facts) == ("fund_papers_missing", {"papers": [PaperKind.RECOGNITION]})
    await make_paper(fund, PaperKind.RECOGNITION, year=YEAR)
    await papers.require(fund.id, YEAR)
    await papers.require(fund.id, YEAR - 1)
    assert (await papers.payer(fund.id)).kind is Kind.AUTHORITY


async def test_a_paper_that_ended_or_was_replaced_holds_no_more() -> None:
    fund = await make_fund(papers_of=YEAR)
    basis = FundPaper.filter(fund_id=fund.id, kind=PaperKind.LEGAL_BASIS)
    await basis.update(valid_to=clock.today())
    assert await papers.missing(fund.id, YEAR) == []
    await basis.update(valid_to=clock.today() - timedelta(days=1))
    assert await papers.missing(fund.id, YEAR) == [PaperKind.LEGAL_BASIS]
    await basis.update(valid_to=None, replaced_at=clock.now())
    assert await papers.missing(fund.id, YEAR) == [PaperKind.LEGAL_BASIS]


@pytest.mark.parametrize(
    ("kind", "state"), [(Kind.AUTHORITY, OrganisationState.SUSPENDED), (Kind.SECRETARIAT, OrganisationState.VERIFIED)]
)
async def test_the_payer_is_a_verified_authority(kind: Kind, state: OrganisationState) -> None:
    fund = await make_fund(papers_of=YEAR)
    payer: Organisation = await make_organisation(kind, state=state)
    await FundPaper.filter(fund_id=fund.id, kind=PaperKind.PAYER).update(payer_id=payer.id)
    assert await papers.missing(fund.id, YEAR) == [PaperKind.PAYER]
    with pytest.raises(DomainError, match="fund_papers_missing"):
        await papers.payer(fund.id)


def test_every_scan_that_a_row_names_outlives_the_sweep() -> None:
    assert Tortoise.apps
    models = [model for app in Tortoise.apps.values() for model in app.values()]
    naming = {
        (model, name)
        for model in models
        for name in model._meta.db_fields  # noqa: SLF001 -- where Tortoise has them
        if name.endswith("scan_id")
    }
    assert (FundPaper, "scan_id") in naming
    assert naming <= set(FILES_NAMED)
