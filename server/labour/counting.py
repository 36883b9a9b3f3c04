"""How much work is offered: open places by county and occupation, for anyone to read."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise.connection import get_connection

from server.kernel import clock

SECONDS_KEPT = 60
"""As long as it may be old: counting reads every live posting."""
_OPEN = """
SELECT p.region, p.occupation, p.kind, count(*) AS postings, sum(p.headcount - p.filled) AS places
FROM posting p JOIN organisation o ON o.id = p.organisation_id
WHERE p.side = 'demand' AND p.state = 'live' AND p.valid_until >= {today}
  AND o.state = 'verified' AND (o.due_on IS NULL OR o.due_on >= {today})
GROUP BY p.region, p.occupation, p.kind ORDER BY p.region, p.occupation, p.kind"""


@dataclass(frozen=True, slots=True)
class Open:
    """What is open of one occupation and kind in one county: places not yet filled, and postings."""

    region: str
    occupation: str | None
    kind: str
    places: int
    postings: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What was open at one moment."""

    counted_at: datetime
    rows: Sequence[Open]


class OpenPlaces:
    """The last count of this process."""

    def __init__(self) -> None:
        self._counted: Counted | None = None
        self._until = float("-inf")
        self._counting = asyncio.Lock()

    async def counted(self) -> Counted:
        """Return what is open, counted at most a minute ago; whoever comes meanwhile waits for the same count."""
        async with self._counting:
            moved = self._counted and abs((clock.now() - self._counted.counted_at).total_seconds()) > SECONDS_KEPT
            if self._counted is None or moved or time.monotonic() >= self._until:
                self._counted = Counted(clock.now(), await _count())
                self._until = time.monotonic() + SECONDS_KEPT
            return self._counted


async def _count() -> Sequence[Open]:
    connection = get_connection("default")
    postgres = connection.capabilities.dialect == "postgres"
    today: Any = clock.today() if postgres else clock.today().isoformat()
    rows = await connection.execute_query_dict(_OPEN.format(today="$1" if postgres else "?1"), [today])
    return [Open(**{**row, "places": int(row["places"])}) for row in rows]
