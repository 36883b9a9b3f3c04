"""Leaving alone for a while what has just failed."""

import time

FORGOTTEN_SECONDS = 120.0
"""A failure older than this says nothing of now: perhaps nobody has asked since."""


class Breaker:
    """Refuses at once after `failures` in a row; after `seconds` one call is let through to see whether it is back."""

    def __init__(self, failures: int, seconds: float) -> None:
        self._limit = failures
        self._seconds = seconds
        self._failed = 0
        self._closed_until = 0.0
        self._failed_at = 0.0

    @property
    def healthy(self) -> bool:
        """Whether nothing bad is known of it that is still news."""
        return self._failed < self._limit or time.monotonic() - self._failed_at > FORGOTTEN_SECONDS

    def lets_through(self) -> bool:
        """Whether a call may be made now; past the pause the caller who hears True first is the probe."""
        if self._failed < self._limit:
            return True
        now = time.monotonic()
        if now < self._closed_until:
            return False
        self._closed_until = now + self._seconds
        return True

    def succeeded(self) -> None:
        """Note an answer, of whatever content."""
        self._failed = 0

    def failed(self) -> None:
        """Note that no answer came."""
        self._failed += 1
        self._failed_at = time.monotonic()
        self._closed_until = self._failed_at + self._seconds
