"""What events about pushes come to: permissions given and withdrawn, and pushes that arrived."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from server.callbacks.models import Account, WeChatEvent
from server.callbacks.ports import ServiceAccount
from server.notices import catalogue, claiming, endings, permissions, receipts
from server.notices.models import Service
from server.notices.receipts import Receipt
from server.people import followers

ACCEPTED = "accept"
WITHDRAWN = frozenset({"reject", "ban"})
_ARRIVED = "0"
_REFUSED = "43101"
_SERVICES = {Account.MINI_PROGRAM: Service.MINI_PROGRAM, Account.SERVICE_ACCOUNT: Service.SERVICE_ACCOUNT}


async def asked(event: WeChatEvent, _service_account: ServiceAccount) -> bool:
    """Credit what somebody accepted when asked; what they refused changes nothing."""
    for template_id, answer in _answers(event):
        if answer == ACCEPTED:
            await _accepted(event, template_id)
    return True


async def changed(event: WeChatEvent, _service_account: ServiceAccount) -> bool:
    """Withdraw what somebody turned off in the settings; turning on gives nothing but a long-term permission."""
    for template_id, answer in _answers(event):
        if answer in WITHDRAWN and (person_id := await _person(event)):
            await permissions.withdraw(person_id, template_id, _source(event, template_id), _moment(event))
        elif answer == ACCEPTED and _long_term(template_id):
            await _accepted(event, template_id)
    return True


async def sent(event: WeChatEvent, _service_account: ServiceAccount) -> bool:
    """Note which subscription messages arrived; False where one is just being sent."""
    return await _settled(event, lambda one: _failure(one["error"]))


async def finished(event: WeChatEvent, _service_account: ServiceAccount) -> bool:
    """Note whether a template message of the service account arrived; False where it is just being sent."""
    return await _settled(event, lambda one: _reason(one["status"]))


async def _settled(event: WeChatEvent, failure: Callable[[Mapping[str, str]], str]) -> bool:
    done = [
        await receipts.settle(
            Receipt(
                service=_SERVICES[event.account],
                openid=event.openid,
                template_id=one.get("template_id"),
                message_id=one["message_id"],
                at=_moment(event),
                failure=failure(one),
            )
        )
        for one in event.payload["results"]
    ]
    return all(done)


async def _accepted(event: WeChatEvent, template_id: str) -> None:
    """Credit one permission, and let what waited for it go."""
    if person_id := await _person(event):
        source, long_term = _source(event, template_id), _long_term(template_id)
        await permissions.credit(person_id, template_id, source, _moment(event), long_term=long_term)
        await claiming.release_held(person_id, template_id)


def _answers(event: WeChatEvent) -> Iterable[tuple[str, str]]:
    """Return what was said of each template."""
    return {one["template_id"]: one["answer"] for one in event.payload["results"]}.items()


async def _person(event: WeChatEvent) -> UUID | None:
    return await followers.person_of(event.openid, follower=event.account is Account.SERVICE_ACCOUNT)


def _source(event: WeChatEvent, template_id: str) -> str:
    """Return by what an event's word about a template is known again, should it be heard twice."""
    said = f"{event.fingerprint} {template_id}"
    return f"event:{hashlib.sha256(said.encode()).hexdigest()}"


def _moment(event: WeChatEvent) -> datetime:
    return datetime.fromisoformat(event.payload["happened_at"])


def _long_term(template_id: str) -> bool:
    known = catalogue.in_force().templates.values()
    return any(template.long_term and template_id in template.ids.values() for template in known)


def _failure(error: str) -> str:
    """Return a word of ours for the code of a subscription message."""
    if error == _ARRIVED:
        return ""
    return endings.NO_PERMISSION if error == _REFUSED else receipts.NOT_DELIVERED


def _reason(status: str) -> str:
    """Return a word of ours for what became of a template message, `failed:user block` among others."""
    if status == "success":
        return ""
    return receipts.BLOCKED if "block" in status else receipts.NOT_DELIVERED
