"""What access needs from outside."""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

ACCESS_LIFETIME = timedelta(minutes=15)


class Claims(Protocol):
    """What an access token says."""

    @property
    def person_id(self) -> UUID:
        """Whose it is."""

    @property
    def session_id(self) -> UUID:
        """The session that it was issued in."""

    @property
    def expires_at(self) -> datetime:
        """The moment from which it is worth nothing."""


class Tokens(Protocol):
    """Makes and reads access tokens."""

    def issue(self, person_id: UUID, session_id: UUID, now: datetime) -> str:
        """Return a token that is good for `ACCESS_LIFETIME` from `now`."""

    def read(self, text: str, now: datetime) -> Claims:
        """Return what a token says; raises DomainError 401 for any that is not ours and in force."""
