"""Leaving alone for a while what has just failed."""

import time


class Breaker:
    """Refuses at once after `failures` in a row; after `seconds` one call is let through to see whether it is back."""

    def __init__(self, failures: int, seconds: float) -> None:
        self._limit = failures
        self._seconds = seconds
        self._failed = 0
        self._closed_until = 0.0

    @property
    def healthy(self) -> bool:
        """Whether the last that is known of it is good."""
        return self._failed < self._limit

    def lets_through(self) -> bool:
        """Whether a call may be made now; past the pause the caller who hears True first is the probe."""
        if self.healthy:
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
        self._closed_until = time.monotonic() + self._seconds
