"""The places that a person applied for, was offered or had, as they go into an export."""

from collections import defaultdict
from uuid import UUID

from server.engagements.models import Engagement, EngagementStep
from server.privacy.parts import EngagementPart, StepPart


async def of_person(person_id: UUID) -> list[EngagementPart]:
    """Return every engagement for which a person answers, those first that came first."""
    said = defaultdict[UUID, list[StepPart]](list)
    for one in await EngagementStep.filter(engagement__person_id=person_id).order_by("made_at", "id"):
        said[one.engagement_id].append(StepPart.of(one))
    rows = await Engagement.filter(person_id=person_id).select_related("posting").order_by("id")
    return [EngagementPart.of(one, posting=one.posting_id, title=one.posting.title, steps=said[one.id]) for one in rows]
