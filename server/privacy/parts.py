"""What an export of one person's data is made of."""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from tortoise.models import Model

from server.consents.models import Capacity
from server.engagements.models import ContestState, EngagementState, Party
from server.enrolments.models import EnrolmentState, Intake, Level
from server.kernel.sensitive import Sensitive
from server.labour.models import PostingKind, PostingState, ReportState, Side
from server.notices.models import DeliveryState, PermissionChange, Service
from server.organisations.models import MembershipState
from server.organisations.roles import Role
from server.people.models import PersonState, SessionEnd
from server.referrals.models import ReferralState
from server.students.models import LinkState, Relation


class Part(BaseModel):
    """A part of an export."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def of(cls, row: Model, **otherwise: Any) -> Self:
        """Return what a row holds under the names of the fields; `otherwise` gives those that it holds differently."""
        names = cls.model_fields.keys() - otherwise.keys()
        return cls(**{name: getattr(row, name) for name in names}, **otherwise)


class PersonPart(Part):
    """What is kept of the person themselves."""

    id: UUID
    openid: str
    unionid: str | None
    name: str | None
    phone: str | None
    state: PersonState
    created_at: datetime


class SessionPart(Part):
    """A sign-in; the device is not kept."""

    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    end: SessionEnd | None


class MembershipPart(Part):
    """A role in an organisation, now or before."""

    id: UUID
    organisation: str
    role: Role
    state: MembershipState
    created_at: datetime
    ended_at: datetime | None


class StudentPart(Part):
    """A student for whom the person speaks; the name is the one that the person gave."""

    id: UUID
    relation: Relation
    name: str
    id_number: str
    born: date
    state: LinkState
    reason: str
    created_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None


class ReferralPart(Part):
    """A school's claim that it sent a student; who the guardian is stays masked, since it may be somebody else."""

    id: UUID
    student: UUID
    number: str
    year: int
    intake: Intake
    school: str
    named_school: str | None
    level: Level | None
    name: str
    phone: str | None
    guardian_name: Sensitive | None
    guardian_phone: Sensitive | None
    guardian_consent_on: date | None
    class_name: str
    state: ReferralState
    created_at: datetime
    state_since: datetime

    @property
    def subject(self) -> str:
        """What the audit calls it."""
        return f"referral:{self.id}"


class StatusPart(Part):
    """That an enrolment was in a state from a day on."""

    state: EnrolmentState
    effective_on: date
    made_at: datetime


class EnrolmentPart(Part):
    """A school's record of a student, with the states it went through."""

    id: UUID
    student: UUID
    year: int
    intake: Intake
    school: str
    level: Level
    name: str
    major: str
    entered_on: date
    repeating: bool
    record_number: str | None
    record_document: str
    state: EnrolmentState
    statuses: list[StatusPart]
    created_at: datetime

    @property
    def subject(self) -> str:
        """What the audit calls it."""
        return f"enrolment:{self.id}"


class ConsentPart(Part):
    """A consent, withdrawn or not."""

    id: UUID
    document: str
    version: str
    scope: str
    capacity: Capacity
    student: UUID | None
    given_at: datetime
    withdrawn_at: datetime | None


class PostingPart(Part):
    """A posting that the person wrote, with the contact given in it."""

    id: UUID
    side: Side
    kind: PostingKind
    title: str
    description: str
    state: PostingState
    contact_name: str | None
    contact_phone: str | None
    created_at: datetime


class ReportPart(Part):
    """What the person reported of a posting, and was answered."""

    posting: UUID
    what: str
    note: str
    state: ReportState
    answer: str
    created_at: datetime


class StepPart(Part):
    """What happened to an engagement; `party` is whose word it was, null for the system's and the secretariat's."""

    verb: str
    before: str
    after: str
    party: Party | None
    reason: str
    made_at: datetime


class EngagementPart(Part):
    """A place that the person applied for, was offered or had, and what each side said of the work and the pay."""

    id: UUID
    posting: UUID
    title: str
    size: int
    state: EngagementState
    contest: ContestState
    completed_by: dict[str, Any]
    paid_by: dict[str, Any]
    created_at: datetime
    accepted_at: datetime | None
    completed_at: datetime | None
    paid_at: datetime | None
    steps: list[StepPart]

    @property
    def subject(self) -> str:
        """What the audit calls it."""
        return f"engagement:{self.id}"


class SavedSearchPart(Part):
    """A search of postings that the person keeps."""

    name: str
    wanted: dict[str, Any]
    created_at: datetime


class PushPart(Part):
    """One push of a notice: by which account, by which template, the values in it, and what became of it."""

    service: Service
    template: str
    data: dict[str, Any]
    state: DeliveryState
    created_at: datetime
    handed_over_at: datetime | None
    delivered_at: datetime | None


class NoticePart(Part):
    """What the person was told."""

    title: str
    text: str
    created_at: datetime
    read_at: datetime | None
    pushes: list[PushPart]


class PermissionPart(Part):
    """That permissions to be written to, by one of WeChat's templates, came or went."""

    template_id: str
    change: PermissionChange
    amount: int
    made_at: datetime


class HistoryPart(Part):
    """An act that concerns the person; `by` is an id, null for the system itself and for who looked."""

    subject: str
    action: str
    before: str
    after: str
    fields: list[str]
    reason: str
    by: UUID | None
    at: datetime


class WeChatPart(Part):
    """What WeChat told of the person."""

    name: str
    at: datetime


class Export(Part):
    """All of it. `looked` is who saw full values, and why; `history` is everything else that was done."""

    made_at: datetime
    person: PersonPart
    sessions: list[SessionPart]
    memberships: list[MembershipPart]
    students: list[StudentPart]
    referrals: list[ReferralPart]
    enrolments: list[EnrolmentPart]
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
