"""Looking at personal data in full: for a reason, by few, not often, never without a trace that its subject can see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server.access.rules import Caller, Decision, Owner, Post, Right, decide, own
from server.kernel import audit, outbox
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError, FieldFault, invalid, not_found
from server.kernel.paging import Page
from server.kernel.transactions import transaction
from server.organisations import heirs, memberships
from server.organisations.roles import Kind, Role
from server.reveals.ports import Limits
from server.reveals.subjects import Concern, Subject, parse

HOURLY, DAILY = (30, 3600), (200, 24 * 3600)
"""How many looks, failed ones counted, a person has in how many seconds."""
SCHOOLS = (Kind.FEEDER_SCHOOL, Kind.VOCATIONAL_SCHOOL)
"""Whose clerks and managers look at what is their school's own."""
SEE_WHO_LOOKED = (own(), own(Role.MANAGER), Right(Role.ADMIN))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What someone wants to see, and why; the reason is shown to those concerned and names nobody."""

    subject: str
    fields: Sequence[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Revealed:
    """What was shown, in full; None for what was never given. `entry` is its trace."""

    entry: AuditEntry
    values: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks at a subject, and the name of the school whose clerks may be among those who looked, else empty."""

    subject: Subject
    school: str

    async def page(self, limit: int, cursor: str | None) -> Page[AuditEntry]:
        """Return a page of them, the newest first; raises DomainError 422 for a foreign cursor."""
        return await audit.entries(str(self.subject), limit, cursor, action=_action(self.subject))


async def count(wanted: Wanted, caller: Caller, limits: Limits) -> None:
    """Count a look that `caller` may have, before it is had. Not inside a transaction.

    Raises DomainError 403 for a role that may not see this kind, 404 for a school that asks for another's, 422 with
    every field that this kind does not have, 429 past `HOURLY` or `DAILY`.
    """
    subject = parse(wanted.subject, "/subject")
    await _role(subject, caller)
    _require_fields(subject, wanted.fields)
    for most, seconds in (HOURLY, DAILY):
        await limits.take(f"reveal in {seconds} s", str(caller.person_id), most, seconds)


@transaction
async def reveal(wanted: Wanted, caller: Caller) -> Revealed:
    """Show `caller` what they want, whose look was counted, and note it: neither is there without the other.

    Raises DomainError 403 for what is one's own or one's organisation's, 404, and what `count` raises but 429.
    """
    subject = parse(wanted.subject, "/subject")
    role = await _role(subject, caller)
    _require_fields(subject, wanted.fields)
    row = await _unbiased(subject, caller)
    values = _opened(subject, row, wanted.fields)
    action = _action(subject)
    entry = await audit.note(
        str(subject), action, actor_id=caller.person_id, after=role, reason=wanted.reason, fields=sorted(wanted.fields)
    )
    await outbox.record(action, str(subject), await _told(await subject.kind.concern(row)))
    return Revealed(entry, values)


async def again(entry_id: UUID, caller: Caller) -> Revealed:
    """Show `caller` once more what a look of theirs showed, for the same request sent again: it is no look of its own.

    Raises DomainError as `reveal` does.
    """
    entry = await audit.AuditEntry.get(id=entry_id, actor_id=caller.person_id)
    subject = parse(entry.subject, "/subject")
    await _role(subject, caller)
    return Revealed(entry, _opened(subject, await _unbiased(subject, caller), entry.fields))


async def looks(subject_text: str, caller: Caller) -> Looks:
    """Return who looked at a subject, for those whom it concerns and for administrators.

    Raises DomainError 403 for others of the secretariat, 404 for all others, 422 for what is no subject.
    """
    subject = parse(subject_text, "?subject")
    row = await subject.kind.load(subject.id)
    concern = await subject.kind.concern(row)
    mine = caller.person_id if caller.person_id in concern.people else None
    owner = Owner(subject.kind.name, concern.organisations, mine, secretariat_knows=True)
    decision = decide(SEE_WHO_LOOKED, caller, owner)
    if decision is Decision.UNSEEN:
        raise not_found(subject.kind.name)
    if decision is not Decision.ALLOWED:
        raise DomainError("not_yours_to_do", 403)
    school = subject.kind.school(row).name if subject.kind.school else ""
    return Looks(subject, school)


async def _unbiased(subject: Subject, caller: Caller) -> Any:
    """Return the subject's row; raises DomainError 403 for who has to do with it, 404."""
    row = await subject.kind.load(subject.id)
    if await subject.kind.biased(row, caller.person_id):
        raise DomainError("reveal_of_own", 403)
    return row


def _opened(subject: Subject, row: Any, fields: Sequence[str]) -> Mapping[str, str | None]:
    values = {name: subject.kind.fields[name](row) for name in sorted(fields)}
    return {name: value.reveal() if value else None for name, value in values.items()}


async def _told(concern: Concern) -> list[UUID]:
    """Return the people who are to hear of it."""
    leading = [await memberships.leading(one) for one in set((await heirs.heirs(concern.organisations)).values())]
    return sorted({*concern.people, *(person_id for led in leading for person_id in led)})


async def _role(subject: Subject, caller: Caller) -> Role:
    """Return the role in which `caller` may look; raises DomainError 403, or 404 where it is another school's."""
    held = {post.role for post in caller.posts}
    staff = next((role for role in subject.kind.roles if role in held), None)
    schools = [post for post in caller.stands_for if post.kind in SCHOOLS] if subject.kind.school else []
    own = await _own(subject, schools) if schools else None
    role = own or staff
    if role is None and schools:
        raise not_found(subject.kind.name)
    if role is None:
        raise DomainError("not_yours_to_do", 403)
    return role


async def _own(subject: Subject, posts: Sequence[Post]) -> Role | None:
    """Return the role that someone has in the school whose row it is, if any; raises DomainError 404."""
    row = await subject.kind.load(subject.id)
    school = subject.kind.school(row) if subject.kind.school else None
    return next((post.role for post in posts if school and post.organisation_id == school.id), None)


def _require_fields(subject: Subject, fields: Sequence[str]) -> None:
    known = "、".join(subject.kind.fields)
    unknown = [
        FieldFault(f"/fields/{place}", "reveal_field", {"known": known})
        for place, name in enumerate(fields)
        if name not in subject.kind.fields
    ]
    repeated = [FieldFault(f"/fields/{n}", "repeated") for n, name in enumerate(fields) if name in fields[:n]]
    if unknown or repeated:
        raise invalid(*unknown, *repeated)


def _action(subject: Subject) -> str:
    """Return what the audit calls a look; `after` says in which role it was had."""
    return f"{subject.kind.name}.revealed"
