"""How the refusal of an award is contested."""

from collections.abc import Collection
from uuid import UUID

from server.access import owners
from server.access.rules import Owner
from server.awards import deciders, holding, undoing
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.organisations import heirs, memberships
from server.organisations.roles import Role
from server.people.service import Decider


class AwardRefusals:
    """An award that was refused or cancelled; who had any part in it does not decide the appeal."""

    decided_by = (Role.REVIEWER, Role.APPROVER)
    """As objections are: all of one role may have had a part in it."""

    async def owner(self, subject_id: UUID) -> Owner:
        """Return the owner of an award: its payee; raises DomainError 404."""
        return await owners.award(subject_id)

    async def hold(self, subject_id: UUID) -> AuditEntry | None:
        """Hold the award and return its standing refusal; raises DomainError 404."""
        return await undoing.refusal(await undoing.hold(subject_id))

    async def overturn(self, subject_id: UUID, by: Decider) -> None:
        """Let the award go on from where it was; raises DomainError 409 where it was awarded again since."""
        await undoing.overturn(await undoing.hold(subject_id), by)

    async def require_outsider(self, subject_id: UUID, person_id: UUID) -> None:
        """Raise DomainError 403 for the payee's own people, the student's, and who had a part in the award."""
        held = await holding.award(subject_id)
        known = await deciders.standing(person_id, [held])
        if known.own(held):
            raise DomainError("decides_for_own", 403)
        if await deciders.parts([subject_id], person_id):
            raise DomainError("another_part", 403)

    async def concerned(self, subject_id: UUID) -> Collection[UUID]:
        """Return who leads the payee."""
        return await memberships.leading(await heirs.heir((await holding.award(subject_id)).payee_id))
