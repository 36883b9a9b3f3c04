"""Whether WeChat takes pushes just now, as the last of them have it."""

import time
from collections import Counter
from dataclasses import dataclass

from server.notices.endings import AWAY, QUOTA, UNKNOWN
from server.notices.models import Service
from server.notices.ports import Outcome

AWAY_AFTER = 5
"""After so many in a row without an answer it is away."""
DRY_AFTER = 3
"""After so many refusals in a row for want of quota there is none left; a single one may be a slip."""
DRY_SECONDS = 60.0
"""For so long nothing is handed to an account whose quota is used up: what is due meanwhile is put off at once."""


@dataclass(frozen=True, slots=True)
class _Unasked:
    """What a push comes to without WeChat's saying so."""

    state: str
    refusal: str | None = None
    message_id: str | None = None


DRY = _Unasked("refused", QUOTA)
"""What it would say; nobody need ask."""
LOST = _Unasked(UNKNOWN)
"""An error of our own: perhaps it was asked."""


class Weather:
    """Whether WeChat answers, and for whom there is a quota left, as the last pushes have it."""

    def __init__(self) -> None:
        self._missed = 0
        self._short: Counter[Service] = Counter()
        self._dry_until: dict[Service, float] = {}

    @property
    def foul(self) -> bool:
        """Whether it is away."""
        return self._missed >= AWAY_AFTER

    def dry(self, service: Service) -> bool:
        """Whether an account's quota was used up just now."""
        return time.monotonic() < self._dry_until.get(service, 0.0)

    def saw(self, service: Service, outcome: Outcome) -> bool:
        """Note an answer, or that none came; return whether WeChat has just come back."""
        answer = outcome.state
        self._short[service] = self._short[service] + 1 if outcome.refusal == QUOTA else 0
        if self._short[service] >= DRY_AFTER:
            self._dry_until[service] = time.monotonic() + DRY_SECONDS
        cleared = self.foul and answer not in {AWAY, UNKNOWN}
        self._missed = self._missed + 1 if answer in {AWAY, UNKNOWN} else 0
        return cleared
