"""What people need from outside."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Identity(Protocol):
    """Who WeChat says someone is; `unionid` is known where the accounts are bound together."""

    @property
    def openid(self) -> str:
        """The mini-program's name for this person."""

    @property
    def unionid(self) -> str | None:
        """WeChat's name for this person over all bound accounts."""


class WeChat(Protocol):
    """The mini-program's side of WeChat.

    Each call raises DomainError: 422 for a code that WeChat refuses, 403 for a person whom it blocks, 503 where it
    cannot be reached.
    """

    async def identity(self, code: str) -> Identity:
        """Return who holds a login code, which works once and for five minutes."""

    async def phone(self, code: str) -> str:
        """Return the phone number that a phone code stands for.

        Digits only, with `+` and the country code in front where that is not 86.
        """


class Limits(Protocol):
    """How often something may be tried."""

    async def take(self, what: str, who: str, most: int, seconds: int) -> None:
        """Count one try of `what` by `who`; raises DomainError 429 past `most` in a window of `seconds`."""

    def counted(self, what: str, who: str, most: int, seconds: int) -> AbstractAsyncContextManager[None]:
        """Count what is done within as one try, as `take` does, unless it fails because something of ours is away."""
