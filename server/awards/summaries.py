"""What a payee may expect of an entry year, what is approved, what was paid, and what came back."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from tortoise.functions import Count, Sum

from server.awards.models import ENDED, Award, AwardState
from server.awards.states import UNDECIDED
from server.kernel.statements import returned

_CAME_BACK = """
SELECT count(*) AS count, coalesce(sum(c.recovered_fen + c.offset_fen), 0) AS fen
FROM clawback c JOIN award a ON a.id = c.award_id
WHERE c.payee_id = ANY($1) AND a.year = $2 AND c.recovered_fen + c.offset_fen > 0
"""


@dataclass(frozen=True, slots=True)
class Amount:
    """How many awards, and how many fen together."""

    count: int = 0
    fen: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.count + other.count, self.fen + other.fen)


@dataclass(frozen=True, slots=True)
class Money:
    """A payee's awards of one entry year.

    `expected` are estimates: nobody has approved them. `approved` is all that was approved and is not paid, also what
    waits for money or is on its way. `paid` is what was ever paid; `clawed_back` is what of it came back or was kept
    back.
    """

    expected: Amount
    approved: Amount
    paid: Amount
    clawed_back: Amount


async def of_payee(payee_ids: Collection[UUID], year: int) -> Money:
    """Return how the awards of a payee, with those it carries on, for an entry year stand; two statements."""
    sums = dict.fromkeys(("expected", "approved", "paid"), Amount())
    rows = Award.filter(payee_id__in=payee_ids, year=year).exclude(state__in=ENDED)
    counted = rows.annotate(count=Count("id"), fen=Sum("amount_fen")).group_by("state", "held_from")
    for row in await counted.values("state", "held_from", "count", "fen"):
        sums[_where(row["state"], row["held_from"])] += Amount(row["count"], int(row["fen"]))
    return Money(**sums, clawed_back=await _clawed_back(payee_ids, year))


def _where(state: AwardState, held_from: AwardState | None) -> str:
    """Return under what an award counts; a held one under what it was held from."""
    stands = held_from if state is AwardState.HELD and held_from else state
    if stands is AwardState.PAID:
        return "paid"
    return "expected" if stands in UNDECIDED else "approved"


async def _clawed_back(payee_ids: Collection[UUID], year: int) -> Amount:
    rows = await returned(_CAME_BACK, list(payee_ids), year)
    return Amount(int(rows[0]["count"]), int(rows[0]["fen"]))
