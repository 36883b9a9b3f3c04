"""Everything that is kept about one person, in full, for their own eyes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from server.callbacks.models import WeChatEvent
from server.consents.models import Consent
from server.kernel import audit, clock
from server.kernel.audit import AuditEntry
from server.kernel.sensitive import Sensitive
from server.labour.contacts import contact_of
from server.labour.models import Posting, PostingReport
from server.organisations.models import Membership
from server.people import service as people
from server.people.models import Follower, Person, Session
from server.privacy.parts import (
    ConsentPart,
    Export,
    HistoryPart,
    MembershipPart,
    PersonPart,
    PostingPart,
    ReportPart,
    SessionPart,
    StudentPart,
    WeChatPart,
)
from server.students import sealed as students
from server.students.models import LinkState, StudentLink

LOOKS = ".revealed"
"""What the name of every act ends with by which somebody saw a full value."""


async def export(person_id: UUID) -> Export:
    """Return everything kept about a person and note that it was given out; raises DomainError 404."""
    person = await people.person(person_id)
    await audit.note(f"person:{person_id}", "person.exported", actor_id=person_id)
    memberships = await Membership.filter(person_id=person_id).select_related("organisation").order_by("id")
    links = await StudentLink.filter(person_id=person_id).select_related("student").order_by("id")
    consents = await Consent.filter(person_id=person_id).order_by("id")
    history = await _history(person, memberships, links, consents)
    return Export(
        made_at=clock.now(),
        person=_person(person),
        sessions=[_session(one) for one in await Session.filter(person_id=person_id).order_by("id")],
        memberships=[_membership(one) for one in memberships],
        students=[_student(one) for one in links],
        consents=[_consent(one) for one in consents],
        postings=[_posting(one) for one in await Posting.filter(person_id=person_id).order_by("id")],
        reports=[_report(one) for one in await PostingReport.filter(person_id=person_id).order_by("id")],
        follows_since=await _follows_since(person),
        wechat=[
            WeChatPart(name=one.name, at=one.received_at)
            for one in await WeChatEvent.filter(openid=person.openid).order_by("id")
        ],
        looked=[one for one in history if one.action.endswith(LOOKS)],
        history=[one for one in history if not one.action.endswith(LOOKS)],
    )


async def _history(
    person: Person, memberships: Sequence[Membership], links: Sequence[StudentLink], consents: Sequence[Consent]
) -> list[HistoryPart]:
    """Return what was done to all that is the person's; of a student only where the person is known to speak for it."""
    subjects = [f"person:{person.id}"]
    subjects += [f"membership:{one.id}" for one in memberships]
    subjects += [f"student_link:{one.id}" for one in links]
    subjects += [f"consent:{one.id}" for one in consents]
    spoken_for = [one for one in links if one.state is LinkState.CONFIRMED and one.ended_at is None]
    subjects += [f"student:{one.student_id}" for one in spoken_for]
    entries = await AuditEntry.filter(subject__in=subjects).order_by("id")
    return [_act(one) for one in entries]


async def _follows_since(person: Person) -> datetime | None:
    """Return since when the person follows the service account, as far as WeChat told who that is."""
    if not person.unionid:
        return None
    follower = await Follower.filter(unionid=person.unionid, following=True).first()
    return follower.changed_at if follower else None


def _person(person: Person) -> PersonPart:
    return PersonPart(
        id=person.id,
        openid=person.openid,
        unionid=person.unionid,
        name=_full(people.name_of(person)),
        phone=_full(people.phone_of(person)),
        state=person.state,
        created_at=person.created_at,
    )


def _session(one: Session) -> SessionPart:
    return SessionPart(created_at=one.created_at, expires_at=one.expires_at, ended_at=one.ended_at, end=one.end)


def _membership(one: Membership) -> MembershipPart:
    return MembershipPart(
        id=one.id,
        organisation=one.organisation.name,
        role=one.role,
        state=one.state,
        created_at=one.created_at,
        ended_at=one.ended_at,
    )


def _student(link: StudentLink) -> StudentPart:
    known = students.identity(link.student)
    return StudentPart(
        id=link.id,
        relation=link.relation,
        name=students.given_name(link).reveal(),
        id_number=known.number.reveal(),
        born=known.born,
        state=link.state,
        reason=link.reason,
        created_at=link.created_at,
        decided_at=link.decided_at,
        ended_at=link.ended_at,
    )


def _consent(one: Consent) -> ConsentPart:
    return ConsentPart(
        id=one.id,
        document=one.document,
        version=one.document_version,
        scope=one.scope,
        capacity=one.capacity,
        student=one.student_id,
        given_at=one.given_at,
        withdrawn_at=one.withdrawn_at,
    )


def _posting(one: Posting) -> PostingPart:
    contact = contact_of(one)
    return PostingPart(
        id=one.id,
        side=one.side,
        kind=one.kind,
        title=one.title,
        description=one.description,
        state=one.state,
        contact_name=contact.name.reveal() if contact else None,
        contact_phone=contact.phone.reveal() if contact else None,
        created_at=one.created_at,
    )


def _report(one: PostingReport) -> ReportPart:
    return ReportPart(
        posting=one.posting_id,
        what=one.what,
        note=one.note,
        state=one.state,
        answer=one.answer,
        created_at=one.created_at,
    )


def _act(one: AuditEntry) -> HistoryPart:
    return HistoryPart(
        subject=one.subject,
        action=one.action,
        before=one.before,
        after=one.after,
        fields=one.fields,
        reason=one.reason,
        by=None if one.action.endswith(LOOKS) else one.actor_id,
        at=one.made_at,
    )


def _full(value: Sensitive | None) -> str | None:
    return value.reveal() if value else None
