"""Who may suspend whom.

Over the secretariat's own its administrators decide alone, and one decision after the other: each holds the secretariat
as changes of its members do, and asks again whether the one who decides still may. As nobody decides over themselves,
that one stays, so the secretariat never loses its last administrator.
"""

from uuid import UUID

from server.access.rules import Caller
from server.kernel.transactions import transaction
from server.organisations import memberships
from server.organisations.roles import Kind
from server.people import service
from server.people.models import Person
from server.people.service import Decider


@transaction
async def suspend(person_id: UUID, caller: Caller, reason: str) -> Person:
    """Suspend a person.

    Raises DomainError 403 where the person is of the secretariat and the caller does not administer it, or not any
    more; and what `people.service.suspend` raises.
    """
    await _require_reach(person_id, caller)
    return await service.suspend(person_id, Decider(caller.person_id, reason))


@transaction
async def restore(person_id: UUID, caller: Caller, reason: str) -> Person:
    """Restore a person; raises DomainError as `suspend` does."""
    await _require_reach(person_id, caller)
    return await service.restore(person_id, Decider(caller.person_id, reason))


async def _require_reach(person_id: UUID, caller: Caller) -> None:
    for membership in await memberships.hold_all(person_id, Kind.SECRETARIAT):
        await memberships.require_leader(membership.organisation_id, caller.person_id)
