"""Lists as they arrive, and what became of them and of their rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from server.imports import turns
from server.imports.models import Import, ImportKind, ImportRow, Outcome
from server.imports.stored import Row, packed
from server.imports.work import cell
from server.kernel import audit, clock, sensitive
from server.kernel.errors import DomainError, found
from server.kernel.ids import new_id
from server.kernel.jobs.queue import Wakeup
from server.kernel.paging import Page, Sort, page, whole
from server.kernel.transactions import shielded, transaction
from server.organisations.models import OrganisationState
from server.organisations.ports import Files

MOST_WAITING = 5
"""Of one school and kind: a school has a few classes, and whoever sends more sends them again and again."""
NEWEST = Sort("created_at")
BY_NUMBER = Sort("number", descending=False, parse=whole)


@dataclass(frozen=True, slots=True)
class Sent:
    """A list as it was read: of what kind, of which school, by whom, and what holds for all its rows."""

    kind: ImportKind
    organisation_id: UUID
    person_id: UUID
    terms: Mapping[str, Any]
    sheet: str
    headings: Sequence[tuple[str, str]]
    ignored: Sequence[str]
    rows: Sequence[Row]


async def keep(sent: Sent, files: Files) -> UUID:
    """Keep the rows of a list, sealed, and return by which id; outside a transaction."""
    rows_id = new_id()
    await shielded(files.write(rows_id, packed(sent.rows)))
    return rows_id


@transaction
async def receive(rows_id: UUID, sent: Sent, wakeup: Wakeup) -> Import:
    """Take in a list whose rows are kept under `rows_id`; it is worked off when its turn comes.

    Raises DomainError 404; 409 for a school that is not verified; 429 where `MOST_WAITING` wait.
    """
    school = await turns.hold_school(sent.organisation_id)
    if school.state is not OrganisationState.VERIFIED:
        raise DomainError("organisation_state", 409)
    live = Import.filter(organisation_id=school.id, kind=sent.kind, state__in=turns.LIVE)
    if await live.count() >= MOST_WAITING:
        raise DomainError("too_many_imports", 429, most=MOST_WAITING)
    source = await Import.create(
        kind=sent.kind,
        organisation_id=school.id,
        person_id=sent.person_id,
        terms=dict(sent.terms),
        sheet=sent.sheet,
        headings=[list(pair) for pair in sent.headings],
        ignored=list(sent.ignored),
        total=len(sent.rows),
        rows_id=rows_id,
        created_at=clock.now(),
    )
    await audit.note(f"import:{source.id}", "import.received", actor_id=sent.person_id, after=source.state)
    await turns.begin_next(school.id, sent.kind, wakeup)
    return await imported(source.id)


async def imported(import_id: UUID) -> Import:
    """Return one import with its school; raises DomainError 404."""
    return found(await Import.get_or_none(id=import_id).select_related("organisation"), "import")


async def listed(kind: ImportKind, schools: Collection[UUID], limit: int, cursor: str | None) -> Page[Import]:
    """Return the imports of some schools, each with its school, the newest first.

    Raises DomainError 422 for a foreign cursor.
    """
    mine = Import.filter(kind=kind, organisation_id__in=list(schools)).select_related("organisation")
    return await page(mine, NEWEST, limit, cursor)


async def rows(import_id: UUID, outcome: Outcome | None, limit: int, cursor: str | None) -> Page[ImportRow]:
    """Return what became of the rows of an import, in their order; raises DomainError 422 for a foreign cursor."""
    done = ImportRow.filter(source_id=import_id)
    return await page(done.filter(outcome=outcome) if outcome else done, BY_NUMBER, limit, cursor)


async def failed_rows(source: Import, by: UUID, reason: str) -> Sequence[ImportRow]:
    """Return the refused rows of an import, to be given to `by` as they were sent; that is noted."""
    refused = await ImportRow.filter(source_id=source.id, outcome=Outcome.REFUSED).order_by("number")
    action, columns = "import.failed_rows_given", [name for name, _ in source.headings]
    await audit.note(f"import:{source.id}", action, actor_id=by, reason=reason, fields=columns)
    return refused


def values_of(row: ImportRow) -> Mapping[str, Any]:
    """Return what a row said by field, nothing for one whose values were not kept; raises VaultError."""
    if row.cells_sealed is None:
        return {}
    values: Mapping[str, Any] = orjson.loads(sensitive.text(cell(row.id), row.cells_sealed))
    return values
