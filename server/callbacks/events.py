"""What the events about pushes say, in our words: the rest of an event is not kept.

People type names and identity numbers into a chat, so of what is not listed here nothing but its name stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from server.callbacks.models import Account

Item = Mapping[str, Any]
TEMPLATE_MAX_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What someone said to being pushed one template: `accept`, `reject`, `ban` or `filter`."""

    template_id: str
    answer: str

    @classmethod
    def read(cls, item: Item) -> Self:
        """Read one item of a popup or change event; raises ValueError."""
        return cls(_text(item, "TemplateId"), _text(item, "SubscribeStatusString"))


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a push of the mini-program; `error` is `0` where it arrived."""

    template_id: str
    message_id: str
    error: str
    status: str

    @classmethod
    def read(cls, item: Item) -> Self:
        """Read one item of a sent event; raises ValueError."""
        return cls(*(_text(item, name) for name in ("TemplateId", "MsgID", "ErrorCode", "ErrorStatus")))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a push of the service account: `success`, or `failed:` and why."""

    message_id: str
    status: str

    @classmethod
    def read(cls, item: Item) -> Self:
        """Read a receipt, whose figures stand at the top of the event; raises ValueError."""
        return cls(_text(item, "MsgID"), _text(item, "Status"))


Result = Answer | Sent | Receipt

READERS: Mapping[tuple[Account, str], Callable[[Item], Result]] = {
    (Account.MINI_PROGRAM, "subscribe_msg_popup_event"): Answer.read,
    (Account.MINI_PROGRAM, "subscribe_msg_change_event"): Answer.read,
    (Account.MINI_PROGRAM, "subscribe_msg_sent_event"): Sent.read,
    (Account.SERVICE_ACCOUNT, "subscribe_msg_popup_event"): Answer.read,
    (Account.SERVICE_ACCOUNT, "subscribe_msg_change_event"): Answer.read,
    (Account.SERVICE_ACCOUNT, "subscribe_msg_sent_event"): Sent.read,
    (Account.SERVICE_ACCOUNT, "TEMPLATESENDJOBFINISH"): Receipt.read,
}


def results(account: Account, name: str, payload: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what an event about pushes says, one object per template; what cannot be read is left out."""
    read = READERS.get((account, name))
    if read is None:
        return []
    found = []
    for item in payload.get("List") or [payload]:
        try:
            found.append(asdict(read(item)))
        except (ValueError, AttributeError):  # no text where one belongs, or no object at all
            continue
    return found


def _text(item: Item, name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= TEMPLATE_MAX_LENGTH:
        raise ValueError(name)
    return value
