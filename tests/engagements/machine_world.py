"""What the state machine of engagements moves in, and what always holds there."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations, pairwise
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from server.engagements import asking, contests, fitness, holding, service, working
from server.engagements.contests import Verdict
from server.engagements.models import Engagement, EngagementState, EngagementStep, Party
from server.engagements.overlap import Times, clash
from server.engagements.states import AT_WORK, TABLE, Actor, Verb
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.transactions import transaction
from server.labour import keeping, life, review
from server.labour.keeping import Change
from server.labour.models import Posting, PostingState, Settlement
from server.labour.service import landing
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from tests.engagements.filling import DAY, Firm, make_firm, make_workers, offers
from tests.factories import make_member

PLACE = st.integers(0, 1000)
WHY = "说明原因"
TEAM = 3
HOURS = (("08:00", "12:00"), ("11:00", "15:00"), ("15:00", "18:00"))
"""Of the first and the second posting they meet, of the second and the third they touch."""
HEADS = (1, 2, 3)
STARTS = 2 * DAY


@dataclass(frozen=True)
class World:
    """A firm with postings, people who offer their hands, the offers by person, the team's last, and a reviewer."""

    firm: Firm
    postings: list[UUID]
    people: list[UUID]
    supplies: list[tuple[UUID, UUID]]
    reviewer: UUID


async def make_world() -> World:
    firm, people, first = await make_firm(), await make_workers(4), clock.today() + STARTS
    postings = [
        await firm.seeks(
            heads,
            hours={str(day): [list(hours)] for day in range(1, 8)},
            starts_on=first,
            ends_on=first + 6 * DAY,
            settlement=Settlement.DAILY,
        )
        for heads, hours in zip(HEADS, HOURS, strict=True)
    ]
    supplies = [(one, (await offers(one)).id) for one in people]
    supplies.append((people[-1], (await offers(people[-1], TEAM)).id))
    reviewer = (await make_member(await secretariat(), Role.REVIEWER)).person_id
    return World(firm, [one.id for one in postings], people, supplies, reviewer)


DEEDS: Mapping[Verb, Callable[[UUID, Actor], Awaitable[Engagement]]] = {
    Verb.ACCEPT: service.accept,
    Verb.DECLINE: lambda one, actor: service.decline(one, actor, WHY),
    Verb.WITHDRAW: lambda one, actor: service.withdraw(one, actor, WHY),
    Verb.ATTEND: working.attend,
    Verb.NO_SHOW: lambda one, actor: working.no_show(one, actor, WHY),
    Verb.LEAVE_EARLY: lambda one, actor: working.leave_early(one, actor, WHY),
    Verb.CANCEL: lambda one, actor: working.cancel(one, actor, WHY),
    Verb.CONTEST: lambda one, actor: contests.contest(one, actor, WHY),
    Verb.COMPLETE: lambda one, actor: working.complete(one, actor, 480),
    Verb.CONFIRM_PAID: lambda one, actor: working.confirm_paid(one, actor, 16000),
    Verb.REPORT_UNPAID: lambda one, actor: working.report_unpaid(one, actor, WHY),
}


@transaction
async def has_heads(posting_id: UUID, heads: int, by: UUID) -> None:
    """Give a posting another head-count, as editing it does."""
    held = await keeping.hold(posting_id)
    if held.state not in keeping.RUNNING or heads < held.filled:
        return
    before, held.headcount = held.state, heads
    if before is not PostingState.PAUSED:
        keeping.enter(held, landing(held))
    await keeping.keep(held, Change("changed", before, by, fields=("headcount",)))


async def turn(posting_id: UUID, by: UUID) -> None:
    """Pause a posting, or resume it."""
    paused = (await Posting.get(id=posting_id)).state is PostingState.PAUSED
    await (life.resume if paused else life.pause)(posting_id, by=by)


async def end(posting_id: UUID, world: World, *, removed: bool) -> None:
    if removed:
        await review.remove(posting_id, Decider(world.reviewer, WHY))
    else:
        await life.close(posting_id, by=world.firm.clerk)


@dataclass
class Seen:
    """How everything stands: postings, their engagements with posting and supply, and the steps of each."""

    postings: list[Posting]
    rows: list[Engagement]
    steps: dict[UUID, list[EngagementStep]] = field(default_factory=lambda: defaultdict(list))

    @property
    def busy(self) -> dict[UUID, UUID]:
        """Who is at work, by engagement."""
        return {row.id: row.person_id for row in self.rows if row.state in AT_WORK}


async def seen(postings: Collection[UUID]) -> Seen:
    rows = await Engagement.filter(posting_id__in=list(postings)).select_related("posting", "supply").order_by("id")
    found = Seen(await Posting.filter(id__in=list(postings)), rows)
    for step in await EngagementStep.filter(engagement_id__in=[row.id for row in rows]).order_by("id"):
        found.steps[step.engagement_id].append(step)
    return found


