"""What somebody is told to do next is what they can do, after every decision, and names the moment that counts."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from server.engagements import contests, holding, nexts, rules, service, working
from server.engagements.contests import Verdict
from server.engagements.models import Engagement, Party
from server.engagements.nexts import Cue
from server.engagements.states import Verb
from server.kernel import clock
from tests.engagements.deciding import contested, reviewer, unpaid
from tests.engagements.filling import DAY, first_day, later, make_firm, make_worker, taken, worker_of

pytestmark = pytest.mark.usefixtures("database")


async def cues(held: Engagement, *, appealed: bool = False) -> list[Cue]:
    """Of the worker, then of the poster."""
    row = await holding.engagement(held.id)
    known = await nexts.facts([row])
    known = replace(known, appealed=frozenset({row.id})) if appealed else known
    for party in Party:  # whatever is said, its moment can be told
        nexts.moment(row, nexts.cue(row, party, known))
    return [nexts.cue(row, party, known) for party in (Party.WORKER, Party.POSTER)]


async def test_wages_that_were_decided_upon_are_owed_or_not() -> None:
    firm = await make_firm()
    owed, not_owed = await unpaid(firm), await unpaid(firm)
    assert await cues(owed) == [Cue.DISPUTED] * 2
    await contests.decide(owed.id, Verdict.STANDS, await reviewer())
    await contests.decide(not_owed.id, Verdict.LIFTED, await reviewer())
    assert [await cues(owed), await cues(not_owed)] == [[Cue.OWED] * 2, [Cue.NOT_OWED] * 2]
    assert await cues(owed, appealed=True) == [Cue.APPEALED] * 2
    await working.confirm_paid(owed.id, firm.actor)
    assert await cues(owed) == [Cue.OWED] * 2
    await working.confirm_paid(owed.id, worker_of(owed.person_id))
    assert await cues(owed) == [Cue.SETTLED] * 2
    await working.confirm_paid(not_owed.id, firm.actor)
    assert await cues(not_owed) == [Cue.NOT_OWED, Cue.SAID_PAID]


async def test_a_mark_that_was_decided_upon_is_over_but_for_an_appeal() -> None:
    held = await contested(await make_firm())
    await contests.decide(held.id, Verdict.STANDS, await reviewer())
    assert await cues(held) == [Cue.OVER] * 2
    assert await cues(held, appealed=True) == [Cue.APPEALED] * 2


async def test_the_moment_of_a_position_is_when_what_it_says_ends() -> None:
    firm, worker = await make_firm(), await make_worker()
    held = await taken(firm, await firm.seeks(), worker)
    begins = datetime.combine(first_day(), time(8), clock.SHANGHAI)
    row = await holding.engagement(held.id)
    known = await nexts.facts([row])
    until = nexts.moment(row, Cue.ACCEPTED)
    assert until == nexts.leaves_until(row, known) == service.withdraw_until(row)
    assert until
    assert begins == until + rules.in_force().withdrawal.time
    clock.move_to(until - timedelta(seconds=1))
    assert await cues(held) == [Cue.ACCEPTED] * 2
    assert Verb.WITHDRAW in nexts.verbs(row, Party.WORKER, known)
    clock.move_to(until)
    assert await cues(held) == [Cue.BOUND] * 2
    assert Verb.WITHDRAW not in nexts.verbs(row, Party.WORKER, known)
    later(DAY * 2)
    await working.attend(held.id, firm.actor)
    done = await working.complete(held.id, firm.actor)
    assert await cues(held) == [Cue.ASKED, Cue.SAID_DONE]
    assert done.due_at
    assert nexts.moment(done, Cue.ASKED) == nexts.due_at(done) == done.due_at
    done = await working.complete(held.id, worker_of(worker))
    assert await cues(held) == [Cue.UNPAID] * 2
    assert nexts.due_at(done) is None
    await working.confirm_paid(held.id, firm.actor)
    assert await cues(held) == [Cue.PAY_SAID, Cue.SAID_PAID]
    row, due = await holding.engagement(held.id), nexts.moment(done, Cue.PAY_SAID)
    assert due
    clock.move_to(due)
    assert Verb.REPORT_UNPAID in nexts.verbs(row, Party.WORKER, known)
