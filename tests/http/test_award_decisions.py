"""One award's way as the secretariat and a school meet it: decided, publicised, objected to, appealed, raced for."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from server.awards.models import Award, AwardState, Publication
from server.funds.models import Budget
from server.kernel import clock
from server.kernel.ids import new_id
from server.organisations.models import Organisation
from server.organisations.roles import Role
from tests.factories import make_organisation
from tests.harness.callers import Caller, caller, member, staff
from tests.harness.funding import REWARD_FEN, make_award, make_budget, make_fund

pytestmark = pytest.mark.usefixtures("database")
WHY = {"reason": "材料齐全"}
PROGRAMME, YEAR = "feeder-referral", clock.today().year


class Staff:
    """One of each role, with two reviewers and two approvers."""

    def __init__(self, *people: Caller) -> None:
        self.reviewer, self.reviewer_2, self.reviewer_3, self.approver, self.approver_2, self.finance = people


@pytest.fixture(scope="module")
async def office(client: aiohttp.ClientSession) -> Staff:
    roles = (Role.REVIEWER, Role.REVIEWER, Role.REVIEWER, Role.APPROVER, Role.APPROVER, Role.FINANCE)
    return Staff(*[await staff(client, role) for role in roles])


@pytest.fixture(scope="module")
async def school(database: object) -> Organisation:
    assert database
    return await make_organisation()


async def post(who: Caller, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
    status, found, _ = await who.ask("POST", path, WHY if body is None else body, Idempotency_Key=key or str(new_id()))
    return status, found


async def said(who: Caller, award: Award, verb: str) -> tuple[int, str]:
    """What became of it: the state, or the code of what speaks against it."""
    status, found = await post(who, f"/awards/{award.id}/{verb}")
    return status, found.get("state") or found["code"]


async def publicised(office: Staff, award: Award, *, over: bool = False) -> UUID:
    status, found = await post(office.reviewer, "/awards/publications", {"year": award.year, "programme": PROGRAMME})
    assert status == 201
    publication_id = UUID(found["items"][0]["id"])
    if over:
        yesterday = clock.today() - timedelta(days=1)
        await Publication.filter(id=publication_id).update(ends_on=yesterday)
    return publication_id


async def test_the_whole_way_and_back(office: Staff, school: Organisation, client: aiohttp.ClientSession) -> None:
    fund = await make_fund(PROGRAMME, papers_of=YEAR)
    budget = await make_budget(fund, 5 * REWARD_FEN)
    award = await make_award(school, year=YEAR)
    assert await said(office.approver, award, "review") == (403, "not_yours_to_do")
    assert await said(office.reviewer, award, "review") == (200, "reviewed")
    publication_id = await publicised(office, award)
    assert await said(office.approver, award, "approve") == (409, "publication_running")
    async with client.get(f"/api/v1/awards/publications/{publication_id}") as answer:
        seen = await answer.json()
        assert (answer.status, seen["awards"], seen["amount_fen"], seen["running"]) == (200, 1, REWARD_FEN, True)
        assert seen["schools"][0]["school"]["id"] == str(school.id)

    anyone = await caller(client)
    objection = {"reason": "这名学生没有去读"}
    status, made = await post(anyone, f"/awards/{award.id}/objections", objection)
    assert (status, made["state"], made["award"]) == (201, "open", str(award.id))
    assert (await post(anyone, f"/awards/{award.id}/objections", objection))[1]["code"] == "objected_already"
    status, listed, _ = await office.finance.ask("GET", "/awards/objections?state=open")
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    decision = {"verdict": "reject", **WHY}
    path = f"/awards/objections/{made['id']}/decision"
    assert (await post(office.reviewer, path, decision))[1]["code"] == "another_part"
    assert (await post(office.reviewer_2, path, decision))[1]["state"] == "rejected"
    status, told, _ = await anyone.ask("GET", "/me/objections")
    [mine] = told["items"]
    assert (status, mine["id"], mine["state"], mine["decision"]) == (200, made["id"], "rejected", WHY["reason"])
    assert (mine["programme"], mine["year"], "subject" in mine) == (PROGRAMME, YEAR, False)
    assert (await office.finance.ask("GET", "/me/objections"))[1]["items"] == []

    await Publication.filter(id=publication_id).update(ends_on=clock.today() - timedelta(days=1))
    key = str(new_id())
    first = await post(office.approver, f"/awards/{award.id}/approve", key=key)
    assert (first[0], first[1]["state"], first[1]["estimate"]) == (200, "approved", False)
    assert await post(office.approver, f"/awards/{award.id}/approve", key=key) == first
    assert await said(office.approver_2, award, "undo") == (200, "publicised")
    assert await said(office.approver, award, "refuse") == (200, "refused")

    manager = await member(client, school, Role.MANAGER)
    appeal = {"subject": f"award:{award.id}", "reason": "学生确实在读"}
    status, made = await post(manager, "/appeals", appeal)
    assert status == 201
    overturn = {"verdict": "overturn", **WHY}
    path = f"/appeals/{made['id']}/decision"
    assert (await post(office.reviewer, path, overturn))[1]["code"] == "another_part"
    assert (await post(office.approver, path, overturn))[1]["code"] == "another_part"
    third = await staff(client, Role.APPROVER)
    listed = (await third.ask("GET", "/appeals?state=open"))[1]
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    assert made["about"] == listed["items"][0]["about"] == f"奖补审核：{award.matter}"
    assert (await post(third, path, overturn))[0] == 200
    assert await said(office.approver, award, "cancel") == (403, "overturned")
    found = await Budget.get(id=budget.id)
    assert (found.available_fen, found.reserved_fen) == (5 * REWARD_FEN, 0)


async def test_a_school_neither_decides_nor_sees_what_is_anothers(
    office: Staff, school: Organisation, client: aiohttp.ClientSession
) -> None:
    award = await make_award(school)
    own = await member(client, school, Role.MANAGER)
    other = await member(client, await make_organisation(), Role.MANAGER)
    for verb in ("review", "approve", "refuse", "hold", "release", "cancel", "undo"):
        assert (await said(own, award, verb))[0] == 403
        assert (await said(other, award, verb))[0] == 404
    assert (await post(office.finance, f"/awards/{award.id}/hold"))[0] == 200
    assert (await post(other, f"/awards/{award.id}/objections", WHY))[0] == 404
    assert (await post(other, "/awards/publications", {"year": YEAR}))[0] == 403


async def test_drawn_and_looked_at_again(office: Staff, school: Organisation) -> None:
    year = YEAR - 1
    awards = [await make_award(school, year=year, state=AwardState.REVIEWED) for _ in range(4)]
    order = {"programme": PROGRAMME, "year": year}
    assert (await post(office.reviewer, "/awards/samples", {**order, "seed": "2026-3141592"}))[0] == 422
    status, made = await post(office.reviewer, "/awards/samples", order)
    assert (status, made["population"], made["size"]) == (201, 4, 3)
    status, again, _ = await office.finance.ask("GET", f"/awards/samples/{made['id']}")
    assert again == made
    _, listed, _ = await office.finance.ask("GET", f"/awards/samples?year={year}")
    assert [(one["id"], one["seed"], one["waiting"]) for one in listed["items"]] == [(made["id"], made["seed"], 3)]
    _, waiting, _ = await office.approver.ask("GET", f"/awards?year={year}&second_check=waiting")
    assert {one["id"] for one in waiting["items"]} == set(made["members"][:3])
    assert all(one["sample"] == made["id"] and "second_check" in one["may"] for one in waiting["items"])
    publish = {"year": year, "programme": PROGRAMME}
    assert (await post(office.approver, "/awards/publications", publish))[1]["code"] == "second_check_waiting"
    look = {"verdict": "fail", "reason": "名册不符"}
    status, found = await post(office.approver, f"/awards/{made['members'][0]}/second-check", look)
    assert (status, found["state"], found["second_check"]) == (200, "held", "failed")
    undrawn = made["members"][3]
    assert (await post(office.approver, f"/awards/{undrawn}/second-check", look))[1]["code"] == "nothing_to_check"
    assert await Award.filter(id__in=[one.id for one in awards], sample_id=made["id"]).count() == 4


async def test_against_all_of_a_school(office: Staff, school: Organisation, client: aiohttp.ClientSession) -> None:
    year = YEAR - 2
    awards = [await make_award(school, year=year, state=AwardState.REVIEWED) for _ in range(3)]
    publication_id = await publicised(office, awards[0])
    anyone = await caller(client)
    word = {"school": str(school.id), "reason": "人数不实"}
    status, made = await post(anyone, f"/awards/publications/{publication_id}/objections", word)
    assert (status, made["award"]) == (201, None)
    assert {one.state for one in await Award.filter(publication_id=publication_id)} == {AwardState.HELD}
    decision = {"verdict": "uphold", **WHY}
    assert (await post(office.reviewer_2, f"/awards/objections/{made['id']}/decision", decision))[0] == 200
    assert {one.state for one in await Award.filter(publication_id=publication_id)} == {AwardState.REFUSED}


async def test_many_who_approve_at_once_share_what_there_is(office: Staff, school: Organisation) -> None:
    year = YEAR - 3
    fund = await make_fund("other-programme", papers_of=year)
    budget = await make_budget(fund, 3 * REWARD_FEN)
    common = {"year": year, "programme": "other-programme", "state": AwardState.REVIEWED}
    awards = [await make_award(school, **common) for _ in range(8)]
    status, found = await post(office.reviewer, "/awards/publications", {"year": year})
    assert status == 201
    await Publication.filter(id=found["items"][0]["id"]).update(ends_on=clock.today() - timedelta(days=1))
    tries = [said(who, award, "approve") for award in awards for who in (office.approver, office.approver_2)]
    answers = await asyncio.gather(*tries)
    assert sorted(status for status, _ in answers) == [200] * 8 + [409] * 8
    states = [one.state for one in await Award.filter(id__in=[one.id for one in awards]).order_by("queued_at", "id")]
    assert states == [AwardState.APPROVED] * 3 + [AwardState.AWAITING_FUNDS] * 5
    held = await Budget.get(id=budget.id)
    assert (held.available_fen, held.reserved_fen) == (0, 3 * REWARD_FEN)
