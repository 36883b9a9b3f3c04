"""Scans of licences: made anew as plain pictures, kept sealed, shown to those entitled.

Every scan has an id of its own, so that the row and the file can never tell of two different pictures: the row names
the new one only once it is on disk, and the old one goes only once the row has let go of it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from tortoise.models import Model

from server.kernel import audit, clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.transactions import shielded, transaction
from server.organisations import keeping, service
from server.organisations.keeping import Change
from server.organisations.models import Organisation, OrganisationState
from server.organisations.ports import Files, Scans

LONGEST_UNNAMED = timedelta(days=1)
"""A scan that no row names after that was left by a process that died between the two."""
Naming = Sequence[tuple[type[Model], str]]
"""Columns that name files."""
NAMING: Naming = ((Organisation, "licence_scan_id"),)


async def put(organisation_id: UUID, data: bytes, scans: Scans, files: Files, *, by: UUID) -> Organisation:
    """Keep `data`, a JPEG or PNG, as the scan of an organisation's licence, in the place of an earlier one.

    Raises DomainError 404, 409 for a suspended or closed organisation, and `scan_…` for what is no fit picture.
    """
    _require_open(await service.organisation(organisation_id))
    # whoever hangs up now must not part the row from its file
    return await shielded(_keep(organisation_id, await scans.clean(data), files, by))


async def picture(organisation_id: UUID, files: Files, *, by: UUID | None) -> bytes | None:
    """Return the scan of an organisation's licence as a JPEG, None where there is none.

    `by` is who looks, where that is no one of its own: it is noted. Raises DomainError 404.
    """
    try:
        found = await _read(organisation_id, files)
    except FileNotFoundError:  # replaced between the row and the file
        found = await _read(organisation_id, files)
    if by and found:
        subject = keeping.subject_of(organisation_id)
        await audit.note(subject, "organisation.licence_viewed", actor_id=by, fields=["licence_scan"])
    return found


async def sweep(files: Files, naming: Naming = NAMING) -> Mapping[str, int]:
    """Remove what nobody will ever look at: drafts, and files that no row names; return how many of each.

    What the columns of `naming` name is all that `files` hold.
    """
    before = clock.now() - LONGEST_UNNAMED
    kept = await files.older(before)  # first: a row that names one of them by now is seen below
    named: set[object] = set()
    for model, column in naming:
        named |= set(await model.filter(**{f"{column}__isnull": False}).values_list(column, flat=True))
    unnamed = [file_id for file_id in kept if file_id not in named]
    for file_id in unnamed:
        await files.delete(file_id)
    return {"drafts": await files.drop_drafts(before), "scans": len(unnamed)}


async def _read(organisation_id: UUID, files: Files) -> bytes | None:
    scan_id = (await service.organisation(organisation_id)).licence_scan_id
    return await files.read(scan_id) if scan_id else None


async def _keep(organisation_id: UUID, cleaned: bytes, files: Files, by: UUID) -> Organisation:
    scan_id = new_id()
    await files.write(scan_id, cleaned)
    try:
        organisation, let_go = await _name(organisation_id, scan_id, by)
    except Exception:
        await files.delete(scan_id)
        raise
    if let_go:
        await files.delete(let_go)
    return organisation


@transaction
async def _name(organisation_id: UUID, scan_id: UUID, by: UUID) -> tuple[Organisation, UUID | None]:
    organisation = await keeping.hold(organisation_id)
    _require_open(organisation)
    replaced, organisation.licence_scan_id = organisation.licence_scan_id, scan_id
    await keeping.keep(organisation, Change("corrected", organisation.state, by, fields=("licence_scan",)))
    return organisation, replaced


def _require_open(organisation: Organisation) -> None:
    if organisation.state in {OrganisationState.SUSPENDED, OrganisationState.CLOSED}:
        raise DomainError("organisation_state", 409)
