"""Proposing, deciding many, and lists over HTTP: whole answers, each school its own, nobody's name in full."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from miniprogram_api.award_views import Eyes
from miniprogram_api.problem import Problems
from server.access.rules import Caller as Known
from server.access.rules import Post
from server.app import CONTENT_DIR
from server.awards import bulk, grounds, listing
from server.awards.listing import Order, Wanted
from server.awards.models import Award, AwardDecider, AwardRun, AwardState, Part
from server.awards.proposing import Wanted as Proposed
from server.kernel import clock
from server.kernel.ids import new_id
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.privacy import awarded
from tests.factories import make_organisation
from tests.harness import statements
from tests.harness.awarding import PROGRAMME, make_award, make_college, make_confirmed, make_school, proposed
from tests.harness.callers import Caller, member, staff
from tests.harness.referring import NAME

pytestmark = pytest.mark.usefixtures("database")
YEAR = 2026


class World:
    """Two schools with confirmed claims, of which one brings nothing, and everybody who looks."""

    schools: list[Organisation]
    clerk: Caller
    other: Caller
    reviewer: Caller
    approver: Caller
    run: Any


@pytest.fixture(scope="module")
async def world(client: aiohttp.ClientSession) -> World:
    made = World()
    made.schools = [await make_school(), await make_school(region="340822", name="山坳中学（示例）")]
    college = await make_college()
    for school in (*made.schools, made.schools[0], await make_school("340722", name="外市中学（示例）")):
        await make_confirmed(school, college, YEAR)
    made.clerk, made.other = [await member(client, one, Role.CLERK) for one in made.schools]
    made.reviewer, made.approver = await staff(client, Role.REVIEWER), await staff(client, Role.APPROVER)
    body = {"programme": PROGRAMME, "year": YEAR}
    status, made.run, _ = await made.reviewer.ask("POST", "/awards/propose", body, Idempotency_Key="propose")
    assert status == 201, made.run
    return made


async def items(who: Caller, path: str) -> list[Any]:
    status, found, _ = await who.ask("GET", path)
    assert status == 200, found
    return list(found["items"])


async def test_proposing_answers_once_it_is_done_and_with_each_answer(world: World) -> None:
    run = world.run
    assert (run["state"], run["percent"], run["counts"]) == ("done", 100, {"proposed": 3, "ineligible": 1})
    assert run["chosen"] == {"programme": PROGRAMME, "year": YEAR}
    body = {"programme": PROGRAMME, "year": YEAR}
    status, again, _ = await world.reviewer.ask("POST", "/awards/propose", body, Idempotency_Key="propose")
    assert (status, again) == (201, run)
    status, refused, _ = await world.reviewer.ask("POST", "/awards/propose", body)
    assert (status, [one["pointer"] for one in refused["errors"]]) == (422, ["Idempotency-Key"])
    long_ago = {**body, "year": YEAR - 11}
    status, refused, _ = await world.reviewer.ask("POST", "/awards/propose", long_ago, Idempotency_Key="long-ago")
    assert (status, [one["pointer"] for one in refused["errors"]]) == (422, ["/year"])
    assert await AwardRun.all().count() == 1
    [row] = await items(world.reviewer, f"/awards/runs/{run['id']}/rows?outcome=refused")
    assert (row["code"], row["school"]["name"], row["award"]) == ("ineligible", "外市中学（示例）", None)
    assert [one["fact"] for one in row["verdict"]["checks"] if not one["ok"]] == ["school_in_city"]
    assert row["detail"] == "按规则不符合条件"
    rows = await items(world.reviewer, f"/awards/runs/{run['id']}/rows?code=proposed")
    assert len({one["award"] for one in rows}) == 3
    assert all(one["referral"].startswith("R") and one["detail"] == "已提出" for one in rows)
    assert all(one["subject"].startswith("referral:") for one in rows)
    assert [one["id"] for one in await items(world.approver, "/awards/runs?kind=propose")] == [run["id"]]
    assert (await world.clerk.ask("GET", f"/awards/runs/{run['id']}"))[0] == 403


async def test_a_school_sees_its_own_as_an_estimate_and_staff_see_all(world: World) -> None:
    mine = await items(world.clerk, f"/awards?year={YEAR}")
    assert [one["payee"]["id"] for one in mine] == [str(world.schools[0].id)] * 2
    [theirs] = await items(world.other, f"/awards?year={YEAR}")
    for one in (*mine, theirs):
        assert (one["state"], one["amount_fen"], one["estimate"], one["may"]) == ("proposed", 50000, True, [])
        assert (one["doubt"], one["exception"], one["second_check"]) == (None, None, None)
        assert (one["rule_version"], one["verdict"]["verdict"]) == ("2024", "eligible")
    assert NAME not in str(mine)
    assert (await world.clerk.ask("GET", f"/awards/{theirs['id']}"))[0] == 404
    status, found, headers = await world.clerk.ask("GET", f"/awards/{mine[0]['id']}")
    assert (status, found, headers["etag"]) == (200, mine[0], '"1"')
    seen = await items(world.reviewer, f"/awards?programme={PROGRAMME}&year={YEAR}")
    assert len(seen) == 3
    assert seen[0]["may"] == ["review", "refuse", "hold", "cancel"]
    for query, count in {
        f"school={world.schools[1].id}": 1,
        "state=approved": 0,
        "year=2001": 0,
        f"fund={new_id()}": 0,
        "sort=waiting&limit=2": 2,
    }.items():
        assert len(await items(world.reviewer, f"/awards?{query}")) == count, query
    refused = (await world.reviewer.ask("GET", f"/awards/runs/{world.run['id']}/rows?code=X"))[1]["errors"]
    assert refused[0]["detail"].startswith("办理结果：")
    case = {"payee": "x", "entered_on": "x", "facts": {}}
    body = {"programme": PROGRAMME, "year": YEAR, "cases": [case]}
    refused = (await world.reviewer.ask("POST", "/awards/propose", body, Idempotency_Key="bad"))[1]["errors"]
    assert [one["detail"].partition("：")[0] for one in refused] == ["收款单位", "事项发生日期"]
    for bad in ("color=red", "state=gone", "year=1", "school=x", "programme=%27"):
        assert (await world.reviewer.ask("GET", f"/awards?{bad}"))[0] == 422, bad


@pytest.mark.usefixtures("world")
async def test_who_has_nothing_to_do_with_awards_sees_none(client: aiohttp.ClientSession) -> None:
    for kind in (Kind.AGENCY, Kind.ENTERPRISE):
        stranger = await member(client, await make_organisation(kind), Role.MANAGER)
        assert (await stranger.ask("GET", "/awards"))[0] == 403
        body = {"programme": PROGRAMME, "year": YEAR}
        assert (await stranger.ask("POST", "/awards/propose", body, Idempotency_Key="x"))[0] == 403


async def test_awards_and_outcomes_can_be_had_as_files(world: World) -> None:
    for who, path, lines in (
        (world.clerk, f"/awards?year={YEAR}&format=csv", 2),
        (world.reviewer, f"/awards/runs/{world.run['id']}/rows?format=csv", 4),
    ):
        status, found, _ = await who.ask("GET", path)
        assert status == 200
        rows = list(csv.reader(io.StringIO(found.decode("utf-8-sig"))))
        assert len(rows) == lines + 2
        assert NAME not in found.decode()
        assert "referral:" not in found.decode()
        assert PROGRAMME not in found.decode()
    assert (await world.reviewer.ask("GET", f"/awards/runs/{world.run['id']}/rows?format=xlsx"))[0] == 200


async def test_an_award_that_names_nobody_any_more_is_not_led_back_to_its_claim(world: World) -> None:
    """The row of its run stays for ever, with the ids of both."""
    claim = await make_confirmed(world.schools[0], await make_college(), YEAR - 1)
    run = await proposed(Proposed(PROGRAMME, claim.year, {}))
    award = await Award.get(referral_id=claim.id)
    [row] = await items(world.reviewer, f"/awards/runs/{run.id}/rows")
    assert (row["subject"], row["award"], row["referral"]) == (f"referral:{claim.id}", str(award.id), claim.number)
    long_ago = clock.now() - timedelta(days=9999)
    await Award.filter(id=award.id).update(state=AwardState.PAID, state_since=long_ago)
    await awarded.forget(long_ago + timedelta(days=1))
    [row] = await items(world.reviewer, f"/awards/runs/{run.id}/rows")
    assert (row["subject"], row["award"], row["referral"]) == (None, str(award.id), None)
    status, found, _ = await world.reviewer.ask("GET", f"/awards/runs/{run.id}/rows?format=csv")
    told = list(csv.reader(io.StringIO(found.decode("utf-8-sig"))))
    assert (status, told[2][:2], claim.number in found.decode()) == (200, ["", ""], False)


async def test_many_are_decided_and_what_cannot_be_says_why(world: World) -> None:
    body = {"filter": {"year": YEAR, "school": str(world.schools[1].id)}, "verdict": "review", "reason": "名册无误"}
    status, run, _ = await world.reviewer.ask("POST", "/awards/decisions", body, Idempotency_Key="review")
    assert (status, run["counts"], run["reason"]) == (201, {"reviewed": 1}, "名册无误")
    assert (await world.reviewer.ask("POST", "/awards/decisions", body, Idempotency_Key="review"))[1] == run
    [award] = await items(world.other, "/awards?state=reviewed")
    body["filter"] = {"ids": [award["id"], str(new_id())]}
    status, run, _ = await world.reviewer.ask("POST", "/awards/decisions", body, Idempotency_Key="again")
    assert (status, run["counts"]) == (201, {"award_state": 1, "not_found": 1})
    rows = await items(world.reviewer, f"/awards/runs/{run['id']}/rows")
    assert {one["code"]: one["subject"] for one in rows}["award_state"] == f"award:{award['id']}"
    detail = "这笔奖补现在是“初审通过”，不能这样办理。下一步是公示；被抽中的先由另一人复核。"
    assert {one["code"]: one["detail"] for one in rows}["award_state"] == detail
    for bad, pointer in (
        ({"filter": {}}, "/filter"),
        ({"filter": {"year": YEAR, "ids": [award["id"]]}}, "/filter/ids"),
        ({"verdict": "propose"}, "/verdict"),
        ({"reason": "电话 13955600000"}, "/reason"),
    ):
        status, found, _ = await world.reviewer.ask(
            "POST", "/awards/decisions", {**body, **bad}, Idempotency_Key=str(new_id())
        )
        assert (status, [one["pointer"] for one in found["errors"]]) == (422, [pointer]), found
    assert (await world.approver.ask("POST", "/awards/decisions", body, Idempotency_Key="other"))[0] == 403


def test_every_reason_why_one_of_many_is_not_decided_has_its_words() -> None:
    problems = Problems.load(CONTENT_DIR).problems
    codes = set(re.findall(r'Against\("([a-z_]+)"', Path(grounds.__file__).read_text(encoding="utf-8")))
    assert len(codes) > 5
    assert {*codes, bulk.NOT_FOUND, "another_part"} <= problems.keys()


async def test_a_list_takes_a_settled_number_of_statements(world: World) -> None:
    school, college = await make_school(), await make_college()
    for _ in range(3):
        award = await make_award(await make_confirmed(school, college, 2001))
        await AwardDecider.create(
            award=award, person_id=world.reviewer.person_id, part=Part.REVIEW, made_at=clock.now()
        )
    caller = Known(world.reviewer.person_id, new_id(), (Post(new_id(), Kind.SECRETARIAT, Role.REVIEWER),))
    counts = []
    for limit in (1, 3):
        with statements.sent() as sent:
            found = await listing.awards(Wanted(year=2001), None, Order.NEWEST, limit, None)
            eyes = await Eyes.of(caller, found.items)
            seen = [eyes.see(row) for row in found.items]
        assert len(seen) == limit
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 16
    counts.clear()
    run = UUID(world.run["id"])
    for limit in (1, 4):
        with statements.sent() as sent:
            assert len((await listing.rows(run, None, None, limit, None)).items) == limit
        counts.append(len(sent))
    assert max(counts) <= 3
    await Award.filter(year=2001).update(state=AwardState.PUBLICISED)
    [first, *_] = (await listing.awards(Wanted(year=2001), None, Order.NEWEST, 1, None)).items
    eyes = await Eyes.of(caller, [first])
    assert eyes.see(first).may == ["refuse", "hold", "cancel"]
