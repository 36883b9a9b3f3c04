"""What is looked at before anyone else sees a posting: sense, fairness, and what WeChat reads in it."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from server.kernel import clock
from server.kernel.errors import DomainError
from server.labour import operator, review
from server.labour.models import Posting
from server.organisations.models import Membership, Organisation
from server.organisations.roles import Kind, Role
from tests.factories import make_organisation, make_person
from tests.harness.callers import Caller, caller
from tests.harness.people import SignedIn
from tests.harness.standin import StandIn
from tests.labour.posting import decided, drafted, published, submitted, vacancy

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]


@pytest.fixture(scope="module")
async def firm(server: object, client: aiohttp.ClientSession) -> Organisation:
    assert server
    assert client
    return await make_organisation(Kind.ENTERPRISE, name="澄江茶业有限公司（示例）")


@pytest.fixture(scope="module")
async def poster(client: aiohttp.ClientSession, standin: StandIn, firm: Organisation) -> Caller:
    """Somebody who is in the mini-program just now, so that WeChat reads what they write."""
    somebody = await SignedIn.at(client, standin, "demo-recruiter")
    await Membership.create(organisation=firm, person_id=somebody.id, role=Role.CLERK, created_at=clock.now())
    return await caller(client, (await Membership.get(organisation=firm)).person_id)


def day(days: int) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


def pointers(problem: dict[str, Any]) -> set[str]:
    return {fault["pointer"] for fault in problem["errors"]}


async def test_what_makes_no_sense_is_refused_at_once_each_at_its_field(poster: Caller) -> None:
    bad = {
        "starts_on": day(20),
        "ends_on": day(10),
        "hours": {"1": [["00:00", "13:00"], ["13:00", "01:00"]]},
        "pay_fen": 100_000_000,
        "headcount": 100_000,
        "age_min": 12,
        "valid_until": day(400),
    }
    status, problem, _ = await poster.ask("POST", "/postings", vacancy(**bad))
    assert status == 422
    found = {pointer.split("/")[1] for pointer in pointers(problem)}
    assert found == {"ends_on", "hours", "pay_fen", "headcount", "age_min", "valid_until"}
    made = await drafted(poster)
    status, problem, _ = await poster.ask("PATCH", f"/postings/{made['id']}", bad, If_Match="*")
    assert status == 422
    assert (await Posting.get(id=made["id"])).version == 1


async def test_a_posting_ends_with_its_work_and_lies_in_a_county_at_a_whole_place(poster: Caller) -> None:
    for bad, field in (
        ({"valid_until": day(31)}, "valid_until"),
        ({"region": "340800"}, "region"),
        ({"latitude": 30.5}, "longitude"),
        ({"longitude": 117.0}, "longitude"),
    ):
        status, problem, _ = await poster.ask("POST", "/postings", vacancy(**bad))
        assert (status, pointers(problem)) == (422, {f"/{field}"}), bad
    made = await drafted(poster)
    status, problem, _ = await poster.ask("PATCH", f"/postings/{made['id']}", {"latitude": 30.5}, If_Match="*")
    assert (status, pointers(problem)) == (422, {"/longitude"})


async def test_a_deposit_is_found_explained_and_mended(poster: Caller, reviewer: Caller) -> None:
    made = await drafted(poster, description="入职先交押-金 300 元，离职退还。", requirements="限男性")
    assert {one["field"] for one in made["findings"] if one["level"] == "refuse"} == {"description", "requirements"}
    status, problem, _ = await poster.ask("POST", f"/postings/{made['id']}/submit")
    assert (status, pointers(problem)) == (422, {"/description", "/requirements"})
    assert all(len(fault["detail"]) > len("说明：") for fault in problem["errors"])
    honest = {"description": "不收押金，男女不限。", "requirements": ""}
    path = f"/postings/{made['id']}"
    assert (await poster.ask("PATCH", path, honest, If_Match="1"))[0] == 200
    assert (await poster.ask("POST", f"{path}/submit"))[1]["state"] == "in_review"
    assert (await decided(reviewer, made["id"], "publish"))["state"] == "live"


async def test_what_wechat_finds_risky_is_refused_and_what_it_doubts_is_for_a_reviewer(
    poster: Caller, reviewer: Caller
) -> None:
    risky = await drafted(poster, description="茶园旁有赌博机")
    status, problem, _ = await poster.ask("POST", f"/postings/{risky['id']}/submit")
    assert (status, pointers(problem)) == (422, {"/description"})
    long = await drafted(poster, description="茶" * 6000 + "疑似广告")
    found = (await poster.ask("POST", f"/postings/{long['id']}/submit"))[1]
    assert [one["field"] for one in found["findings"] if one["code"] == "text_doubtful"] == ["description"]
    live = await published(poster, reviewer, title="夏茶采摘工")
    assert "text_doubtful" not in {one["code"] for one in live["findings"]}
    answer = await poster.ask("PATCH", f"/postings/{live['id']}", {"description": "赌博"}, If_Match="*")
    assert (answer[0], pointers(answer[1])) == (422, {"/description"})


async def test_while_wechat_is_away_a_reviewer_reads(poster: Caller, standin: StandIn) -> None:
    standin.fault(path="/wxa/msg_sec_check", status=502, times=50)
    try:
        found = await submitted(poster)
    finally:
        standin.reset()
    assert "text_doubtful" in {one["code"] for one in found["findings"]}


async def test_a_change_of_a_live_posting_is_held_to_the_same_rules(poster: Caller, reviewer: Caller) -> None:
    live = await published(poster, reviewer)
    path = f"/postings/{live['id']}"
    for change, field in (
        ({"ends_on": day(1)}, "ends_on"),
        ({"deductions": "扣押身份证"}, "deductions"),
        ({"title": ""}, "title"),
        ({"contact": None}, "contact"),
    ):
        answer = await poster.ask("PATCH", path, change, If_Match="*")
        assert (answer[0], pointers(answer[1])) == (422, {f"/{field}"}), change
    assert (await Posting.get(id=live["id"])).version == live["version"]
    assert (await poster.ask("POST", f"{path}/renew", {"valid_until": day(400)}))[0] == 422


async def test_what_the_rules_want_judged_waits_and_the_rest_holds_at_once(poster: Caller, reviewer: Caller) -> None:
    live = await published(poster, reviewer)
    path, until = f"/postings/{live['id']}", (clock.today() + timedelta(days=25)).isoformat()
    await Posting.filter(id=live["id"]).update(reminded_on=clock.today())
    change = {"headcount": 5000, "valid_until": until}
    _, changed, _ = await poster.ask("PATCH", path, change, If_Match=str(live["version"]))
    assert (changed["headcount"], changed["valid_until"]) == (12, until)
    assert changed["pending_revision"]["fields"] == {"headcount": 5000}
    assert (await Posting.get(id=live["id"])).reminded_on is None
    taken = await decided(reviewer, live["id"], "publish")
    assert taken["headcount"] == 5000
    assert "headcount_many" in {one["code"] for one in taken["findings"]}
    _, fewer, _ = await poster.ask("PATCH", path, {"headcount": 20}, If_Match="*")
    assert (fewer["headcount"], fewer["pending_revision"]) == (20, None)
    assert "headcount_many" not in {one["code"] for one in fewer["findings"]}


async def test_without_a_qualification_of_the_operator_nothing_is_published(poster: Caller) -> None:
    made, by = await submitted(poster), await make_person()
    try:
        for valid_to in (None, clock.today() - timedelta(days=1)):
            operator.use(valid_to)
            with pytest.raises(DomainError, match="operator_not_qualified"):
                await review.decide(made["id"], review.Verdict.PUBLISH, (), by=by.id, version=None)
    finally:
        operator.use(clock.today())
    published = await review.decide(made["id"], review.Verdict.PUBLISH, (), by=by.id, version=None)
    assert published.state == "live"
