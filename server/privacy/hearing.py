"""What a person was told, as it goes into an export, and how long that is kept."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from server.kernel.transactions import transaction
from server.notices.models import (
    Broadcast,
    Delivery,
    DeliveryState,
    Notice,
    PermissionChange,
    PermissionEntry,
    Service,
)
from server.people.models import Person, PersonState
from server.privacy.parts import Part

CHUNK = 500
_GONE = (PersonState.RESTRICTED, PersonState.ERASED)


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


async def of_person(person_id: UUID) -> list[NoticePart]:
    """Return every notice to a person with its pushes, those first that came first."""
    pushes = defaultdict[UUID, list[PushPart]](list)
    for one in await Delivery.filter(notice__person_id=person_id).order_by("created_at", "id"):
        pushes[one.notice_id].append(PushPart.of(one))
    rows = await Notice.filter(person_id=person_id).order_by("created_at", "id")
    return [NoticePart.of(one, pushes=pushes[one.id]) for one in rows]


async def permissions(person_id: UUID) -> list[PermissionPart]:
    """Return how a person's permissions to be written to by WeChat came and went."""
    rows = await PermissionEntry.filter(person_id=person_id).order_by("made_at", "id")
    return [PermissionPart.of(one) for one in rows]


@transaction
async def forget_pushes(before: datetime) -> int:
    """Delete pushes made before a moment, some at a time, and return how many; the notices stay in the inboxes."""
    ids = await Delivery.filter(created_at__lt=before, due_at=None).limit(CHUNK).values_list("id", flat=True)
    return await Delivery.filter(id__in=ids).delete() if ids else 0


@transaction
async def forget_notices(before: datetime) -> int:
    """Delete notices from before a moment, and what one who is gone was told while they went; some at a time."""
    ids = await Notice.filter(created_at__lt=before).limit(CHUNK).values_list("id", flat=True) or await _to_nobody()
    await Delivery.filter(notice_id__in=ids).delete()
    return await Notice.filter(id__in=ids).delete() if ids else 0


@transaction
async def forget_broadcasts(before: datetime) -> int:
    """Delete broadcasts that ended before a moment, some at a time, and return how many."""
    ids = await Broadcast.filter(ended_at__lt=before).limit(CHUNK).values_list("id", flat=True)
    return await Broadcast.filter(id__in=ids).delete() if ids else 0


async def _to_nobody() -> list[UUID]:
    last = UUID(int=0)
    while gone := await Person.filter(state__in=_GONE, id__gt=last).order_by("id").limit(CHUNK).only("id"):
        people = [person.id for person in gone]
        rows = await Notice.filter(person_id__in=people).limit(CHUNK).only("id")
        if rows:
            return [row.id for row in rows]
        last = people[-1]
    return []
