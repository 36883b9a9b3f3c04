"""What happened to one claim, and to one student, in the order of time: read from the audit, which forgets nothing.

A school sees what others did to its claim, but neither who they are nor what they wrote.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from server.enrolments.models import Enrolment, EnrolmentStatus
from server.imports.models import ImportRow
from server.kernel.audit import AuditEntry
from server.kernel.paging import Page, Sort, page
from server.organisations import heirs
from server.organisations.models import Membership, MembershipState, Organisation
from server.organisations.roles import Kind
from server.referrals.models import Referral

OLDEST_FIRST = Sort("id", descending=False, parse=UUID)
LOOKS = ".revealed"
"""Who looked at full values is told elsewhere."""
NO_CHANGE = ("enrolment.match_decided", "enrolment.amended")
"""The acts on an enrolment that leave its state as it is."""


class Actor(StrEnum):
    """Who acted, as far as everyone who sees the act may know."""

    SCHOOL = "school"
    """Somebody of the school whose claim or enrolment it is."""
    SECRETARIAT = "secretariat"
    OTHER = "other"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done to a claim or an enrolment.

    `effective_on` is from when a state of an enrolment holds; `source` is the import that brought it and the row there.
    """

    entry: AuditEntry
    thing: Referral | Enrolment
    by: Actor
    effective_on: date | None = None
    source: tuple[UUID, int] | None = None

    @property
    def school(self) -> Organisation:
        """Whose claim or enrolment it is."""
        return self.thing.school


async def of_referral(referral_id: UUID, limit: int, cursor: str | None) -> Page[Act]:
    """Return what was done to a claim, the first act first; five statements."""
    return await _acts(await Referral.filter(id=referral_id).select_related("school"), limit, cursor)


async def of_student(student_id: UUID, limit: int, cursor: str | None) -> Page[Act]:
    """Return what was done to all claims on a student and all its enrolments, the first act first.

    Eight statements at most.
    """
    claims = await Referral.filter(student_id=student_id).select_related("school")
    enrolments = await Enrolment.filter(student_id=student_id).select_related("school")
    return await _acts([*claims, *enrolments], limit, cursor)


async def _acts(things: Sequence[Referral | Enrolment], limit: int, cursor: str | None) -> Page[Act]:
    subjects = {f"{thing.Meta.table}:{thing.id}": thing for thing in things}
    entries = AuditEntry.filter(subject__in=list(subjects)).exclude(action__endswith=LOOKS)
    found = await page(entries, OLDEST_FIRST, limit, cursor)
    posts = await _posts({entry.actor_id for entry in found.items if entry.actor_id})
    effective = await _effective([thing for thing in things if isinstance(thing, Enrolment)])
    rows = await _rows(thing.id for thing in things)
    acts = [
        _act(entry, subjects[entry.subject], posts, effective.get(entry.id), rows if _begins(entry) else {})
        for entry in found.items
    ]
    return Page(acts, found.next_cursor)


def _act(
    entry: AuditEntry,
    thing: Referral | Enrolment,
    posts: Mapping[UUID, Collection[tuple[UUID, Kind]]],
    effective_on: date | None,
    rows: Mapping[UUID, tuple[UUID, int]],
) -> Act:
    return Act(entry, thing, _actor(entry.actor_id, thing.school_id, posts), effective_on, rows.get(thing.id))


def _begins(entry: AuditEntry) -> bool:
    """Whether an act is the first of its thing, as an import can bring it."""
    return not entry.before


def _actor(actor_id: UUID | None, school_id: UUID, posts: Mapping[UUID, Collection[tuple[UUID, Kind]]]) -> Actor:
    if actor_id is None:
        return Actor.SYSTEM
    held = posts.get(actor_id, ())
    if any(organisation_id == school_id for organisation_id, _ in held):
        return Actor.SCHOOL
    office = any(kind is Kind.SECRETARIAT for _, kind in held)
    return Actor.SECRETARIAT if office else Actor.OTHER


async def _posts(people: Collection[UUID]) -> Mapping[UUID, Collection[tuple[UUID, Kind]]]:
    """Return to which organisations people belong or ever did, and what these carry on."""
    found = defaultdict[UUID, list[tuple[UUID, Kind]]](list)
    members = Membership.filter(person_id__in=list(people), state=MembershipState.ACTIVE)
    columns: Any = ("person_id", "organisation_id", "organisation__kind")
    for person_id, organisation_id, kind in await members.values_list(*columns) if people else ():
        found[person_id].append((organisation_id, kind))
    before = await heirs.carried({one for held in found.values() for one, _ in held})
    for held in found.values():
        held += [(one.id, one.kind) for one in before if one.heir_id in {there for there, _ in held}]
    return found


async def _effective(enrolments: Sequence[Enrolment]) -> Mapping[UUID, date]:
    """Return from when the state holds that each act, by the id of its entry, gave to an enrolment.

    Every status was written with one act, in their order.
    """
    if not enrolments:
        return {}
    statuses = defaultdict[tuple[str, str], deque[date]](deque)
    ids = [one.id for one in enrolments]
    for one in await EnrolmentStatus.filter(enrolment_id__in=ids).order_by("id"):
        statuses[f"enrolment:{one.enrolment_id}", one.state].append(one.effective_on)
    subjects = [f"enrolment:{one}" for one in ids]
    changes = AuditEntry.filter(subject__in=subjects).exclude(action__in=NO_CHANGE)
    entries = await changes.order_by("id").only("id", "subject", "after")
    keyed = [(entry.id, statuses[entry.subject, entry.after]) for entry in entries]
    return {entry_id: days.popleft() for entry_id, days in keyed if days}


async def _rows(ids: Iterable[UUID]) -> Mapping[UUID, tuple[UUID, int]]:
    """Return the import and the row by which things came, as long as that is kept."""
    rows = ImportRow.filter(subject_id__in=list(ids)).order_by("-id")
    return {row.subject_id: (row.source_id, row.number) async for row in rows if row.subject_id}
