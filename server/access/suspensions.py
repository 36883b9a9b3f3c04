"""Who may suspend whom."""

from uuid import UUID

from server.access.rules import Caller
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.organisations import current
from server.organisations.roles import Kind, Role
from server.people import service
from server.people.models import Person
from server.people.service import Decider


@transaction
async def suspend(person_id: UUID, caller: Caller, reason: str) -> Person:
    """Suspend a person; raises DomainError 403 for the secretariat's own, over whom its administrators decide alone.

    And what `people.service.suspend` raises.
    """
    await _require_reach(person_id, caller)
    return await service.suspend(person_id, Decider(caller.person_id, reason))


@transaction
async def restore(person_id: UUID, caller: Caller, reason: str) -> Person:
    """Restore a person; raises DomainError as `suspend` does."""
    await _require_reach(person_id, caller)
    return await service.restore(person_id, Decider(caller.person_id, reason))


async def _require_reach(person_id: UUID, caller: Caller) -> None:
    if any(post.role is Role.ADMIN for post in caller.posts):
        return
    if any(membership.organisation.kind is Kind.SECRETARIAT for membership in await current.memberships(person_id)):
        raise DomainError("not_yours_to_do", 403)
