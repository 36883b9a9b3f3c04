"""Which memberships are in force."""

from collections.abc import Collection, Mapping
from uuid import UUID

from server.organisations import heirs
from server.organisations.models import Membership, MembershipState, OrganisationState
from server.organisations.roles import Kind, Role
from server.people.models import PersonState


async def memberships(person_id: UUID) -> list[Membership]:
    """Return a person's memberships with their organisations, the oldest first.

    Those that are only asked for, or of closed organisations, are none.
    """
    mine = Membership.filter(person_id=person_id, state=MembershipState.ACTIVE, ended_at=None)
    in_force = mine.exclude(organisation__state=OrganisationState.CLOSED)
    return await in_force.select_related("organisation").order_by("id")


async def acting(organisation_ids: Collection[UUID]) -> Mapping[UUID, list[UUID]]:
    """Return who may act for each of these organisations, clerks and managers alike; two statements.

    For a closed one these are the people of what carries it on.
    """
    standing = await heirs.heirs(organisation_ids)
    members = Membership.filter(
        organisation_id__in=list(set(standing.values())),
        state=MembershipState.ACTIVE,
        ended_at=None,
        person__state=PersonState.ACTIVE,
    )
    people: dict[UUID, list[UUID]] = {one: [] for one in standing.values()}
    for row in await members.order_by("id"):
        people[row.organisation_id].append(row.person_id)
    return {one: list(people[heir]) for one, heir in standing.items()}


async def staff(*roles: Role) -> Mapping[UUID, Role]:
    """Return who may act in the secretariat in one of these roles, and in which; one statement."""
    members = Membership.filter(
        organisation__kind=Kind.SECRETARIAT,
        role__in=list(roles),
        state=MembershipState.ACTIVE,
        ended_at=None,
        person__state=PersonState.ACTIVE,
    )
    return {row.person_id: row.role for row in await members.order_by("id")}
