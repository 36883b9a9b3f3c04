"""Clawbacks, what waits for whom, a school's money and an award's story over HTTP."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from server.awards import book
from server.awards.models import Award, AwardState
from server.kernel import clock
from server.kernel.audit import note
from server.organisations.roles import Role
from tests.factories import make_organisation
from tests.harness.callers import Caller, caller, member, staff
from tests.harness.funding import REWARD_FEN, make_award
from tests.harness.referring import NAME
from tests.statements.paying_world import NUMBER
from tests.statements.telling import YEAR, Told, told

pytestmark = pytest.mark.usefixtures("database")


class World:
    """One award that has gone all the way, and those who look at it."""

    told: Told
    callers: Mapping[str, Caller]

    @property
    def path(self) -> str:
        return f"/awards/{self.told.award.id}"

    def __getitem__(self, name: str) -> Caller:
        return self.callers[name]


@pytest.fixture(scope="module")
async def world(client: aiohttp.ClientSession) -> World:
    made = World()
    made.told = here = await told()
    made.callers = {
        "manager": await caller(client, here.pays.manager),
        "clerk": await member(client, here.school, Role.CLERK),
        "stranger": await member(client, await make_organisation(), Role.MANAGER),
        "finance": await caller(client, here.pays.finance),
        "reviewer": await caller(client, here.reviewer),
        "approver": await caller(client, here.third_approver),
        "editor": await staff(client, Role.EDITOR),
    }
    return made


async def got(who: Caller, path: str) -> Any:
    status, found, _ = await who.ask("GET", path)
    assert status == 200, found
    return found


async def test_the_story_goes_from_the_clause_to_the_money_that_came_back(world: World) -> None:
    story = await got(world["editor"], f"{world.path}/story")
    assert story["rule"]["clause"]["clause"].startswith("aq-2024-91/")
    assert {check["ok"] for check in story["rule"]["checks"]} == {True}
    assert all(check["text"] and check["got_text"] for check in story["rule"]["checks"])
    assert story["sent"]["number"] == world.told.claim.number
    assert {paper["kind"] for paper in story["paid_from"]["papers"]} == {"legal_basis", "payer", "recognition"}
    assert story["published"]["objections"] == []
    actions = [step["action"] for step in story["steps"]]
    order = [
        "award.proposed", "award.reviewed", "award.publicised", "award.approved", "award.on_statement",
        "statement.locked", "statement.approved", "statement.sent", "award.paid", "statement.receipt_confirmed",
        "clawback.requested", "clawback.approved", "clawback.demanded", "clawback.contested",
        "clawback.contest_stands", "clawback.recovered",
    ]  # fmt: skip
    assert [action for action in actions if action in order] == order
    assert all(step["text"] != step["action"] and step["by_text"] for step in story["steps"])
    by = {step["action"]: (step["by"], step["reason"]) for step in story["steps"]}
    assert by["award.reviewed"] == ("reviewer", "材料齐全")
    assert by["award.approved"] == ("approver", "材料齐全")
    assert by["statement.receipt_confirmed"][0] == by["clawback.contested"][0] == "payee"
    [payment] = story["payments"]
    assert (payment["statement"], payment["row"]) == (world.told.statement.number, 1)
    assert [result["outcome"] for result in payment["results"]] == ["paid"]
    assert payment["receipt"] == "confirmed"
    assert [entry["kind"] for entry in story["money"]] == ["reserve", "commit", "spend", "recover"]
    [clawback] = story["clawbacks"]
    assert (clawback["amount_fen"], clawback["recovered_fen"], clawback["owed_fen"]) == (30_000, 10_000, 20_000)


async def test_nobody_is_named_in_full_and_the_school_is_not_told_who_decided(world: World) -> None:
    for name in ("editor", "clerk"):
        for accept in ("application/json", "text/html"):
            _, found, headers = await world[name].ask("GET", f"{world.path}/story", Accept=accept)
            text = found.decode() if isinstance(found, bytes) else str(found)
            assert accept in headers["content-type"]
            assert NAME not in text
            assert NUMBER not in text
    seen = await got(world["clerk"], f"{world.path}/story")
    assert {step["actor_id"] for step in seen["steps"]} == {None}
    assert seen["rule"]["ran_by"] is None
    assert {clawback["approved_by"] for clawback in seen["clawbacks"]} == {None}
    actions = [step["action"] for step in seen["steps"]]
    assert "statement.locked" not in actions
    assert "clawback.requested" not in actions
    assert {"award.reviewed", "statement.sent", "clawback.demanded"} <= set(actions)
    assert await world["stranger"].status("GET", f"{world.path}/story") == 404


async def test_a_page_asks_for_nothing_and_is_kept_by_nobody(world: World) -> None:
    status, page, headers = await world["clerk"].ask("GET", f"{world.path}/story", Accept="text/html")
    assert status == 200
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    text = page.decode()
    for part in ("依据", "生源登记和学籍", "资金来源", "公示", "经过", "结算和到账", "追回", "资金流水"):
        assert f"<h2>{part}</h2>" in text
    assert "，已追回100元" in text
    assert "award." not in text
    assert "clawback." not in text


async def test_a_schools_money_by_year(world: World) -> None:
    await make_award(world.told.school, year=YEAR)
    path = f"/organisations/{world.told.school.id}/summary?year="
    one = {"count": 1, "amount_fen": REWARD_FEN}
    nothing = {"count": 0, "amount_fen": 0}
    expected = {"expected": one, "approved": nothing, "paid": one, "clawed_back": {"count": 1, "amount_fen": 10_000}}
    for name in ("clerk", "editor"):
        assert (await got(world[name], f"{path}{YEAR}"))["awards"] == expected
    assert set((await got(world["clerk"], f"{path}{YEAR - 1}"))["awards"]["paid"].values()) == {0}
    assert await world["stranger"].status("GET", f"{path}{YEAR}") == 404


async def test_what_waits_for_whom_since_when(world: World) -> None:
    school, fund = await make_organisation(), world.told.fund
    for state in (AwardState.PROPOSED, AwardState.PROPOSED, AwardState.AWAITING_FUNDS, AwardState.HELD):
        year = YEAR if state is AwardState.AWAITING_FUNDS else YEAR - 3  # of which no papers are there
        await make_award(school, state=state, year=year, state_since=clock.now())
    found = (await got(world["editor"], "/awards/waiting"))["items"]
    of = {one["waits_for"]: one for one in found}
    assert {"review", "money", "release", "clawback_money"} <= set(of)
    assert (of["review"]["turn"], of["money"]["turn"], of["clawback_money"]["turn"]) == ("reviewer", "finance", "payee")
    assert (
        of["review"]["count"] == 2 + await Award.filter(state=AwardState.PROPOSED).exclude(payee_id=school.id).count()
    )
    assert of["clawback_money"]["amount_fen"] == 20_000
    assert {one["fund"]["id"] for one in found} == {str(fund.id)}
    assert all(one["text"] and one["turn_text"] and one["days"] >= 0 for one in found)
    assert [one["since"] for one in found] == sorted(one["since"] for one in found)
    assert await world["clerk"].status("GET", "/awards/waiting") == 403


async def test_a_clawback_is_asked_for_under_a_key_and_listed_to_whom_it_concerns(world: World) -> None:
    path = f"{world.path}/clawback"
    status, refused, _ = await world["reviewer"].ask("POST", path, {"reason": "学籍注销"})
    assert (status, refused["errors"][0]["pointer"]) == (422, "Idempotency-Key")
    again = await world["reviewer"].ask("POST", path, {"reason": "学籍注销"}, Idempotency_Key="again")
    assert (again[0], again[1]["code"]) == (409, "clawed_back_already")
    for name, listed in {"clerk": 1, "editor": 1, "stranger": 0}.items():
        assert len((await got(world[name], "/clawbacks?state=partly"))["items"]) == listed
    assert (await got(world["clerk"], path))["state"] == "partly"
    assert await world["stranger"].status("GET", path) == 404
    file = (await world["editor"].ask("GET", "/clawbacks?format=csv"))[1].decode("utf-8-sig")
    line = dict(zip(*list(csv.reader(io.StringIO(file)))[1:3], strict=True))
    assert (line["项目"], line["追回金额（元）"], line["尚欠（元）"]) == (book.title("feeder-referral"), "300", "200")
    body = {"amount_fen": 5_000, "reason": "银行回单"}
    first = await world["finance"].ask("POST", f"{path}/recover", body, Idempotency_Key="once")
    same = await world["finance"].ask("POST", f"{path}/recover", body, Idempotency_Key="once")
    assert first[0] == same[0] == 200
    assert first[1]["owed_fen"] == same[1]["owed_fen"] == 15_000
    undo, mistake = f"{path}/undo-recovery", {"reason": "登记错了"}
    own = await world["finance"].ask("POST", undo, mistake, Idempotency_Key="own")
    assert (own[0], own[1]["code"]) == (403, "entry_another_person")
    undone = await world["approver"].ask("POST", undo, mistake, Idempotency_Key="undo")
    assert (undone[0], undone[1]["owed_fen"], undone[1]["reason_text"]) == (200, 20_000, undone[1]["reason"])
    stale = await world["finance"].ask("POST", f"{path}/recover", body, Idempotency_Key="late", If_Match='"1"')
    assert stale[0] == 412
    write_off = await world["approver"].ask("POST", f"{path}/write-off", {"reason": "学校已撤销"}, Idempotency_Key="w")
    assert (write_off[0], write_off[1]["code"]) == (403, "clawback_another_person")


async def test_what_a_claim_brought_about_nobody_did_and_another_rows_return_is_not_told(world: World) -> None:
    subject, manager = f"award:{world.told.award.id}", world.told.pays.manager
    await note(subject, "award.held", actor_id=manager, before="paid", after="held", fields=["referral_in_dispute"])
    returned = "statement.bank_returned"
    await note(f"statement:{world.told.statement.id}", returned, actor_id=world.told.pays.finance, reason="另一笔退汇")
    for name in ("clerk", "editor"):
        steps = {step["action"]: step for step in (await got(world[name], f"{world.path}/story"))["steps"]}
        held = steps["award.held"]
        assert (held["by"], held["reason"]) == ("system", "另有学校登记了这名学生，争议还没有解决")
        assert returned not in steps


async def test_an_award_of_a_matter_that_nobody_has_decided_has_a_story_too(world: World) -> None:
    award = await make_award(await make_organisation(), matter="产业学院（示例）")
    path = f"/awards/{award.id}/story"
    story = await got(world["editor"], path)
    assert (story["sent"], story["published"], story["paid_from"], story["payments"]) == (None, None, None, [])
    status, page, _ = await world["editor"].ask("GET", path, Accept="text/html")
    assert (status, "产业学院（示例）" in page.decode()) == (200, True)