def places_are_counted(found: Seen) -> None:
    for posting in found.postings:
        held = [row for row in found.rows if row.posting_id == posting.id and row.holds_place]
        assert posting.filled == sum(row.size for row in held)
        assert posting.filled <= (posting.headcount or 0)
        if posting.state in keeping.PUBLIC:
            full = posting.filled >= (posting.headcount or 0)
            assert (posting.state is PostingState.FILLED) is full
            applied = [row for row in found.rows if row.posting_id == posting.id and row.state == "applied"]
            assert not (full and applied)
        for row in held:
            assert row.accepted_at
            assert row.state not in {EngagementState.APPLIED, EngagementState.OFFERED, EngagementState.WAITING}
    for row in found.rows:
        assert row.holds_place or row.state is not EngagementState.ACCEPTED


def nobody_is_in_two_places(found: Seen) -> None:
    """Nobody who works alone works elsewhere too, and of a team no more are at work than it has."""
    by_person = defaultdict[UUID, list[Engagement]](list)
    for row in found.rows:
        if row.state in AT_WORK:
            by_person[row.person_id].append(row)
    for rows in by_person.values():
        alone = [row for row in rows if not holding.group(row)]
        assert not [pair for pair in combinations(alone, 2) if _met(*pair)]
        for row in rows:
            if row not in alone:
                others = [other for other in rows if other is not row and _met(row, other)]
                assert row.size + _most(others) <= TEAM


def _met(one: Engagement, other: Engagement) -> date | None:
    mine, theirs = [
        Times.of(row.posting).since((row.accepted_at or row.created_at).astimezone(clock.SHANGHAI).date())
        for row in (one, other)
    ]
    return clash(mine, theirs)


def _most(others: list[Engagement]) -> int:
    """How many hands others need at one moment; who speaks for the team counts once, alone or not."""
    needed = [
        sum(row.size for row in some)
        for count in range(1, len(others) + 1)
        for some in combinations(others, count)
        if all(_met(*pair) for pair in combinations(some, 2))
    ]
    return max(needed, default=0)


def wait_for_the_sweep(before: Seen, now: Seen) -> set[UUID]:
    """Who waits where a mark was taken from somebody at work elsewhere by now: the sweep gives what that frees."""
    freed = {row.posting_id for row in now.rows if any(map(_left_unmarked, _since(row.id, before, now)))}
    return {row.person_id for row in now.rows if row.state == "waiting" and row.posting_id in freed}


def _since(one: UUID, before: Seen, now: Seen) -> list[EngagementStep]:
    return now.steps[one][len(before.steps[one]) :]


def _left_unmarked(step: EngagementStep) -> bool:
    return step.verb in {Verb.ATTEND, Verb.DECIDE} and step.after == EngagementState.LEFT_EARLY != step.before


async def might_move_up(found: Seen) -> set[UUID]:
    """Whose people wait although a place is free that fits them."""
    who = set[UUID]()
    for posting in found.postings:
        left = (posting.headcount or 0) - posting.filled
        waiting = [row for row in found.rows if row.posting_id == posting.id and row.state == "waiting"]
        fitting = [row for row in waiting if row.size <= left]
        if fitting and asking.takes(posting):
            who |= await _who_fit(posting, fitting)
    return who


@transaction
async def _who_fit(posting: Posting, fitting: list[Engagement]) -> set[UUID]:
    people = await holding.people({row.person_id for row in fitting})
    known = await fitness.look(posting, fitting, people)
    return {row.person_id for row in fitting if known.refusal(row) is None}


async def everything_is_recorded(found: Seen) -> None:
    subjects = {holding.subject_of(row.id): row.id for row in found.rows}
    noted = defaultdict[UUID, list[tuple[str, str, str]]](list)
    for entry in await AuditEntry.filter(subject__in=list(subjects)).order_by("id"):
        noted[subjects[entry.subject]].append((entry.action, entry.before, entry.after))
    for row in found.rows:
        steps = found.steps[row.id]
        assert row.version == len(steps)
        assert (steps[0].before, steps[-1].after) == ("", row.state)
        assert all(one.after == following.before for one, following in pairwise(steps))
        assert noted[row.id] == [(f"engagement.{step.verb}", step.before, step.after) for step in steps]
        for step in steps:
            _may_be(step)


def _may_be(step: EngagementStep) -> None:
    rule = TABLE[Verb(step.verb)]
    assert step.party in rule.by
    assert step.before in rule.by[step.party] or not (step.before or rule.by[step.party])
    assert step.after in (rule.to or {step.before})
    assert (step.party is None) or step.actor_id


def actor_of(row: Engagement, party: Party, world: World) -> Actor:
    return world.firm.actor if party is Party.POSTER else Actor(row.person_id, Party.WORKER)


def verdict(number: int) -> Verdict:
    return list(Verdict)[number % len(Verdict)]


def later(days: int, minutes: int) -> Any:
    return clock.now() + days * DAY + timedelta(minutes=minutes)
