"""What can be appealed: each kind of subject brings a `Contestable`."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from server.access.rules import Owner
from server.kernel.audit import AuditEntry
from server.organisations.roles import Role
from server.people.service import Decider


class Contestable(Protocol):
    """How the refusals of one kind of subject are contested."""

    @property
    def decided_by(self) -> Collection[Role]:
        """In which roles of the secretariat appeals are decided: as what is contested was."""

    async def owner(self, subject_id: UUID) -> Owner:
        """Return to whom the subject belongs: its person and its managers may appeal; raises DomainError 404."""

    async def hold(self, subject_id: UUID) -> AuditEntry | None:
        """Hold the subject until the transaction ends and return its standing refusal, None where none stands."""

    async def overturn(self, subject_id: UUID, by: Decider) -> None:
        """Do what was refused to the held subject; raises DomainError where that cannot be done any more."""

    async def require_outsider(self, subject_id: UUID, person_id: UUID) -> None:
        """Raise DomainError 403 for who has an interest of their own in the subject."""

    async def concerned(self, subject_id: UUID) -> Collection[UUID]:
        """Return the people who are told."""
