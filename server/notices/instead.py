"""Who no longer follows the service account is pushed to by the mini-program, where that says as much and may."""

from collections.abc import Collection, Mapping
from uuid import UUID

from server.kernel import bulk, clock
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.notices import catalogue, putting, quiet
from server.notices.models import Delivery, DeliveryState, PushPermission, Service
from server.notices.texts import Template

_SAME = ("notice_id", "person_id", "page", "priority", "expires_at")


@transaction
async def make(ids: Collection[UUID]) -> int:
    """Make another push for each of those which the service account could not carry, and return how many; joins.

    It is made where the kind has a template of the mini-program and its person a permission for that.
    """
    if not ids:
        return 0
    failed = await Delivery.filter(id__in=ids, service=Service.SERVICE_ACCOUNT).select_related("notice")
    wanted = [another for row in failed if (another := _another(row))]
    there = await PushPermission.filter(person_id__in=[one.person_id for one in wanted])
    permitted = {(row.person_id, row.template_id) for row in there if row.long_term or row.credited > row.reserved}
    made = [one for one in wanted if (one.person_id, one.template_id) in permitted]
    await bulk.insert(made)
    return len(made)


def _another(row: Delivery) -> Delivery | None:
    """Return the mini-program's push for one of the service account's, None where there is none."""
    event, _, audience = row.notice.kind.rpartition(".")
    kind = catalogue.in_force().kinds.get(event, {}).get(audience)
    by_service = {template.service: template for template in kind.templates} if kind else {}
    before, after = by_service.get(Service.SERVICE_ACCOUNT), by_service.get(Service.MINI_PROGRAM)
    template_id = after.id_in(putting.environment()) if after else None
    data = _carried(row.data, before, after) if before and after else None
    if not (after and template_id and data):
        return None
    now = clock.now()
    due = quiet.due(row.priority, now)
    return bulk.fresh(
        Delivery,
        id=new_id(),
        service=Service.MINI_PROGRAM,
        template=after.name,
        template_id=template_id,
        data=data,
        state=DeliveryState.CREATED,
        state_since=now,
        due_at=due,
        ready_at=due,
        created_at=now,
        **{name: getattr(row, name) for name in _SAME},
    )


def _carried(data: Mapping[str, str], before: Template, after: Template) -> dict[str, str] | None:
    """Return the same values under another template's keys; None where that asks for one which is not there.

    A value fits a key of the same type alone, which is its name without the number.
    """
    there = {(part, _type(key)): data.get(key) for key, part in before.keys.items()}
    carried = {key: there.get((part, _type(key))) for key, part in after.keys.items()}
    found = {key: value for key, value in carried.items() if value}
    return found if len(found) == len(carried) else None


def _type(key: str) -> str:
    return key.rstrip("0123456789")
