"""Access tokens as `stable_token` gives them out."""

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from server.kernel import clock
from server.standin.refusals import RefusedError

LIFE = timedelta(hours=2)
RENEWED_IN_LAST = timedelta(minutes=5)
BETWEEN_FORCED = timedelta(seconds=30)
FORCED_PER_DAY = 20


@dataclass(frozen=True, slots=True)
class Token:
    """One access token; `expires_at` is when WeChat stops taking it."""

    text: str = field(repr=False)
    expires_at: datetime

    @property
    def left(self) -> timedelta:
        """How long it still lives."""
        return self.expires_at - clock.now()


class Tokens:
    """The tokens of one account: the one in force, and the one before it, which lives on after a plain renewal."""

    def __init__(self) -> None:
        self._current: Token | None = None
        self._former: Token | None = None
        self._forced_at: datetime | None = None
        self._forced: tuple[date, int] = (date.min, 0)

    def normal(self) -> Token:
        """Return the token in force; one in its last five minutes gives way to a new one and lives to its end."""
        if not self._current or self._current.left <= RENEWED_IN_LAST:
            self._former, self._current = self._current, _new()
        return self._current

    def forced(self) -> Token:
        """Return a new token and kill the others; refuses more than 20 a day, or one within 30 s of the last."""
        now, today = clock.now(), clock.today()
        done = self._forced[1] if self._forced[0] == today else 0
        too_soon = self._forced_at is not None and abs(now - self._forced_at) < BETWEEN_FORCED
        if too_soon or done >= FORCED_PER_DAY:
            raise RefusedError(45009)
        self._forced, self._forced_at = (today, done + 1), now
        self._former, self._current = None, _new()
        return self._current

    def check(self, text: str) -> None:
        """Refuse a token that is unknown, dead or expired."""
        for token in (self._current, self._former):
            if token and token.text == text:
                if token.left <= timedelta(0):
                    raise RefusedError(42001)
                return
        raise RefusedError(40001)

    def has(self, text: str) -> bool:
        """Whether `text` is one of these, alive or expired."""
        return any(token and token.text == text for token in (self._current, self._former))

    def revoke(self) -> None:
        """Kill what is out, as WeChat does when someone else refreshes by force."""
        self._current = self._former = None


def _new() -> Token:
    return Token(secrets.token_urlsafe(96), clock.now() + LIFE)
