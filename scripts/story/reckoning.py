"""What the server says of the money at the end of the story, beside what must have come of it."""

from collections import Counter
from typing import Any

from scripts.story import spending
from scripts.story.awarding import FINANCE
from scripts.story.comparing import Row
from scripts.story.paying import Paying
from scripts.story.plan import SENDERS, Pupil
from scripts.story.referring import CLERKS, REVIEWER
from scripts.story.spending import (
    FIRST_STATEMENT,
    IN_NEXT_YEAR,
    OFFSET_FEN,
    RECOVERED_FEN,
    REWARD_FEN,
    WAIT_FIRST,
)


async def rows(story: Paying) -> list[Row]:
    """Return everything about the money that was compared: each award, each school, each statement, each fen."""
    return [
        *await _proposed(story),
        *_runs(story),
        *await _states(story),
        *[row for part in SENDERS for row in await _school(story, part)],
        *await _statements(story),
        *await _budgets(story),
        *await _told(story),
    ]


async def _proposed(story: Paying) -> list[Row]:
    """One award for each claim that is confirmed and that nobody disputes."""
    told = story.awarding.told
    claims = {one["id"]: one["number"] for one in await story.stage.all_of(REVIEWER, f"/referrals?year={told.year}")}
    planned = {claims[one] for (pupil, part), one in told.claims.items() if _is_due(pupil, part)}
    return [("the claims with an award", planned, {one["referral"] for one in story.awarding.awards.values()})]


def _is_due(pupil: Pupil, part: str) -> bool:
    return pupil.claims.get(part) == "confirmed" and not pupil.fate.disputed


def _runs(story: Paying) -> list[Row]:
    awards, runs = len(story.awarding.awards), story.awarding.runs
    disputed = len([pupil for pupil in story.awarding.told.plan.pupils if pupil.fate.disputed])
    planned = {
        "proposed": {"proposed": awards, "referral_in_dispute": disputed},
        "reviewed": {"reviewed": awards},
        "unpapered": {"fund_papers_missing": awards - 1},
        "approved": {"approved": awards - 1 - WAIT_FIRST, "awaiting_funds": WAIT_FIRST},
    }
    return [(f"the run: {name}", counts, runs[name]["counts"]) for name, counts in planned.items()]


async def _states(story: Paying) -> list[Row]:
    found = {one["id"]: one for one in await story.stage.all_of(FINANCE, f"/awards?year={story.awarding.year}")}
    planned = spending.states(story.awarding.ids, story.awarding.refused, story.awarding.held)
    told: list[Row] = [(f"award {one}", state, found[one]["state"]) for one, state in planned.items()]
    held = found[story.awarding.held]
    back = await story.stage.ask(FINANCE, "GET", f"/awards/{story.clawed_back}/clawback")
    return [
        *told,
        ("every award", len(planned), len(found)),
        ("where the held one goes", "awaiting_funds", held["held_from"]),
        ("the clawback", ("offset", RECOVERED_FEN, OFFSET_FEN, 0, "stands"), _back(back)),
    ]


def _back(told: dict[str, Any]) -> tuple[Any, ...]:
    return told["state"], told["recovered_fen"], told["offset_fen"], told["owed_fen"], told["contest"]


async def _school(story: Paying, part: str) -> list[Row]:
    awarding = story.awarding
    states = spending.states(awarding.ids, awarding.refused, awarding.held)
    counts = Counter(states[one] for one in awarding.of(part))
    planned = {
        "expected": _sum(0),
        "approved": _sum(counts["approved"] + counts["held"]),
        "paid": _sum(counts["paid"]),
        "clawed_back": _sum(int(part == "a")),
    }
    path = f"/organisations/{awarding.told.schools[part]['id']}/summary?year={awarding.year}"
    told = await story.stage.ask(CLERKS[part], "GET", path)
    own = await story.stage.all_of(CLERKS[part], f"/awards?year={awarding.year}")
    name = awarding.told.schools[part]["name"]
    return [
        (f"{name}: money", planned, told["awards"]),
        (f"{name}: its own awards", awarding.of(part), sorted(one["id"] for one in own)),
    ]


def _sum(count: int) -> dict[str, int]:
    return {"count": count, "amount_fen": count * REWARD_FEN}


async def _statements(story: Paying) -> list[Row]:
    awarding, named = story.awarding, story.statements
    states = spending.states(awarding.ids, awarding.refused, awarding.held)
    paid = {part: sum(states[one] == "paid" for one in awarding.of(part)) for part in SENDERS}
    planned = {
        "a1": (FIRST_STATEMENT, FIRST_STATEMENT * REWARD_FEN, 0, "confirmed"),
        "a2": (2, 2 * REWARD_FEN, 0, "none"),
        "a3": (
            paid["a"] - FIRST_STATEMENT,
            (paid["a"] - FIRST_STATEMENT) * REWARD_FEN - OFFSET_FEN,
            OFFSET_FEN,
            "none",
        ),
        "b1": (paid["b"], paid["b"] * REWARD_FEN, 0, "confirmed"),
        "b2": (1, REWARD_FEN, 0, "none"),
    }
    found = {one["id"]: one for one in await story.stage.all_of(FINANCE, "/statements")}
    told: list[Row] = [("every statement", len(planned), len(found))]
    for name, expected in planned.items():
        one = found[named[name]["id"]]
        said = one["count"], one["total_fen"], one["offset_fen"], one["receipt"]["verdict"]
        told += [(f"statement {name}", ("settled", *expected), (one["state"], *said))]
    return told


async def _budgets(story: Paying) -> list[Row]:
    awarding, told, spent, zero = story.awarding, list[Row](), 0, 0
    for after, planned in enumerate(spending.balances(len(awarding.awards)), start=1):
        year = awarding.year + after
        one = await story.stage.ask(FINANCE, "GET", f"/funds/{awarding.fund}/budgets/{year}")
        told += [
            (f"the budget of {year}", planned, {name: one[name] for name in planned}),
            (f"the budget of {year} is explained", (True, []), (one["explained"], one["unexplained"])),
        ]
        spent += one["spent_fen"]
        zero += sum(one[name] for name in planned if name != "appropriated_fen") - one["appropriated_fen"]
    came_back = REWARD_FEN + RECOVERED_FEN
    waiting = await awarding.in_state("approved")
    return [
        *told,
        ("all accounts together", 0, zero),
        ("what the payer paid", spending.paid_out(len(awarding.awards)), story.paid_fen),
        ("paid, less what came back", spent, story.paid_fen - came_back),
        ("who has money and no statement yet", awarding.ids[-IN_NEXT_YEAR - 1 :], waiting),
    ]


async def _told(story: Paying) -> list[Row]:
    """Compare the story of the award that was claimed back, and what still waits for whom."""
    one = await story.stage.ask(CLERKS["a"], "GET", f"/awards/{story.clawed_back}/story")
    acts = [step["action"] for step in one["steps"]]
    waits = (await story.stage.ask(FINANCE, "GET", "/awards/waiting"))["items"]
    return [
        ("the story of an award", list(spending.STORY), [act for act in acts if act in spending.STORY]),
        ("what waits", spending.WAITING, {(one["waits_for"], one["turn"]): one["count"] for one in waits}),
    ]
