"""Lists of the occupations most in demand (技能人才需求目录): counted, looked over, and published by a reviewer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from tortoise.functions import Count, Sum

from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction
from server.labour.models import OccupationsInDemand, Posting, PostingState, Side
from server.people.service import Decider

NEWEST, PUBLISHED = Sort("created_at"), Sort("published_at")


@dataclass(frozen=True, slots=True)
class Kept:
    """An occupation that stays in a list, in its place there, and what is said of it."""

    occupation: str
    note: str


@transaction
async def count(title: str, counted_from: date, counted_to: date, by: UUID) -> OccupationsInDemand:
    """Make a list of the demand published from one day to another, both included, the most sought first.

    What was removed as a fraud does not count.
    Raises DomainError 422 for days the wrong way round or to come.
    """
    if counted_to < counted_from:
        raise invalid(FieldFault("/counted_to", "days_reversed"))
    if counted_to > clock.today():
        raise invalid(FieldFault("/counted_to", "not_yet"))
    entries = await _counted(counted_from, counted_to)
    made = await OccupationsInDemand.create(
        title=title, counted_from=counted_from, counted_to=counted_to, entries=entries, created_at=clock.now()
    )
    await _note(made, "counted", by)
    return made


@transaction
async def edit(
    list_id: UUID, by: UUID, version: int | None, *, title: str | None, kept: Sequence[Kept] | None
) -> OccupationsInDemand:
    """Give a list that is not yet published another title, order or notes, or leave occupations out.

    Figures stay as they were counted. Raises DomainError 404, 409, 412, 422 for an occupation that was not counted.
    """
    row = await _hold(list_id, version)
    if title is not None:
        row.title = title
    if kept is not None:
        row.entries = _kept(row.entries, kept)
    await _keep(row, "edited", by)
    return row


@transaction
async def publish(list_id: UUID, by: UUID, version: int | None) -> OccupationsInDemand:
    """Publish a list; raises DomainError 404, 409, 412."""
    row = await _hold(list_id, version)
    row.published_at, row.published_by_id = clock.now(), by
    await _keep(row, "published", by)
    return row


@transaction
async def withdraw(list_id: UUID, by: Decider) -> OccupationsInDemand:
    """Take a published list back, to be mended or left; raises DomainError 404, 409 for one that is not published."""
    row = await _held(list_id)
    if row.published_at is None:
        raise DomainError("list_unpublished", 409)
    row.published_at, row.published_by_id = None, None
    await _keep(row, "withdrawn", by.person_id, by.reason)
    return row


async def one(list_id: UUID) -> OccupationsInDemand:
    """Return a list; raises DomainError 404."""
    return found(await OccupationsInDemand.get_or_none(id=list_id), "occupations_in_demand")


async def published(limit: int, cursor: str | None) -> Page[OccupationsInDemand]:
    """Return a page of what is published, the newest first."""
    return await page(OccupationsInDemand.exclude(published_at=None), PUBLISHED, limit, cursor)


async def unpublished(limit: int, cursor: str | None) -> Page[OccupationsInDemand]:
    """Return a page of what is not, the newest first."""
    return await page(OccupationsInDemand.filter(published_at=None), NEWEST, limit, cursor)


async def _counted(counted_from: date, counted_to: date) -> list[dict[str, Any]]:
    published = Posting.exclude(state=PostingState.REMOVED).filter(
        side=Side.DEMAND,
        occupation__isnull=False,
        published_at__gte=clock.midnight(counted_from),
        published_at__lt=clock.midnight(counted_to + timedelta(days=1)),
    )
    sums = published.annotate(heads=Sum("headcount"), postings=Count("id"), taken=Sum("filled")).group_by("occupation")
    rows = await sums.order_by("-heads", "occupation").values("occupation", "heads", "postings", "taken")
    return [
        {"occupation": row["occupation"], "heads": int(row["heads"]), "postings": row["postings"],
         "filled": int(row["taken"]), "note": ""}
        for row in rows
    ]  # fmt: skip


def _kept(entries: Sequence[dict[str, Any]], kept: Sequence[Kept]) -> list[dict[str, Any]]:
    counted = {entry["occupation"]: entry for entry in entries}
    names = [one.occupation for one in kept]
    faults = [
        FieldFault(f"/entries/{place}/occupation", "not_counted" if name not in counted else "repeated")
        for place, name in enumerate(names)
        if name not in counted or name in names[:place]
    ]
    if faults:
        raise invalid(*faults)
    return [{**counted[one.occupation], "note": one.note} for one in kept]


async def _hold(list_id: UUID, version: int | None) -> OccupationsInDemand:
    row = await _held(list_id)
    if version is not None and row.version != version:
        raise DomainError("stale_version", 412)
    if row.published_at:
        raise DomainError("list_published", 409)
    return row


async def _held(list_id: UUID) -> OccupationsInDemand:
    held = OccupationsInDemand.filter(id=list_id).select_for_update()
    return found(await held.get_or_none(), "occupations_in_demand")


async def _keep(row: OccupationsInDemand, event: str, by: UUID, reason: str = "") -> None:
    row.version += 1
    await row.save()
    await _note(row, event, by, reason)


async def _note(row: OccupationsInDemand, event: str, by: UUID, reason: str = "") -> None:
    subject, name = f"occupations_in_demand:{row.id}", f"occupations_in_demand.{event}"
    before = {"counted": "", "withdrawn": "published"}.get(event, "unpublished")
    after = "published" if row.published_at else "unpublished"
    await audit.note(subject, name, actor_id=by, before=before, after=after, reason=reason)
    await outbox.record(name, subject, [])
