"""The scan of an organisation's licence: put by its managers, shown to those entitled."""

from functools import partial
from uuid import UUID

from server.kernel import audit
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.organisations import keeping, scans, service
from server.organisations.keeping import Change
from server.organisations.models import Organisation, OrganisationState
from server.organisations.ports import Files, Scans


async def put(organisation_id: UUID, data: bytes, cleaner: Scans, files: Files, *, by: UUID) -> Organisation:
    """Keep `data`, a JPEG or PNG, as the scan of an organisation's licence, in the place of an earlier one.

    Raises DomainError 404, 409 for a suspended or closed organisation, and `scan_…` for what is no fit picture.
    """
    _require_open(await service.organisation(organisation_id))
    return await scans.put(data, cleaner, files, partial(_name, organisation_id, by))


async def picture(organisation_id: UUID, files: Files, *, by: UUID | None) -> bytes | None:
    """Return the scan of an organisation's licence as a JPEG, None where there is none.

    `by` is who looks, where that is no one of its own: it is noted. Raises DomainError 404.
    """
    found = await scans.read(partial(_named, organisation_id), files)
    if by and found:
        subject = keeping.subject_of(organisation_id)
        await audit.note(subject, "organisation.licence_viewed", actor_id=by, fields=["licence_scan"])
    return found


async def _named(organisation_id: UUID) -> UUID | None:
    return (await service.organisation(organisation_id)).licence_scan_id


@transaction
async def _name(organisation_id: UUID, by: UUID, scan_id: UUID) -> tuple[Organisation, UUID | None]:
    organisation = await keeping.hold(organisation_id)
    _require_open(organisation)
    replaced, organisation.licence_scan_id = organisation.licence_scan_id, scan_id
    await keeping.keep(organisation, Change("corrected", organisation.state, by, fields=("licence_scan",)))
    return organisation, replaced


def _require_open(organisation: Organisation) -> None:
    if organisation.state in {OrganisationState.SUSPENDED, OrganisationState.CLOSED}:
        raise DomainError("organisation_state", 409)
