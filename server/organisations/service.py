"""Organisations and their members, as those who may see them see them."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from server.kernel.errors import found
from server.kernel.paging import Page, Sort, page
from server.organisations import heirs
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import Kind

NEWEST_FIRST, OLDEST_FIRST = Sort("created_at"), Sort("created_at", descending=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which organisations; None is any. `q` is part of the name."""

    kind: Kind | None = None
    state: OrganisationState | None = None
    region: str | None = None
    q: str | None = None


async def organisations(
    wanted: Wanted, within: Collection[UUID] | None, limit: int, cursor: str | None
) -> Page[Organisation]:
    """Return a page of organisations, the newest first; `within` narrows them to those ids, None does not."""
    query = Organisation.all() if within is None else Organisation.filter(id__in=list(within))
    exact = {"kind": wanted.kind, "state": wanted.state, "region": wanted.region}
    query = query.filter(**{name: value for name, value in exact.items() if value is not None})
    if wanted.q is not None:
        query = query.filter(name__icontains=wanted.q)
    return await page(query, NEWEST_FIRST, limit, cursor)


async def organisation(organisation_id: UUID) -> Organisation:
    """Return an organisation; raises DomainError 404."""
    return found(await Organisation.get_or_none(id=organisation_id), "organisation")


async def carrying_on(organisation_id: UUID) -> Organisation:
    """Return what carries an organisation on: itself, or of a closed one the last that was named; raises 404.

    That may itself have been closed since: then nothing carries it on.
    """
    return await organisation(await heirs.heir(organisation_id))


async def members(organisation_id: UUID, limit: int, cursor: str | None) -> Page[Membership]:
    """Return a page of lasting and requested memberships, the oldest first, each with its person and organisation."""
    members = Membership.filter(organisation_id=organisation_id, ended_at=None)
    lasting = members.select_related("person", "organisation")
    return await page(lasting, OLDEST_FIRST, limit, cursor)


async def membership(membership_id: UUID) -> Membership:
    """Return a membership that lasts or is asked for, with its organisation and person; raises DomainError 404."""
    lasting = Membership.get_or_none(id=membership_id, ended_at=None)
    return found(await lasting.select_related("organisation", "person"), "membership")
