"""A school's money by year: expected until somebody approves it, and what came back beside what was paid."""

import pytest

from server.awards import summaries
from server.awards.models import AwardState
from server.awards.summaries import Amount, Money
from tests.factories import make_organisation
from tests.harness.awarding import make_clawback
from tests.harness.funding import REWARD_FEN, make_award

pytestmark = pytest.mark.usefixtures("database")


def times(count: int) -> Amount:
    return Amount(count, count * REWARD_FEN)


async def test_a_held_one_counts_as_what_it_was_and_one_that_ended_not_at_all() -> None:
    school = await make_organisation()
    expected = (AwardState.PROPOSED, AwardState.REVIEWED, AwardState.PUBLICISED)
    approved = (AwardState.APPROVED, AwardState.AWAITING_FUNDS, AwardState.ON_STATEMENT)
    for state in (*expected, *approved, AwardState.REFUSED, AwardState.CANCELLED, AwardState.PAID):
        await make_award(school, state=state, year=2026)
    for state in (AwardState.REVIEWED, AwardState.AWAITING_FUNDS):
        await make_award(school, state=AwardState.HELD, held_from=state, year=2026)
    await make_award(school, state=AwardState.PAID, year=2025)
    assert await summaries.of_payee([school.id], 2026) == Money(times(4), times(4), times(1), Amount())
    assert await summaries.of_payee([school.id], 2025) == Money(Amount(), Amount(), times(1), Amount())


async def test_what_came_back_is_summed_over_every_clawback() -> None:
    school = await make_organisation()
    awards = [await make_award(school, state=AwardState.PAID, year=2026) for _ in range(3)]
    await make_clawback(awards[0], recovered_fen=10_000, offset_fen=5_000)
    await make_clawback(awards[1], recovered_fen=REWARD_FEN, state="recovered")
    await make_clawback(awards[2], written_off_fen=REWARD_FEN, state="written_off")
    found = await summaries.of_payee([school.id], 2026)
    assert (found.paid, found.clawed_back) == (times(3), Amount(2, 15_000 + REWARD_FEN))
