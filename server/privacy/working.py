"""The places that a person applied for, was offered or had, as they go into an export."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from server.engagements.models import ContestState, Engagement, EngagementState, EngagementStep, Party
from server.privacy.parts import Part


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


async def of_person(person_id: UUID) -> list[EngagementPart]:
    """Return every engagement for which a person answers, those first that came first."""
    said = defaultdict[UUID, list[StepPart]](list)
    for one in await EngagementStep.filter(engagement__person_id=person_id).order_by("made_at", "id"):
        said[one.engagement_id].append(StepPart.of(one))
    rows = await Engagement.filter(person_id=person_id).select_related("posting").order_by("id")
    return [EngagementPart.of(one, posting=one.posting_id, title=one.posting.title, steps=said[one.id]) for one in rows]
