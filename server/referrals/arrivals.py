"""A list as it arrives: refused at once where nothing could come of it, read, and kept until it is worked off."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from server.imports import headings
from server.imports import service as imports
from server.imports.headings import Column
from server.imports.models import ImportKind
from server.imports.ports import Sheet, Spreadsheets
from server.imports.service import Sent
from server.imports.stored import twinned
from server.kernel import codes
from server.kernel.errors import FieldFault, invalid
from server.organisations.ports import Files
from server.referrals import importing, receiving, service
from server.referrals.columns import Lists
from server.referrals.importing import Wanted
from server.referrals.terms import terms

LONGEST_HEADING = 50
UNTOLD = "…"
"""Stands for a heading with somebody's number in it."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends a list, of what kind, for which school."""

    kind: ImportKind
    school_id: UUID
    person_id: UUID


async def take_in(  # noqa: PLR0913, PLR0917 -- what comes, and with what it is read
    sender: Sender, wanted: Wanted, data: bytes, spreadsheets: Spreadsheets, lists: Lists, files: Files
) -> tuple[UUID, Sent]:
    """Return a list that was read, and the id by which its rows are kept for `imports.receive`.

    Raises DomainError 409 for a school that is not verified, outside the window, and for a year that is over; 422 for
    terms that cannot be; `spreadsheet_…` for what is no fit list.
    """
    await _require_open(sender, wanted)
    sheets = await spreadsheets.read(data)
    columns = await importing.columns(sender.kind, lists)
    sent = await asyncio.to_thread(_sent, sender, wanted, sheets, columns)  # ten thousand rows take a moment
    return await imports.keep(sent, files), sent


async def _require_open(sender: Sender, wanted: Wanted) -> None:
    if sender.kind is ImportKind.ENROLMENT:
        await receiving.terms(wanted.year, wanted.intake)
        return
    known = (await terms(wanted.year, wanted.intake)).schools
    if wanted.named_school and str(wanted.named_school) not in known:
        raise invalid(FieldFault("/named_school", "school_unknown"))
    await service.require_open(sender.school_id, wanted.year, wanted.intake)


def _sent(sender: Sender, wanted: Wanted, sheets: Sequence[Sheet], columns: Sequence[Column]) -> Sent:
    table = headings.table(sheets, columns)
    return Sent(
        sender.kind,
        sender.school_id,
        sender.person_id,
        {**wanted.kept(), "unread": list(_told(table.unread))},
        next(_told([table.sheet])),
        [(field, next(_told([heading]))) for field, heading in table.headings],
        list(_told(table.ignored)),
        twinned(table.rows, importing.same_student),
    )


def _told(texts: Sequence[str]) -> Iterator[str]:
    """Yield what columns and sheets are called as far as it is kept: not at length, and without anybody's number."""
    yield from (UNTOLD if codes.personal(text) else text[:LONGEST_HEADING] for text in texts)
