"""Invitations: codes by which a person joins an organisation with the role that somebody who leads it chose.

A code is made from its invitation's id under the vault's index key and kept as a blind index only, so that the database
alone tells no code. It works once, while it lasts, and while whoever made it may still invite: who was removed cannot
come back by a code of their own. Those who lead an organisation invite; where nobody does who may act, an administrator
of the secretariat invites somebody to lead it.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from tortoise.queryset import QuerySet

from server.kernel import audit, clock, outbox, sensitive
from server.kernel.codes import plain
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.ids import new_id
from server.kernel.paging import Page, Sort, page
from server.kernel.sensitive import Kind
from server.kernel.transactions import transaction
from server.organisations import keeping, memberships
from server.organisations.models import Invitation, Membership, Organisation, OrganisationState
from server.organisations.roles import Role, lead
from server.organisations.secretariat import SECRETARIAT_ID
from server.people.ports import Limits

DAYS, MOST_DAYS = 7, 30
MOST_OPEN = 50
"""How many of one organisation may wait to be used."""
TRIES, ADDRESS_TRIES, TRIES_SECONDS = 10, 200, 600
"""Of one person, and of one address: a whole school may be behind the same one."""
NEWEST_FIRST = Sort("created_at")

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, which has no I, L, O and U."""
_LENGTH = 10
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})


class InvitationState(StrEnum):
    """What became of an invitation."""

    OPEN = "open"
    USED = "used"
    REVOKED = "revoked"
    EXPIRED = "expired"
    VOID = "void"
    """Whoever made it may not invite any longer."""


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation and the state that it is in at this moment."""

    invitation: Invitation
    state: InvitationState


async def allow_try(limits: Limits, person_id: UUID, address: str) -> None:
    """Count one try of a code; raises DomainError 429 past `TRIES` of the person or `ADDRESS_TRIES`."""
    await limits.take("invitation", str(person_id), TRIES, TRIES_SECONDS)
    await limits.take("invitation", address, ADDRESS_TRIES, TRIES_SECONDS)


@transaction
async def make(organisation_id: UUID, role: Role, days: int, *, by: UUID) -> Invitation:
    """Invite one person to a role for `days`; `code_of` tells the code.

    Raises DomainError 403 for who may not invite, 404, 409 for a suspended or closed organisation and past `MOST_OPEN`,
    422 for a role that the kind of organisation does not have.
    """
    organisation = await memberships.hold_open(organisation_id)
    if organisation.state is OrganisationState.SUSPENDED:
        raise DomainError("organisation_state", 409)
    memberships.require_fit(role, organisation.kind)
    await _require_inviter(organisation, role, by)
    now, invitation_id = clock.now(), new_id()
    if await _waiting(organisation_id).filter(expires_at__gt=now).count() >= MOST_OPEN:
        raise DomainError("too_many_invitations", 409, most=MOST_OPEN)
    made = await Invitation.create(
        id=invitation_id,
        organisation=organisation,
        role=role,
        code_hash=_hashes(_code(sensitive.vault().index(Kind.INVITATION, str(invitation_id))))[0],
        made_by_id=by,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    await _note(made, "made", "", InvitationState.OPEN, by)
    return made


def code_of(invitation: Invitation) -> str | None:
    """Return an invitation's code, None where it was made under an index key that is no longer here."""
    codes = map(_code, sensitive.vault().indexes(Kind.INVITATION, str(invitation.id)))
    return next((code for code in codes if invitation.code_hash in _hashes(code)), None)


async def invitation(invitation_id: UUID) -> Invitation:
    """Return an invitation; raises DomainError 404."""
    return found(await Invitation.get_or_none(id=invitation_id), "invitation")


async def invitations(organisation_id: UUID, limit: int, cursor: str | None) -> Page[Invited]:
    """Return a page of an organisation's invitations, the newest first."""
    rows = await page(Invitation.filter(organisation_id=organisation_id), NEWEST_FIRST, limit, cursor)
    inviters = await _inviters(organisation_id)
    return Page([Invited(row, _state(row, inviters)) for row in rows.items], rows.next_cursor)


