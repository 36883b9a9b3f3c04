"""Entries of the ledger with what people call the award and the statement that they are about."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from server.awards.models import Award
from server.funds.models import LedgerEntry
from server.kernel.paging import Page
from server.statements.models import Statement


@dataclass(frozen=True, slots=True)
class Named:
    """An entry; `about` is the number of the award's claim, or its matter, both texts empty where there is none."""

    entry: LedgerEntry
    about: str
    statement: str


async def named(found: Page[LedgerEntry]) -> Page[Named]:
    """Return a page of entries with their names; two statements."""
    awards, statements = await _awards(found.items), await _statements(found.items)
    items = [
        Named(one, awards.get(one.award_id, ""), statements.get(one.statement_id, ""))  # type: ignore[arg-type]
        for one in found.items
    ]
    return Page(items, found.next_cursor)


async def _awards(entries: Iterable[LedgerEntry]) -> dict[UUID, str]:
    ids = {one.award_id for one in entries if one.award_id}
    rows = await Award.filter(id__in=list(ids)).select_related("referral") if ids else []
    return {row.id: row.referral.number if row.referral else row.matter for row in rows}


async def _statements(entries: Iterable[LedgerEntry]) -> dict[UUID, str]:
    ids = {one.statement_id for one in entries if one.statement_id}
    rows = await Statement.filter(id__in=list(ids)).only("id", "number") if ids else []
    return {row.id: row.number for row in rows}
