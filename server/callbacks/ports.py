"""What callbacks need from outside."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol


class Event(Protocol):
    """What WeChat tells."""

    @property
    def name(self) -> str:
        """The event's own name, or `message.` and the kind of a message."""

    @property
    def openid(self) -> str:
        """Whom it is about, as this account knows them."""

    @property
    def created_at(self) -> datetime:
        """When it happened, to the second."""

    @property
    def payload(self) -> Mapping[str, Any]:
        """The whole of it: texts by WeChat's names, and `List` as an array."""


class CallbackReader(Protocol):
    """Reads what is posted to the callback of one account; `query` holds the texts of the query string.

    Both calls raise DomainError: 403 for what WeChat did not sign just now, 400 for what cannot be read, 413 for what
    is larger than WeChat's own.
    """

    def verify(self, query: Mapping[str, str], now: datetime) -> str:
        """Return the `echostr` that proves to WeChat whose address this is."""

    def read(self, query: Mapping[str, str], body: bytes, now: datetime) -> Event:
        """Return the event that `body` holds."""


class Follower(Protocol):
    """What WeChat knows of someone who follows."""

    @property
    def unionid(self) -> str | None:
        """The same for one person in all accounts that are bound together."""


class ServiceAccount(Protocol):
    """The service account's side of WeChat."""

    async def follower(self, openid: str) -> Follower:
        """Return what WeChat knows of a follower; raises DomainError 503 where it cannot be reached."""
