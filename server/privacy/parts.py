"""What an export of one person's data is made of, but for what others keep of them or tell them."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from tortoise.models import Model

from server.consents.models import Capacity
from server.kernel.sensitive import Sensitive, if_readable
from server.labour.models import PostingKind, PostingState, ReportState, Side
from server.organisations.models import MembershipState
from server.organisations.roles import Role
from server.people.models import PersonState, SessionEnd
from server.students.models import LinkState, Relation

Row = TypeVar("Row")


def full(read: Callable[[Row], Sensitive | None], row: Row) -> str | None:
    """Return a sensitive value of a row in full, None where there is none or it cannot be read."""
    value = if_readable(read, row)
    return value.reveal() if value else None


class Part(BaseModel):
    """A part of an export."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def of(cls, row: Model, **otherwise: Any) -> Self:
        """Return what a row holds under the names of the fields; `otherwise` gives those that it holds differently."""
        names = cls.model_fields.keys() - otherwise.keys()
        return cls(**{name: getattr(row, name) for name in names}, **otherwise)


class PersonPart(Part):
    """What is kept of the person themselves; `name` and `phone` are null where never given, or unreadable."""

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
    """A student for whom the person speaks, by the name that the person gave; null is what cannot be read."""

    id: UUID
    relation: Relation
    name: str | None
    id_number: str | None
    born: date | None
    state: LinkState
    reason: str
    created_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None


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
    """A posting that the person wrote, with the contact given in it, if that can be read."""

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


class SavedSearchPart(Part):
    """A search of postings that the person keeps."""

    name: str
    wanted: dict[str, Any]
    created_at: datetime


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
