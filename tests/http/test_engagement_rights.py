"""Every verb by everyone from every state over HTTP, against the table of the code; and what a side is told it may do.

Generated from `server.engagements.states`: a verb, a state or a side that is added there is tried here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from miniprogram_api.engagement_views import spelt
from server.engagements.models import ContestState, Engagement, EngagementState, EngagementStep, Party
from server.engagements.states import AT_WORK, TABLE, WORKED, Verb
from server.kernel import clock
from server.labour.models import Posting, PostingState
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from server.students import service as students
from server.students.service import Verdict
from tests.factories import make_engagement, make_organisation, make_person, make_posting
from tests.harness.callers import API, Caller, caller, member, staff
from tests.students.numbers import claim, number_of

pytestmark = pytest.mark.once

DAY = timedelta(days=1)
BY_PARTIES = [verb for verb, rule in TABLE.items() if any(rule.by.get(party) for party in Party)]
SAYING_NOTHING = {Verb.ACCEPT, Verb.ATTEND, Verb.COMPLETE, Verb.CONFIRM_PAID}
REASON = {"reason": "有原因"}
PHASES = {"to come": (5, 30), "begun": (-2, 30), "over": (-9, -2)}
"""When the work begins and ends, in days from today."""
SAID: dict[str, Any] = {"worker": {"at": "2026-01-01T00:00:00+00:00", "minutes": 480, "fen": 100}}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    **{phase: (phase, {}) for phase in PHASES},
    "the worker said so already": ("begun", {"completed_by": SAID, "paid_by": SAID}),
    "both said that it is paid": (
        "begun",
        {"paid_by": {**SAID, "poster": SAID["worker"]}, "paid_at": datetime(2026, 1, 2, tzinfo=UTC)},
    ),
    "has stood so for long": ("begun", {"state_since": datetime(2026, 1, 1, tzinfo=UTC)}),
    "approved of": ("to come", {"approved_at": datetime(2026, 1, 1, tzinfo=UTC)}),
    "agreed on other terms": ("begun", {"terms_id": UUID(int=1)}),
    "decided": ("begun", {"contest": ContestState.STANDS}),
    "too late to contest": ("begun", {"contest_until": datetime(2026, 1, 1, tzinfo=UTC)}),
}
"""What a side may do depends on: when the work is, and what else there is to the engagement."""


@dataclass
class World:
    """One engagement that is put into any state, its two sides, and everybody else."""

    client: aiohttp.ClientSession
    row: Engagement
    sides: dict[Party, Caller]
    others: dict[str, Caller]

    async def enter(self, state: EngagementState, phase: str = "begun", **more: Any) -> None:
        now = clock.now()
        had, places = state in {*AT_WORK, *WORKED, EngagementState.NO_SHOW}, state in {*AT_WORK, "no_show"}
        begins, ends = PHASES[phase]
        await Posting.filter(id=self.row.posting_id).update(
            state=PostingState.LIVE, filled=int(places), starts_on=clock.today() + begins * DAY,
            ends_on=clock.today() + ends * DAY,
        )  # fmt: skip
        values: dict[str, Any] = {
            "state": state, "state_since": now, "holds_place": places, "approved_at": None, "due_at": None,
            "accepted_at": now - 20 * DAY if had else None, "completed_by": {}, "paid_by": {}, "terms_id": None,
            "completed_at": now - DAY if state is EngagementState.COMPLETED else None, "paid_at": None,
            "contest": ContestState.OPEN if state is EngagementState.WAGE_DISPUTE else ContestState.NONE,
            "contest_until": now + DAY if state in {"no_show", "left_early"} else None,
        }  # fmt: skip
        await Engagement.filter(id=self.row.id).update(**{**values, **more})

    async def tried(self, who: Caller, verb: Verb) -> tuple[int, str]:
        body = {} if verb in SAYING_NOTHING else REASON
        status, told, _ = await who.ask("POST", f"/engagements/{self.row.id}/{spelt(verb)}", body)
        return status, told.get("code", "")


@pytest.fixture(scope="module")
async def world(client: aiohttp.ClientSession, database: BaseDBAsyncClient) -> World:
    assert database
    firm, other = await make_organisation(Kind.ENTERPRISE), await make_organisation(Kind.ENTERPRISE)
    poster = await member(client, firm, Role.CLERK)
    demand = await make_posting(person_id=poster.person_id, organisation_id=firm.id, headcount=50)
    worker = await caller(client)
    link = await students.request(worker.person_id, claim(number_of(clock.today() - 7400 * DAY)))
    await students.decide(link.id, Verdict.CONFIRM, Decider((await make_person()).id, "核对无误"))
    row = await make_engagement(demand, worker.person_id, student_id=link.student_id)
    for verb, before, after in (
        (Verb.ATTEND, "accepted", "attended"), (Verb.REPORT_UNPAID, "completed", "wage_dispute")
    ):  # fmt: skip
        await EngagementStep.create(engagement=row, verb=verb.value, before=before, after=after, made_at=clock.now())
    others = {
        "another enterprise's clerk": await member(client, other, Role.CLERK),
        "another student": await caller(client),
        "a reviewer": await staff(client, Role.REVIEWER),
        "an editor": await staff(client, Role.EDITOR),
    }
    return World(client, row, {Party.POSTER: poster, Party.WORKER: worker}, others)


def expected(verb: Verb, state: EngagementState, party: Party) -> set[int]:
    """What a side gets: done or not now, what is the other's to do, or what nobody does from there."""
    by = TABLE[verb].by
    if state in by.get(party, ()):
        return {200, 409}
    theirs = party not in by or any(state in found for found in by.values())
    return {403} if theirs else {409}


