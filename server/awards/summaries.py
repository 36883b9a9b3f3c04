"""What a payee may expect of an entry year, what is approved, what was paid, and what came back."""

from dataclasses import dataclass
from uuid import UUID

from tortoise.expressions import Q
from tortoise.functions import Count, Sum

from server.awards.models import ENDED, Award, AwardState, Clawback
from server.awards.states import UNDECIDED


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


async def of_payee(payee_id: UUID, year: int) -> Money:
    """Return how the awards of a payee for an entry year stand; two statements."""
    sums = dict.fromkeys(("expected", "approved", "paid"), Amount())
    rows = Award.filter(payee_id=payee_id, year=year).exclude(state__in=ENDED)
    counted = rows.annotate(count=Count("id"), fen=Sum("amount_fen")).group_by("state", "held_from")
    for row in await counted.values("state", "held_from", "count", "fen"):
        sums[_where(row["state"], row["held_from"])] += Amount(row["count"], int(row["fen"]))
    return Money(**sums, clawed_back=await _clawed_back(payee_id, year))


def _where(state: AwardState, held_from: AwardState | None) -> str:
    """Return under what an award counts; a held one under what it was held from."""
    stands = held_from if state is AwardState.HELD and held_from else state
    if stands is AwardState.PAID:
        return "paid"
    return "expected" if stands in UNDECIDED else "approved"


async def _clawed_back(payee_id: UUID, year: int) -> Amount:
    back = Clawback.filter(payee_id=payee_id, award__year=year)
    sums = await back.annotate(recovered=Sum("recovered_fen"), offset=Sum("offset_fen")).values("recovered", "offset")
    came = back.filter(Q(recovered_fen__gt=0) | Q(offset_fen__gt=0))
    fen = int(sums[0]["recovered"] or 0) + int(sums[0]["offset"] or 0)
    return Amount(await came.count(), fen)
