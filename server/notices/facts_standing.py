"""What notices about organisations, their members and accounts, about students and appeals know, and who is told."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from server.appeals.models import Appeal
from server.appeals.refusals import CONTESTABLE
from server.kernel.audit import AuditEntry
from server.kernel.outbox import Event
from server.notices.subjects import Known, Subject, all_are, ids, people, subject_id
from server.notices.values import Fact, Sort
from server.organisations.memberships import REQUESTED
from server.organisations.models import Membership, Organisation, OrganisationState, PayeeAccount
from server.organisations.roles import Role
from server.students.models import Relation, StudentLink

LEAD, MEMBER, REFUSED, REMOVED, DISMISSED = "lead", "member", "refused", "removed", "dismissed"
PERSON, APPELLANT, CONCERNED = "person", "appellant", "concerned"
_ASKED, _ENDED = "membership.requested", "membership.ended"


async def _organisations(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await Organisation.filter(id__in=ids(events)).only("id", "name", "due_on")}
    return {
        event.id: Known({"name": row.name, "due": row.due_on}, all_are(event, LEAD))
        for event in events
        if (row := rows.get(subject_id(event)))
    }


async def _accounts(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await PayeeAccount.filter(id__in=ids(events)).select_related("organisation")}
    return {
        event.id: Known({"name": row.organisation.name}, all_are(event, LEAD))
        for event in events
        if (row := rows.get(subject_id(event)))
    }


async def _memberships(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await Membership.filter(id__in=ids(events)).select_related("organisation")}
    done = await _done(events)
    found = {}
    for event in events:
        if row := rows.get(subject_id(event)):
            values = {"name": row.organisation.name, "role": row.role.value}
            found[event.id] = Known(values, _as_member(event, row, done.get((event.subject, event.name))))
    return found


async def _done(events: Sequence[Event]) -> Mapping[tuple[str, str], AuditEntry]:
    """Return what the history says of each event: what it was before and after, and who did it."""
    subjects, names = {event.subject for event in events}, {event.name for event in events}
    entries = AuditEntry.filter(subject__in=list(subjects), action__in=list(names)).order_by("id")
    return {(entry.subject, entry.action): entry for entry in await entries}


def _as_member(event: Event, row: Membership, done: AuditEntry | None) -> Mapping[UUID, str]:
    """Tell who leads of a request, and its person of what others did to it; who did it themselves knows."""
    if event.name == _ASKED:
        return all_are(event, LEAD)
    if done is None or done.actor_id == row.person_id:
        return {}
    return {one: _as_what(event.name, done) for one in people(event) if one == row.person_id}


def _as_what(name: str, done: AuditEntry) -> str:
    if name != _ENDED:
        return MEMBER
    if done.after == OrganisationState.CLOSED:
        return DISMISSED
    return REFUSED if done.before == REQUESTED else REMOVED


async def _links(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await StudentLink.filter(id__in=ids(events)).only("id", "relation")}
    return {
        event.id: Known({"relation": row.relation.value}, all_are(event, PERSON))
        for event in events
        if (row := rows.get(subject_id(event)))
    }


async def _appeals(events: Sequence[Event]) -> Mapping[UUID, Known]:
    rows = {row.id: row for row in await Appeal.filter(id__in=ids(events)).only("id", "subject", "person_id")}
    found = {}
    for event in events:
        if row := rows.get(subject_id(event)):
            told = {one: APPELLANT if one == row.person_id else CONCERNED for one in people(event)}
            found[event.id] = Known({"matter": row.subject.partition(":")[0]}, told)
    return found


ORGANISATION = Subject(
    {"name": Fact(Sort.TEXT), "due": Fact(Sort.DAY, optional=True)}, frozenset({LEAD}), _organisations
)
ACCOUNT = Subject({"name": Fact(Sort.TEXT)}, frozenset({LEAD}), _accounts)
MEMBERSHIP = Subject(
    {"name": Fact(Sort.TEXT), "role": Fact(Sort.WORD, codes=tuple(Role))},
    frozenset({LEAD, MEMBER, REFUSED, REMOVED, DISMISSED}),
    _memberships,
)
LINK = Subject({"relation": Fact(Sort.WORD, codes=tuple(Relation))}, frozenset({PERSON}), _links)
APPEAL = Subject({"matter": Fact(Sort.WORD, codes=tuple(CONTESTABLE))}, frozenset({APPELLANT, CONCERNED}), _appeals)
