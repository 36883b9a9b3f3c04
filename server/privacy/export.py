"""Everything that is kept about one person, in full, for their own eyes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from server.callbacks.models import WeChatEvent
from server.consents.models import Consent
from server.engagements.models import SavedSearch
from server.kernel import audit, clock
from server.kernel.audit import AuditEntry
from server.kernel.sensitive import if_readable
from server.labour.contacts import contact_of
from server.labour.models import Posting, PostingReport
from server.organisations.models import Membership
from server.people import service as people
from server.people.models import Follower, Person, Session
from server.privacy import awarded, hearing, schooling, working
from server.privacy.awarded import AwardPart, ObjectionPart
from server.privacy.hearing import NoticePart, PermissionPart
from server.privacy.parts import (
    ConsentPart,
    HistoryPart,
    MembershipPart,
    Part,
    PersonPart,
    PostingPart,
    ReportPart,
    SavedSearchPart,
    SessionPart,
    StudentPart,
    WeChatPart,
    full,
)
from server.privacy.schooling import EnrolmentPart, ReferralPart
from server.privacy.working import EngagementPart
from server.students import sealed as students
from server.students.links import speaks
from server.students.models import StudentLink

LOOKS = ".revealed"
"""What the name of every act ends with by which somebody saw a full value."""


class Export(Part):
    """All of it. `looked` is who saw full values, and why; `history` is everything else that was done."""

    made_at: datetime
    person: PersonPart
    sessions: list[SessionPart]
    memberships: list[MembershipPart]
    students: list[StudentPart]
    referrals: list[ReferralPart]
    enrolments: list[EnrolmentPart]
    awards: list[AwardPart]
    objections: list[ObjectionPart]
    consents: list[ConsentPart]
    postings: list[PostingPart]
    reports: list[ReportPart]
    engagements: list[EngagementPart]
    saved_searches: list[SavedSearchPart]
    notices: list[NoticePart]
    permissions: list[PermissionPart]
    follows_since: datetime | None
    wechat: list[WeChatPart]
    looked: list[HistoryPart]
    history: list[HistoryPart]


async def export(person_id: UUID) -> Export:
    """Return everything kept about a person and note that it was given out; raises DomainError 404."""
    person = await people.person(person_id)
    await audit.note(f"person:{person_id}", "person.exported", actor_id=person_id)
    memberships = await Membership.filter(person_id=person_id).select_related("organisation").order_by("id")
    links = await StudentLink.filter(person_id=person_id).select_related("student").order_by("id")
    consents = await Consent.filter(person_id=person_id).order_by("id")
    sent, enrolled = await schooling.of_students(_spoken_for(links))
    awards, objections = await awarded.of_students(_spoken_for(links)), await awarded.objections(person_id)
    engaged = await working.of_person(person_id)
    schooled = [*(one.subject for one in sent), *(one.subject for one in enrolled)]
    objected = [*(one.subject for one in awards), *(one.subject for one in objections)]
    subjects = [*schooled, *objected, *(one.subject for one in engaged)]
    history = await _history(person, memberships, links, consents, subjects)
    return Export(
        made_at=clock.now(),
        person=_person(person),
        sessions=[SessionPart.of(one) for one in await Session.filter(person_id=person_id).order_by("id")],
        memberships=[MembershipPart.of(one, organisation=one.organisation.name) for one in memberships],
        students=[_student(one) for one in links],
        referrals=sent,
        enrolments=enrolled,
        awards=awards,
        objections=objections,
        consents=[ConsentPart.of(one, version=one.document_version, student=one.student_id) for one in consents],
        postings=[_posting(one) for one in await Posting.filter(person_id=person_id).order_by("id")],
        reports=[
            ReportPart.of(one, posting=one.posting_id)
            for one in await PostingReport.filter(person_id=person_id).order_by("id")
        ],
        engagements=engaged,
        saved_searches=[
            SavedSearchPart.of(one) for one in await SavedSearch.filter(person_id=person_id).order_by("id")
        ],
        notices=await hearing.of_person(person_id),
        permissions=await hearing.permissions(person_id),
        follows_since=await _follows_since(person),
        wechat=[
            WeChatPart.of(one, at=one.received_at)
            for one in await WeChatEvent.filter(openid=person.openid).order_by("id")
        ],
        looked=[one for one in history if one.action.endswith(LOOKS)],
        history=[one for one in history if not one.action.endswith(LOOKS)],
    )


def _spoken_for(links: Sequence[StudentLink]) -> list[UUID]:
    """Return the students for whom a person is known to speak, a guardian only where their age can be read."""
    return [one.student_id for one in links if if_readable(speaks, one)]


async def _history(
    person: Person,
    memberships: Sequence[Membership],
    links: Sequence[StudentLink],
    consents: Sequence[Consent],
    things: Sequence[str],
) -> list[HistoryPart]:
    """Return what was done to all that is the person's, and to `things`.

    Of a student only where the person is known to speak for it.
    """
    subjects = [f"person:{person.id}"]
    subjects += [f"membership:{one.id}" for one in memberships]
    subjects += [f"student_link:{one.id}" for one in links]
    subjects += [f"consent:{one.id}" for one in consents]
    subjects += [f"student:{student_id}" for student_id in _spoken_for(links)]
    subjects += things
    entries = await AuditEntry.filter(subject__in=subjects).order_by("id")
    return [_act(one) for one in entries]


async def _follows_since(person: Person) -> datetime | None:
    """Return since when the person follows the service account, as far as WeChat told who that is."""
    if not person.unionid:
        return None
    follower = await Follower.filter(unionid=person.unionid, following=True).first()
    return follower.changed_at if follower else None


def _person(person: Person) -> PersonPart:
    return PersonPart.of(person, name=full(people.name_of, person), phone=full(people.phone_of, person))


def _student(link: StudentLink) -> StudentPart:
    known = if_readable(students.identity, link.student)
    number, born = (known.number.reveal(), known.born) if known else (None, None)
    return StudentPart.of(link, name=full(students.given_name, link), id_number=number, born=born)


def _posting(one: Posting) -> PostingPart:
    contact = if_readable(contact_of, one)
    name, phone = (contact.name.reveal(), contact.phone.reveal()) if contact else (None, None)
    return PostingPart.of(one, contact_name=name, contact_phone=phone)


def _act(one: AuditEntry) -> HistoryPart:
    by = None if one.action.endswith(LOOKS) else one.actor_id
    return HistoryPart.of(one, by=by, at=one.made_at)
