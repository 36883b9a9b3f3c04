"""What became of pushes, for staff to look at, and sending one once more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from tortoise.queryset import QuerySet

from server.kernel import audit, bulk, clock
from server.kernel.errors import DomainError, found
from server.kernel.ids import new_id
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction
from server.notices import catalogue, putting, quiet
from server.notices.models import Delivery, DeliveryState, Notice, Service
from server.notices.outdated import outdated
from server.people.models import Person

NEWEST_FIRST, BY_ID = Sort("created_at"), Sort("id", parse=UUID)
"""By their moment where an index has that; else by id, which is nearly the same."""
AGAIN = (
    DeliveryState.FAILED_PERMANENT,
    DeliveryState.FAILED_TECHNICAL,
    DeliveryState.CANCELLED,
    DeliveryState.EXPIRED,
)
"""What can be sent once more: what has ended, and did not arrive as far as anyone knows."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pushes; None is any. `day` is the one, in Anqing, on which they were made."""

    state: DeliveryState | None = None
    template: str | None = None
    service: Service | None = None
    day: date | None = None
    broadcast: UUID | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A push with its notice and the person that it goes to."""

    delivery: Delivery
    person: Person

    @property
    def notice(self) -> Notice:
        """What it is a push of."""
        return self.delivery.notice


async def deliveries(wanted: Wanted, limit: int, cursor: str | None) -> Page[Listed]:
    """Return a page of pushes, the newest first; two statements."""
    found_ = await page(_narrowed(wanted).select_related("notice"), _sort(wanted), limit, cursor)
    people = await _people([row.person_id for row in found_.items])
    return Page([Listed(row, people[row.person_id]) for row in found_.items], found_.next_cursor)


async def delivery(delivery_id: UUID) -> Listed:
    """Return a push; raises DomainError 404."""
    row = found(await Delivery.get_or_none(id=delivery_id).select_related("notice"), "delivery")
    return Listed(row, (await _people([row.person_id]))[row.person_id])


@transaction
async def resend(delivery_id: UUID, by: UUID) -> Listed:
    """Make another push of a notice whose push has ended without arriving, or had no template, and return it.

    It goes by the template's id that is in force now. Raises DomainError 404, 409 where it may have arrived, another is
    on its way, it is no longer worth saying or no longer so, or there is no such template any more.
    """
    row = found(await Delivery.get_or_none(id=delivery_id), "delivery")
    await Notice.filter(id=row.notice_id).select_for_update().get()  # so that two at once meet here
    row = await Delivery.filter(id=delivery_id).select_for_update().get()
    await _require_sendable(row)
    before, again = row.state, _another(row, _template_id(row.template))
    if row.state is DeliveryState.HELD:
        row.state, row.state_since, row.due_at = DeliveryState.CANCELLED, again.created_at, None
        await row.save(update_fields=["state", "state_since", "due_at"])
    await bulk.insert([again])
    await audit.note(f"delivery:{row.id}", "delivery.resent", actor_id=by, before=before, after=again.state)
    return await delivery(again.id)


_SAME = ("notice_id", "person_id", "service", "template", "data", "page", "priority", "expires_at")


def _template_id(name: str) -> str:
    template = catalogue.in_force().templates.get(name)
    found_ = template and template.id_in(putting.environment())
    if not found_:
        raise DomainError("delivery_template", 409)
    return found_


def _another(row: Delivery, template_id: str) -> Delivery:
    now = clock.now()
    due = quiet.due(row.priority, now)
    same = {name: getattr(row, name) for name in _SAME}
    moments = {"state_since": now, "created_at": now, "due_at": due, "ready_at": due}
    return bulk.fresh(Delivery, id=new_id(), template_id=template_id, **same, **moments)


async def _require_sendable(row: Delivery) -> None:
    waits_for_template = row.state is DeliveryState.HELD and row.refusal == putting.NO_TEMPLATE
    if row.state not in AGAIN and not waits_for_template:
        raise DomainError("delivery_state", 409, state=f"delivery_{row.state}")
    newer = Delivery.filter(notice_id=row.notice_id, created_at__gt=row.created_at).exclude(state__in=AGAIN)
    if await newer.exists():
        raise DomainError("delivery_resent", 409)
    if row.expires_at <= clock.now():
        raise DomainError("delivery_stale", 409)
    if await outdated(row.id):
        raise DomainError("delivery_superseded", 409)


def _narrowed(wanted: Wanted) -> QuerySet[Delivery]:
    exact = {"state": wanted.state, "template": wanted.template, "service": wanted.service}
    query = Delivery.filter(**{name: value for name, value in exact.items() if value is not None})
    if wanted.broadcast is not None:
        query = query.filter(notice__broadcast_id=wanted.broadcast)
    if wanted.day is not None:
        since, until = clock.midnight(wanted.day), clock.midnight(wanted.day + timedelta(days=1))
        query = query.filter(created_at__gte=since, created_at__lt=until)
        if wanted.state is None:
            query = query.filter(state__in=list(DeliveryState))  # by the index that begins with the state
    return query


def _sort(wanted: Wanted) -> Sort:
    return BY_ID if wanted.state is None and wanted.day is None else NEWEST_FIRST


async def _people(ids: list[UUID]) -> Mapping[UUID, Person]:
    return {person.id: person for person in await Person.filter(id__in=ids).only("id", "name_sealed")}
