"""Of a receiving school that is suspended nothing is believed until it is restored: what follows waits."""

from typing import Any, cast

import pytest

from server import schedules
from server.awards import soundness
from server.awards.models import Clawback
from server.awards.proposing import Wanted
from server.kernel.jobs.models import Job
from server.organisations import group, standing
from server.organisations.models import Organisation
from tests.awards.deciding import world
from tests.awards.test_following import Sent, doubt, sent
from tests.harness.awarding import PROGRAMME, outcomes, proposed
from tests.referrals.disputing import reviewer

pytestmark = pytest.mark.usefixtures("database")
__all__ = ["sent"]


async def looked_again(school: Organisation) -> None:
    """The jobs about a school are done, as a worker does them."""
    nobody = cast("Any", None)
    for job in await Job.filter(kind=group.CHANGED):
        if job.payload["school"] == str(school.id):
            await schedules.handlers(nobody, nobody)[job.kind](job.payload)


@pytest.mark.parametrize("state", ["proposed", "on_statement", "paid"])
async def test_a_receiver_that_is_suspended_holds_up_what_is_not_paid_yet(sent: Sent, state: str) -> None:
    award, by, college = await sent.award(await world(), state=state), await reviewer(), sent.schools.named
    await standing.suspend(college.id, by)
    await looked_again(college)
    expected = {
        "proposed": ("held", soundness.RECEIVER), "on_statement": (state, soundness.RECEIVER), "paid": (state, "")
    }  # fmt: skip
    assert await doubt(award) == expected[state]
    assert not await Clawback.exists(award_id=award.id), "nothing came up about what was paid before"
    await standing.restore(college.id, by)
    await looked_again(college)
    assert await doubt(award) == (expected[state][0], "")


@pytest.mark.parametrize("suspect", [False, True])
async def test_a_receiver_that_closes_is_believed_unless_it_was_suspended(sent: Sent, suspect: bool) -> None:  # noqa: FBT001
    award, by, college = await sent.award(await world()), await reviewer(), sent.schools.named
    if suspect:
        await standing.suspend(college.id, by)
    await standing.close(college.id, by)
    await looked_again(college)
    assert await doubt(award) == (("held", soundness.RECEIVER) if suspect else ("proposed", ""))


async def test_nothing_is_proposed_while_the_receiver_is_suspended(sent: Sent) -> None:
    by, year = await reviewer(), sent.claim.year
    await standing.suspend(sent.schools.named.id, by)
    assert (await outcomes(await proposed(Wanted(PROGRAMME, year))))[sent.claim.id] == soundness.RECEIVER
    await standing.restore(sent.schools.named.id, by)
    assert (await outcomes(await proposed(Wanted(PROGRAMME, year))))[sent.claim.id] != soundness.RECEIVER