def allowed(verb: Verb, state: EngagementState, *parties: Party) -> bool:
    """Whether the table lets one of `parties` do it from there."""
    return any(state in TABLE[verb].by.get(party, ()) for party in parties)


@pytest.fixture
def everything(request: pytest.FixtureRequest) -> bool:
    """Whether also what no state can make possible is tried from every state and in every variant: with the drills."""
    return bool(request.config.getoption("--drills"))


def each() -> Iterator[tuple[EngagementState, Verb]]:
    return ((state, verb) for state in EngagementState for verb in BY_PARTIES if verb not in {Verb.APPLY, Verb.OFFER})


def test_the_table_says_it_of_every_verb() -> None:
    assert set(TABLE) == set(Verb)
    assert len(BY_PARTIES) >= 11


async def by_strangers(world: World, verb: Verb) -> list[str]:
    """What went wrong when those tried it whose affair the engagement is not."""
    refused = {"another enterprise's clerk": 404, "another student": 404, "a reviewer": 403, "an editor": 403}
    got = {name: (await world.tried(world.others[name], verb))[0] for name in refused}
    async with world.client.post(f"{API}/engagements/{world.row.id}/{spelt(verb)}") as answer:
        got["anyone"] = answer.status
    return [f"{verb} by {name}: {status}" for name, status in got.items() if status != refused.get(name, 401)]


async def test_every_verb_from_every_state_by_both_sides_and_by_strangers(world: World, *, everything: bool) -> None:
    """Strangers try what a side could do there; with the drills the rest too."""
    wrong = []
    for state, verb in each():
        await world.enter(state)
        if everything or allowed(verb, state, *Party):
            wrong += [f"from {state}: {found}" for found in await by_strangers(world, verb)]
        for party, who in world.sides.items():
            got, code = await world.tried(who, verb)
            if got not in expected(verb, state, party):
                wrong.append(f"{verb} from {state} by the {party}: {got} {code}")
            if got < 300:
                await world.enter(state)
    assert wrong == []


@pytest.mark.parametrize("variant", VARIANTS)
async def test_a_side_is_told_exactly_what_it_can_do(world: World, variant: str, *, everything: bool) -> None:
    """What the table refuses a side whatever the variant is refused in the test above; with the drills here too."""
    wrong, (phase, more) = [], VARIANTS[variant]
    for state in EngagementState:
        for party, who in world.sides.items():
            await world.enter(state, phase, **more)
            told = set((await who.ask("GET", f"/engagements/{world.row.id}"))[1]["next"]["verbs"])
            can = set()
            for verb in {verb for one, verb in each() if one is state and (everything or allowed(verb, one, party))}:
                if (await world.tried(who, verb))[0] == 200:
                    can.add(spelt(verb))
                    await world.enter(state, phase, **more)
            if told != can:
                wrong.append(f"{state} for the {party}: told {sorted(told)}, can {sorted(can)}")
    assert wrong == []


async def test_only_a_reviewer_decides_and_only_what_waits(world: World) -> None:
    decision: dict[str, Any] = {"verdict": "stands", "reason": "已核实"}
    path = f"/engagements/{world.row.id}/decision"
    for state in EngagementState:
        await world.enter(state)
        waits = state is EngagementState.WAGE_DISPUTE
        assert await world.others["a reviewer"].status("POST", path, decision) == (200 if waits else 409), state
        for who in (*world.sides.values(), *(one for name, one in world.others.items() if name != "a reviewer")):
            assert await who.status("POST", path, decision) == 403
