"""The default run as a newcomer tries it by curl: places filled, a wait-list, work, pay, and a no-show that is decided.

One server with the demo people and demands, WeChat and the clock played beside it.
"""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from scripts.story.stage import Stage
from tests.harness import staged

FIRST, SECOND, POSTER, REVIEWER = "demo-student", "demo-student-2", "demo-recruiter", "demo-reviewer"
DAY, WEEKEND = timedelta(days=1), (6, 7)
REASON, EVIDENCE = "家里有事，来不了了", "有门口的登记为证"


@pytest.fixture(scope="module")
async def run(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged.opened(tmp_path_factory.mktemp("run"), database_url) as opened:
        yield opened


async def demand(run: Stage, headcount: int) -> dict[str, Any]:
    found = await run.ask(FIRST, "GET", "/postings?side=demand")
    return next(one for one in found["items"] if one["headcount"] == headcount)


async def deed(run: Stage, who: str, one: dict[str, Any], verb: str, **said: Any) -> Any:
    return await run.ask(who, "POST", f"/engagements/{one['id']}/{verb}", said, status=200)


async def refused(run: Stage, who: str, one: dict[str, Any], verb: str, **said: Any) -> tuple[int, str]:
    problem = await run.ask(who, "POST", f"/engagements/{one['id']}/{verb}", said, refused=True)
    return problem["status"], problem["errors"][0]["pointer"] if problem["errors"] else problem["code"]


async def standing(run: Stage, who: str, one: dict[str, Any]) -> Any:
    return await run.ask(who, "GET", f"/engagements/{one['id']}")


def working_day(day: date) -> date:
    while day.isoweekday() in WEEKEND:
        day += DAY
    return day


async def test_a_place_is_filled_the_other_waits_and_moves_up_and_both_are_paid(run: Stage) -> None:
    one, three = await demand(run, 1), await demand(run, 3)
    first = await run.ask(FIRST, "POST", f"/postings/{one['id']}/engagements", status=201)
    second = await run.ask(SECOND, "POST", f"/postings/{one['id']}/engagements", {"size": 1}, status=201)
    assert (first["state"], first["side"], first["contact"]) == ("applied", "worker", None)
    assert first["next"]["verbs"] == ["withdraw"]
    again = await run.ask(FIRST, "POST", f"/postings/{one['id']}/engagements", status=409)
    assert again["code"] == "engaged_already"
    own = await run.ask(POSTER, "POST", f"/postings/{one['id']}/engagements", status=409)
    assert own["code"] == "own_posting"

    places = await run.ask(POSTER, "GET", f"/postings/{one['id']}/engagements")
    assert (places["headcount"], places["filled"], places["states"]) == (1, 0, {"applied": 2})
    assert [row["worker"]["name"] for row in places["items"]] == ["**满", "**禾"]
    accepted = await deed(run, POSTER, first, "accept")
    assert (accepted["state"], accepted["worker"]["name"], accepted["posting"]["filled"]) == ("accepted", "何小满", 1)
    assert (await standing(run, FIRST, first))["contact"] == {"name": "孙立行", "phone": "13900005678"}
    assert (await standing(run, SECOND, second))["ahead"] == 0
    waits = await standing(run, SECOND, second)
    assert (waits["state"], waits["contact"]) == ("waiting", None)
    assert (await run.ask(FIRST, "GET", f"/postings/{one['id']}"))["state"] == "filled"

    assert await refused(run, FIRST, first, "withdraw") == (422, "/reason")
    assert (await deed(run, FIRST, first, "withdraw", reason=REASON))["state"] == "withdrawn"
    moved = await standing(run, SECOND, second)
    assert (moved["state"], moved["steps"][-1]["verb"], moved["steps"][-1]["by"]) == ("accepted", "move-up", "system")
    assert (await standing(run, POSTER, first))["worker"]["name"] == "**满"  # masked again

    other = await run.ask(FIRST, "POST", f"/postings/{three['id']}/engagements", status=201)
    await deed(run, POSTER, other, "accept")
    assert await refused(run, FIRST, other, "attend") == (409, "work_not_begun")
    await run.come_to(working_day(date.fromisoformat(one["starts_on"])))
    for who, each in ((SECOND, second), (FIRST, other)):
        assert (await deed(run, who, each, "attend"))["state"] == "attended"
        said = await deed(run, who, each, "complete", minutes=480)
        assert (said["state"], said["completed"]["worker"]["minutes"]) == ("attended", 480)
        assert await refused(run, who, each, "complete") == (409, "already_said")
        assert (await deed(run, POSTER, each, "complete", minutes=470))["state"] == "completed"
        paid = await deed(run, POSTER, each, "confirm-paid", fen=17600)
        assert paid["paid_at"] is None
        settled = await deed(run, who, each, "confirm-paid", fen=17600)
        assert settled["paid_at"]
        assert settled["next"] == {"text": settled["next"]["text"], "verbs": []}
    mine = await run.ask(SECOND, "GET", "/me/engagements?state=completed")
    assert [row["id"] for row in mine["items"]] == [second["id"]]
    file = await run.ask(POSTER, "GET", f"/postings/{one['id']}/engagements?format=csv")
    lines = file.decode("utf-8-sig").splitlines()
    assert "澄江精密零部件" in lines[0]  # who took it
    assert ["吴青禾" in line for line in lines[2:]] == [False, True]


async def test_a_no_show_is_contested_and_decided(run: Stage) -> None:
    three = await demand(run, 3)
    late = await run.ask(SECOND, "POST", f"/postings/{three['id']}/engagements", status=201)
    await deed(run, POSTER, late, "accept")
    assert await refused(run, POSTER, late, "no-show") == (409, "shift_not_begun")
    await run.come_to(working_day(run.day + DAY))
    absent = await deed(run, POSTER, late, "no-show", reason="没有来，也没有说")
    assert (absent["state"], absent["next"]["verbs"]) == ("no_show", ["attend"])
    before = (await run.ask(POSTER, "GET", f"/postings/{three['id']}"))["filled"]

    decision = {"verdict": "lifted", "reason": EVIDENCE}
    assert await refused(run, REVIEWER, late, "decision", **decision) == (409, "nothing_contested")
    contested = await deed(run, SECOND, late, "contest", reason="那天到了，在门口登记过")
    assert (contested["contest"], contested["next"]["verbs"]) == ("open", [])
    [waiting] = (await run.ask(REVIEWER, "GET", "/engagements?contest=open"))["items"]
    assert (waiting["id"], waiting["side"], waiting["worker"]["name"]) == (late["id"], None, "**禾")
    assert await refused(run, POSTER, late, "decision", **decision) == (403, "not_yours_to_do")
    decided = await deed(run, REVIEWER, late, "decision", **decision)
    assert (decided["state"], decided["contest"]) == ("attended", "lifted")
    assert (await run.ask(POSTER, "GET", f"/postings/{three['id']}"))["filled"] == before
    told = (await standing(run, SECOND, late))["steps"]
    assert [(step["verb"], step["by"]) for step in told] == [
        ("apply", "worker"), ("accept", "poster"), ("no-show", "poster"), ("contest", "worker"),
        ("decide", "secretariat"),
    ]  # fmt: skip
    assert told[-1]["reason"] == EVIDENCE
