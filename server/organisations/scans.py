"""Scans of papers: made anew as plain pictures, kept sealed, swept once nothing names them.

Every scan has an id of its own, so that the row and the file can never tell of two different pictures: the row names
the new one only once it is on disk, and the old one goes only once the row has let go of it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from tortoise.models import Model

from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.transactions import DATABASE_AWAY, shielded
from server.organisations.models import Organisation, PayeeAccount
from server.organisations.ports import Files, Scans

LONGEST_UNNAMED = timedelta(days=1)
"""A scan that no row names after that was left by a process that died between the two, or let go of by its row."""
Naming = Sequence[tuple[type[Model], str]]
"""Columns that name files."""
NAMING: Naming = ((Organisation, "licence_scan_id"), (PayeeAccount, "document_scan_id"))
T = TypeVar("T")
Named = Callable[[], Awaitable[UUID | None]]
"""Returns the scan that a row names."""
Name = Callable[[UUID], Awaitable[tuple[T, UUID | None]]]
"""Makes a row name a scan; returns what the caller wants of it, and the scan that the row let go of."""


async def put(data: bytes, scans: Scans, files: Files, name: Name[T]) -> T:
    """Keep `data`, a JPEG or PNG, under a new id that `name` writes into its row; return what that returns.

    Raises `scan_…` for what is no fit picture, and what `name` raises.
    """
    # whoever hangs up now must not part the row from its file
    return await shielded(_keep(await scans.clean(data), files, name))


async def read(named: Named, files: Files) -> bytes | None:
    """Return the scan that a row names as a JPEG, None where it names none."""
    try:
        return await _read(await named(), files)
    except FileNotFoundError:  # replaced between the row and the file
        return await _read(await named(), files)


async def sweep(files: Files, naming: Naming = NAMING) -> Mapping[str, int]:
    """Remove what nobody will ever look at: drafts, and files that no row names; return how many of each.

    What the columns of `naming` name is all that `files` hold.
    """
    before = clock.now() - LONGEST_UNNAMED
    kept = await files.older(before)  # first: a row that names one of them by now is seen below
    unnamed = set(kept) - await _named(naming)
    for file_id in sorted(unnamed):
        await files.delete(file_id)
    return {"drafts": await files.drop_drafts(before), "scans": len(unnamed)}


async def _named(naming: Naming) -> set[object]:
    named: set[object] = set()
    for model, column in naming:
        named |= set(await model.filter(**{f"{column}__isnull": False}).values_list(column, flat=True))
    return named


async def _read(scan_id: UUID | None, files: Files) -> bytes | None:
    return await files.read(scan_id) if scan_id else None


async def _keep(cleaned: bytes, files: Files, name: Name[T]) -> T:
    scan_id = new_id()
    await files.write(scan_id, cleaned)
    try:
        kept, let_go = await name(scan_id)
    except DATABASE_AWAY:  # nobody knows whether the row names it by now; what none names is swept
        raise
    except Exception:
        await files.delete(scan_id)
        raise
    if let_go:
        await files.delete(let_go)
    return kept
