"""Putting a paper on file: a scan, and what it says; a newer one takes its place, or it is taken off again."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

from server.funds import papers, service
from server.funds.models import FundPaper, PaperKind
from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.transactions import transaction
from server.organisations import scans
from server.organisations.models import Organisation
from server.organisations.ports import Files, Scans
from server.people.service import Decider

OLDEST_YEAR = 2019
"""The year of the first document that promises an award."""


@dataclass(frozen=True, slots=True)
class NewPaper:
    """What a paper says. `payer_id` is named by a paper on who pays only, `year` by a recognition only."""

    kind: PaperKind
    title: str
    number: str
    issuer: str
    issued_on: date
    valid_to: date | None
    payer_id: UUID | None
    year: int | None
    put_by_id: UUID


async def put(fund_id: UUID, paper: NewPaper, data: bytes, cleaner: Scans, files: Files) -> FundPaper:
    """Keep `data`, a JPEG or PNG, as a paper of a fund, in the place of an earlier one, which stays in the history.

    Raises DomainError 404, 422 with every field at fault, `scan_…` for what is no fit picture.
    """
    await service.fund(fund_id)
    await _require_sound(paper)
    return await scans.put(data, cleaner, files, partial(_file, fund_id, paper))


@transaction
async def withdraw(fund_id: UUID, paper_id: UUID, by: Decider) -> FundPaper:
    """Take a paper off, which is wrong or holds no more: from now on nothing is paid on it; it stays in the history.

    Raises DomainError 404, 409 where it is off already, or a newer one has taken its place.
    """
    await service.hold(fund_id)
    held = found(await FundPaper.get_or_none(id=paper_id, fund_id=fund_id), "fund_paper")
    if held.replaced_at:
        raise DomainError("paper_replaced", 409)
    held.replaced_at = clock.now()
    await held.save(update_fields=["replaced_at"])
    said = {"before": held.kind, "fields": ["basis"], "reason": by.reason}
    await service.note(fund_id, "fund.paper_withdrawn", by.person_id, **said)
    return held


async def paper(paper_id: UUID) -> FundPaper:
    """Return a paper, also one that was replaced; raises DomainError 404."""
    return found(await FundPaper.get_or_none(id=paper_id), "fund_paper")


async def picture(fund_id: UUID, paper_id: UUID, files: Files) -> bytes | None:
    """Return the scan of a fund's paper as a JPEG, also of one that was replaced; raises DomainError 404."""
    row = found(await FundPaper.get_or_none(id=paper_id, fund_id=fund_id), "fund_paper")
    return await files.read(row.scan_id)


async def history(fund_id: UUID) -> list[FundPaper]:
    """Return every paper of a fund, the newest first."""
    return await FundPaper.filter(fund_id=fund_id).select_related("payer").order_by("-id")


@transaction
async def _file(fund_id: UUID, paper: NewPaper, scan_id: UUID) -> tuple[FundPaper, None]:
    await service.hold(fund_id)
    said = {name: getattr(paper, name) for name in NewPaper.__slots__}
    same = FundPaper.filter(fund_id=fund_id, kind=paper.kind, year=paper.year, replaced_at=None)
    await same.update(replaced_at=clock.now())
    made = await FundPaper.create(fund_id=fund_id, scan_id=scan_id, put_at=clock.now(), **said)
    await service.note(fund_id, "fund.paper_put", paper.put_by_id, after=paper.kind, fields=["basis"])
    await made.fetch_related("payer")
    return made, None


async def _require_sound(paper: NewPaper) -> None:
    """Raise DomainError 422 with everything that cannot be true of a paper of its kind."""
    faults = [*_faults_of_days(paper), *_faults_of_year(paper), *await _faults_of_payer(paper)]
    if faults:
        raise invalid(*faults)


def _faults_of_days(paper: NewPaper) -> list[FieldFault]:
    today = clock.today()
    faults = [FieldFault("/issued_on", "not_yet")] if paper.issued_on > today else []
    if paper.valid_to and paper.valid_to < today:
        faults.append(FieldFault("/valid_to", "valid_past"))
    return faults


def _faults_of_year(paper: NewPaper) -> list[FieldFault]:
    if paper.kind is not PaperKind.RECOGNITION:
        return [FieldFault("/year", "only_of_recognition")] if paper.year is not None else []
    if paper.year is None:
        return [FieldFault("/year", "missing")]
    last = clock.today().year + 1
    known = OLDEST_YEAR <= paper.year <= last
    return [] if known else [FieldFault("/year", "year_impossible", {"first": OLDEST_YEAR, "last": last})]


async def _faults_of_payer(paper: NewPaper) -> list[FieldFault]:
    if paper.kind is not PaperKind.PAYER:
        return [FieldFault("/payer", "only_of_payer")] if paper.payer_id else []
    if paper.payer_id is None:
        return [FieldFault("/payer", "missing")]
    body = await Organisation.get_or_none(id=paper.payer_id)
    return [] if papers.pays(body) else [FieldFault("/payer", "payer_not_verified")]
