"""How every change of an organisation is made: its row held, written with a new version, noted, and told."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tortoise.exceptions import IntegrityError

from server.kernel import audit, outbox
from server.kernel.errors import DomainError, found
from server.organisations import heirs, memberships
from server.organisations.models import Membership, Organisation


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to an organisation: `event` without its prefix, by whom (None: the system), and why.

    `fields` names what was changed. `before` is the state it was in.
    """

    event: str
    before: str
    by: UUID | None
    reason: str = ""
    fields: tuple[str, ...] = ()


def subject_of(organisation_id: UUID) -> str:
    """Return what the audit calls an organisation."""
    return f"organisation:{organisation_id}"


async def hold(organisation_id: UUID, version: int | None = None) -> Organisation:
    """Keep every other change of an organisation waiting until the transaction ends, and return it.

    Raises DomainError 404, 412 where `version` is given and it has another by now.
    """
    organisation = found(
        await Organisation.filter(id=organisation_id).select_for_update().get_or_none(), "organisation"
    )
    if version is not None and organisation.version != version:
        raise DomainError("stale_version", 412)
    return organisation


async def require_outsider(organisation_id: UUID, person_id: UUID) -> None:
    """Raise DomainError 403 for who belongs to an organisation, ever did, or asked to: they decide nothing about it.

    Nor do those of what carries a closed one on.
    """
    theirs = (await heirs.onward([organisation_id]))[organisation_id]
    if await Membership.exists(organisation_id__in=list(theirs), person_id=person_id):
        raise DomainError("decides_for_own", 403)


async def keep(organisation: Organisation, change: Change, people: Iterable[UUID] | None = None) -> audit.AuditEntry:
    """Write a held organisation, note the change, tell `people` (by default those who lead it); return the entry.

    Raises DomainError 409 where another organisation that stands has its code.
    """
    organisation.version += 1
    try:
        await organisation.save()
    except IntegrityError:
        raise DomainError("code_taken", 409) from None
    return await note(organisation, change, people)


async def note(organisation: Organisation, change: Change, people: Iterable[UUID] | None = None) -> audit.AuditEntry:
    """Leave a change in the audit and in the outbox, as `keep` does."""
    subject, event = subject_of(organisation.id), f"organisation.{change.event}"
    told = await memberships.leading(organisation.id) if people is None else people
    await outbox.record(event, subject, told)
    return await audit.note(
        subject,
        event,
        actor_id=change.by,
        before=change.before,
        after=organisation.state,
        reason=change.reason,
        fields=change.fields,
    )