@transaction
async def revoke(organisation_id: UUID, invitation_id: UUID, *, by: UUID) -> None:
    """Take an invitation back; raises DomainError 404, 409 for one that was used or taken back already."""
    mine = Invitation.filter(id=invitation_id, organisation_id=organisation_id)
    revoked = found(await mine.select_for_update().get_or_none(), "invitation")
    if revoked.used_at or revoked.revoked_at:
        raise DomainError("state_already", 409)
    revoked.revoked_at = clock.now()
    await revoked.save(update_fields=["revoked_at"])
    await _note(revoked, "revoked", InvitationState.OPEN, InvitationState.REVOKED, by)


@transaction
async def accept(code: str, person_id: UUID) -> Membership:
    """Make a person a member by a code, which is then used up, and return the membership with its organisation.

    Raises DomainError 403 for an administrator who made it, 409 for a member, who does not use it up, and for every
    code that does not work the same 422.
    """
    invited = await _held(code)
    if invited is None or not await _works(invited):
        raise invalid(FieldFault("/invitation_code", "invitation_code"))
    membership = await memberships.join(invited.organisation_id, person_id, invited.role, by=person_id)
    if invited.made_by_id == person_id:  # no member, so from the secretariat: nobody puts themselves in the lead
        raise DomainError("decides_for_own", 403)
    invited.used_by_id, invited.used_at = person_id, clock.now()
    await invited.save(update_fields=["used_by_id", "used_at"])
    await _note(invited, "used", InvitationState.OPEN, InvitationState.USED, person_id)
    await outbox.record("invitation.used", _subject(invited), [invited.made_by_id])
    await membership.fetch_related("organisation")
    return membership


async def _held(code: str) -> Invitation | None:
    """Return the invitation of a code, its organisation held before it, as by whoever closes that and takes it back."""
    seen = await Invitation.get_or_none(code_hash__in=_hashes(_read(code))).only("id", "organisation_id")
    if seen is None:
        return None
    await keeping.hold(seen.organisation_id)
    return await Invitation.filter(id=seen.id).select_for_update().get_or_none()


async def _works(invited: Invitation) -> bool:
    organisation = await invited.organisation
    if organisation.state is OrganisationState.CLOSED:
        return False
    return _state(invited, await _inviters(invited.organisation_id)) is InvitationState.OPEN


async def _inviters(organisation_id: UUID) -> list[UUID]:
    """Return who may invite: those who lead the organisation, where nobody does the secretariat's administrators."""
    return await memberships.leading(organisation_id) or await memberships.leading(SECRETARIAT_ID)


async def _require_inviter(organisation: Organisation, role: Role, by: UUID) -> None:
    """Raise DomainError 403 for who may not invite to a role: from the secretariat one invites to the lead alone."""
    leads = by in await memberships.leading(organisation.id)
    if not leads and (role is not lead(organisation.kind) or by not in await _inviters(organisation.id)):
        raise DomainError("not_yours_to_do", 403)
    if not leads:
        await keeping.require_outsider(organisation.id, by)


def _state(row: Invitation, inviters: list[UUID]) -> InvitationState:
    if row.used_at:
        return InvitationState.USED
    if row.revoked_at:
        return InvitationState.REVOKED
    if row.expires_at <= clock.now():
        return InvitationState.EXPIRED
    return InvitationState.OPEN if row.made_by_id in inviters else InvitationState.VOID


def _waiting(organisation_id: UUID) -> QuerySet[Invitation]:
    return Invitation.filter(organisation_id=organisation_id, used_at=None, revoked_at=None)


def _code(secret: str) -> str:
    """Return the code that goes with the keyed hash of an id: 50 bits that nobody tells without the key."""
    number = int.from_bytes(hashlib.sha256(secret.encode()).digest())
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_LENGTH))


def _read(text: str) -> str:
    """Return a code as people type it in its one spelling."""
    return plain(text).translate(_MISREAD)


def _hashes(code: str) -> list[str]:
    """Return how a code may be kept: under each index key that is here, the one in use first."""
    return list(sensitive.vault().indexes(Kind.INVITATION, code))


def _subject(row: Invitation) -> str:
    return f"invitation:{row.id}"


async def _note(row: Invitation, verb: str, before: str, after: str, by: UUID) -> None:
    await audit.note(_subject(row), f"invitation.{verb}", actor_id=by, before=before, after=after)
