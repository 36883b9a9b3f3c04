"""What WeChat says afterwards of a push: whether it arrived. Where its answer was lost, we learn of it that way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q

from server.kernel import clock
from server.kernel.transactions import transaction
from server.notices import permissions
from server.notices.endings import NO_PERMISSION, UNKNOWN
from server.notices.models import Delivery, DeliveryState, Notice, Service
from server.people import followers

KIND = "wechat_receipt"
"""The kind of job that works on one receipt."""
BEHIND = timedelta(seconds=5)
"""Where receipts wait for longer, nothing whose answer was lost is sent again: its own may be among them."""
BLOCKED, NOT_DELIVERED = "blocked", "not_delivered"
REMEMBERED = timedelta(days=60)
"""How old a notice may be whose push is looked for without its name."""
_LIKELY = (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one push to `openid` of an account; `failure` is a word of ours, empty where it arrived.

    `template_id` is None where the event does not name it.
    """

    service: Service
    openid: str
    template_id: str | None
    message_id: str
    at: datetime
    failure: str = ""


@transaction
async def settle(receipt: Receipt) -> bool:
    """Note what became of a push; False where that push is just being sent, so that one has to ask again.

    One that nobody sent is passed over.
    """
    person_id = await followers.person_of(receipt.openid, follower=receipt.service is Service.SERVICE_ACCOUNT)
    if person_id is None:
        return True
    theirs = Delivery.filter(message_id=receipt.message_id, service=receipt.service, person_id=person_id)
    named = await theirs.select_for_update().order_by("-id").first()
    if named is None:
        named = await _unnamed(receipt, person_id)
    if named is None or named.state is DeliveryState.DELIVERED:
        return True
    if named.state is DeliveryState.SENDING:
        return False
    await _close(named, receipt)
    return True


async def _unnamed(receipt: Receipt, person_id: UUID) -> Delivery | None:
    """Return the push that a receipt may be about though we do not know its name: its answer was lost, or is to come.

    What has its name meanwhile is looked for once more in the same breath, so that none slips through between.
    """
    notices = Notice.filter(person_id=person_id, created_at__gt=clock.now() - REMEMBERED)
    theirs = Q(notice_id__in=await notices.values_list("id", flat=True), service=receipt.service)
    if receipt.template_id:
        theirs &= Q(template_id=receipt.template_id)
    wanted = theirs & (Q(message_id=receipt.message_id) | Q(message_id=None))
    rows = await Delivery.filter(wanted).select_for_update().order_by("id")
    likely = [
        (place, abs(row.state_since - receipt.at), row)
        for row in rows
        if (place := _likelihood(row, receipt)) is not None
    ]
    return min(likely, key=lambda one: one[:2], default=(0, timedelta(), None))[2]


def _likelihood(row: Delivery, receipt: Receipt) -> int | None:
    """Return how likely a receipt is about a push, the likeliest least, and of equals the nearest; None if it is not.

    One that is being sent comes before one whose answer was lost: its name will tell, and that one can wait.
    """
    if row.message_id == receipt.message_id:
        return 0
    if row.state in _LIKELY:
        return 1 + _LIKELY.index(row.state)
    given_up = row.refusal == UNKNOWN or (row.refusal == NO_PERMISSION and row.again)
    return 1 + len(_LIKELY) if given_up else None


async def _close(one: Delivery, receipt: Receipt) -> None:
    now = clock.now()
    await _charge(one, receipt)
    one.state = _state(receipt)
    one.refusal = receipt.failure
    one.state_since, one.due_at, one.worker, one.reserved = now, None, None, False
    one.message_id = receipt.message_id
    one.handed_over_at = one.handed_over_at or receipt.at
    one.delivered_at = None if receipt.failure else receipt.at
    await one.save()


async def _charge(one: Delivery, receipt: Receipt) -> None:
    """Note what became of its permission: spent, as WeChat took the push, unless it says that none is left."""
    if receipt.failure == NO_PERMISSION and one.service is Service.MINI_PROGRAM:
        await permissions.change_many(**({"zero": [one]} if one.reserved else {"empty": [one]}))
    elif one.reserved:
        await permissions.change_many(spend=[one])


def _state(receipt: Receipt) -> DeliveryState:
    if not receipt.failure:
        return DeliveryState.DELIVERED
    permanent = receipt.failure in {BLOCKED, NO_PERMISSION}
    return DeliveryState.FAILED_PERMANENT if permanent else DeliveryState.FAILED_TECHNICAL
