"""What the server says of every student and school at the end of the story, beside what the plan says."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scripts.story.plan import RECEIVERS, SENDERS, Pupil
from scripts.story.referring import CLERKS, REVIEWER, Referring

_AT_ONCE = 8
_OWN = ("referral.", "enrolment.")
Row = tuple[str, object, object]
"""What it is about, what was planned, what was found."""


async def rows(story: Referring) -> list[Row]:
    """Return everything that was compared: the timeline and states of every student, and every count."""
    claims = {one["id"]: one for one in await story.stage.all_of(REVIEWER, f"/referrals?year={story.year}")}
    seats = {one["id"]: one for one in await story.stage.all_of(REVIEWER, f"/enrolments?year={story.year}")}
    found: list[Row] = [
        ("every claim", len(story.claims), len(claims)),
        ("every enrolment", len(story.seats), len(seats)),
    ]
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(pupil: Pupil) -> list[Row]:
        async with limit:
            return [*_states(story, pupil, claims, seats), await _timeline(story, pupil, claims, seats)]

    for compared in await asyncio.gather(*map(one, story.plan.pupils)):
        found += compared
    return found + [row for part in (*SENDERS, *RECEIVERS) for row in await _school(story, part)] + await _all(story)


def differing(found: Sequence[Row]) -> list[Row]:
    """Return what came otherwise than planned."""
    return [row for row in found if row[1] != row[2]]


def _states(story: Referring, pupil: Pupil, claims: Mapping[str, Any], seats: Mapping[str, Any]) -> Iterator[Row]:
    for sender, state in pupil.claims.items():
        claim = claims[story.claims[pupil, sender]]
        about = f"{pupil.label}: the claim of {sender}"
        yield about, state, claim["state"]
        yield f"{about}, its dispute", pupil.fate.disputed, claim["in_dispute"]
        flags = pupil.fate.flags if state in {"matched", "confirmed"} else ()
        yield f"{about}, its flags", list(flags), claim["flags"]
    for receiver, state in pupil.fate.seats.items():
        yield f"{pupil.label}: the enrolment at {receiver}", state, seats[story.seats[pupil, receiver]]["state"]


async def _timeline(story: Referring, pupil: Pupil, claims: Mapping[str, Any], seats: Mapping[str, Any]) -> Row:
    own = [claims[story.claims[pupil, sender]] for sender in pupil.claims]
    own += [seats[story.seats[pupil, receiver]] for receiver in pupil.fate.seats]
    students = {one["student"]["id"] for one in own}
    parts = {school["id"]: part for part, school in story.schools.items()}
    acts = [
        f"{parts[act['school']['id']]} {_said(act['action'])}"
        for student in sorted(students)
        for act in await story.stage.all_of(REVIEWER, f"/students/{student}/timeline")
    ]
    return f"{pupil.label}: the timeline", pupil.timeline, acts


def _said(action: str) -> str:
    return action.partition(".")[2] if action.startswith(_OWN) else action


async def _school(story: Referring, part: str) -> list[Row]:
    path = f"/organisations/{story.schools[part]['id']}/summary?year={story.year}"
    told = await story.stage.ask(CLERKS[part], "GET", path)
    name = story.schools[part]["name"]
    planned = {"referrals": story.plan.claims_of(part), "enrolments": story.plan.seats_of(part)}
    return [(f"{name}: {what}", dict(states), _counts(told[what])) for what, states in planned.items()]


async def _all(story: Referring) -> list[Row]:
    path = f"/referrals/summary?year={story.year}"
    by_state = await story.stage.ask(REVIEWER, "GET", f"{path}&by=state")
    by_school = await story.stage.ask(REVIEWER, "GET", f"{path}&by=school")
    states = {group["key"]: group["total"] for group in by_state["items"]}
    schools = {group["key"]: _counts(group) for group in by_school["items"]}
    planned = {story.schools[part]["id"]: dict(story.plan.claims_of(part)) for part in SENDERS}
    return [("all claims by state", dict(story.plan.claims_of(*SENDERS)), states), ("by school", planned, schools)]


def _counts(told: Mapping[str, Any]) -> dict[str, int]:
    return dict(Counter({state: number for state, number in told["by_state"].items() if number}))
