"""What is asked of a posting beside its life over HTTP: changes that wait, validity, drafts mended, what comes back."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from server.kernel import clock
from server.labour import sweeps
from server.labour.models import Posting, PostingVersion
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from tests.factories import make_organisation
from tests.harness.callers import Caller, member, staff
from tests.labour.posting import decided, drafted, published, submitted, vacancy

pytestmark = pytest.mark.usefixtures("database")
REASON = {"reason": "已核实，收取押金"}


@pytest.fixture(scope="module")
async def poster(client: aiohttp.ClientSession, firm: Organisation) -> Caller:
    return await member(client, firm, Role.MANAGER)


@pytest.fixture(scope="module")
async def second(client: aiohttp.ClientSession) -> Caller:
    return await staff(client, Role.REVIEWER)


async def overturned(posting: str, poster: Caller, second: Caller) -> dict[str, Any]:
    """The posting once what was refused of it has been appealed, by another reviewer."""
    status, made, _ = await poster.ask("POST", "/appeals", {"subject": f"posting:{posting}", "reason": "误会"})
    assert status == 201, made
    verdict = {"verdict": "overturn", "reason": "属实"}
    assert await second.status("POST", f"/appeals/{made['id']}/decision", verdict) == 200
    found = (await poster.ask("GET", f"/postings/{posting}"))[1]
    assert isinstance(found, dict)
    return found


async def run_out(posting: str) -> None:
    await Posting.filter(id=posting).update(valid_until=clock.today() - timedelta(days=1))
    await sweeps.watch()


async def test_a_change_that_waits_outlives_the_posting_and_is_decided_then(
    poster: Caller, reviewer: Caller, second: Caller
) -> None:
    live = await published(poster, reviewer)
    path = f"/postings/{live['id']}"
    _, asked, _ = await poster.ask("PATCH", path, {"pay_fen": 2600}, If_Match="*")
    assert asked["pending_revision"]["fields"] == {"pay_fen": 2600}
    await run_out(live["id"])
    _, expired, _ = await poster.ask("GET", path)
    assert (expired["state"], expired["pending_revision"]["fields"]) == ("expired", {"pay_fen": 2600})
    assert live["id"] in [one["id"] for one in (await reviewer.ask("GET", "/postings/review?limit=100"))[1]["items"]]
    returned = await decided(reviewer, live["id"], "return", {"field": "pay_fen", "text": "请附说明"})
    assert (returned["state"], returned["pending_revision"]["refused"]) == ("expired", True)
    taken = await overturned(live["id"], poster, second)
    assert (taken["state"], taken["pay_fen"], taken["pending_revision"]) == ("expired", 2600, None)
    assert (await poster.ask("POST", f"{path}/renew"))[1]["state"] == "live"


async def test_nothing_is_valid_beyond_its_work(poster: Caller, reviewer: Caller, second: Caller) -> None:
    today = clock.today()
    days = {number: (today + timedelta(days=number)).isoformat() for number in (20, 25, 30, 60)}
    shorter = await published(poster, reviewer)
    path = f"/postings/{shorter['id']}"
    await poster.ask("PATCH", path, {"ends_on": days[25]}, If_Match="*")
    status, problem, _ = await poster.ask("POST", f"{path}/renew", {"valid_until": days[30]})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/valid_until")
    assert (await poster.ask("POST", f"{path}/renew"))[1]["valid_until"] == days[25]
    await decided(reviewer, shorter["id"], "return", {"field": "ends_on", "text": "请附说明"})
    assert (await poster.ask("POST", f"{path}/renew"))[1]["valid_until"] == days[30]
    taken = await overturned(shorter["id"], poster, second)
    assert (taken["ends_on"], taken["valid_until"]) == (days[25], days[25])

    longer = await published(poster, reviewer, title="夏茶采摘工")
    path = f"/postings/{longer['id']}"
    change = {"ends_on": days[60], "valid_until": days[60]}
    _, asked, _ = await poster.ask("PATCH", path, change, If_Match="*")
    assert (asked["valid_until"], asked["pending_revision"]["fields"]) == (days[20], change)
    assert await poster.status("POST", f"{path}/renew", {"valid_until": days[60]}) == 422
    await run_out(longer["id"])
    back = await decided(reviewer, longer["id"], "publish")  # what has expired comes back as it was to be
    assert (back["state"], back["ends_on"], back["valid_until"]) == ("live", days[60], days[60])


async def test_other_places_are_no_other_terms(poster: Caller, reviewer: Caller) -> None:
    live = await published(poster, reviewer)
    path = f"/postings/{live['id']}"
    _, asked, _ = await poster.ask("PATCH", path, {"headcount": 400}, If_Match="*")
    assert asked["pending_revision"]["fields"] == {"headcount": 400}
    assert (await decided(reviewer, live["id"], "publish"))["headcount"] == 400
    assert await PostingVersion.filter(posting_id=live["id"]).count() == 1
    await poster.ask("PATCH", path, {"headcount": 500, "pay_fen": 2600}, If_Match="*")
    assert (await decided(reviewer, live["id"], "publish"))["pay_fen"] == 2600
    assert await PostingVersion.filter(posting_id=live["id"]).count() == 2


async def test_a_draft_may_be_mended_in_any_order(poster: Caller) -> None:
    made = await drafted(poster)
    day = clock.today()
    past, before = ((day - timedelta(days=number)).isoformat() for number in (300, 320))
    await Posting.filter(id=made["id"]).update(starts_on=before, ends_on=past, valid_until=past)
    copied = (await poster.ask("POST", f"/postings/{made['id']}/copy"))[1]["id"]
    path, soon = f"/postings/{copied}", {"starts_on": (day + timedelta(days=5)).isoformat()}
    for change in ({"title": "今年的春茶"}, soon, {"pay_fen": 2600}):
        status, answer, _ = await poster.ask("PATCH", path, change, If_Match="*")
        assert status == 200, answer
    assert await poster.status("PATCH", path, {"headcount": 6000}, If_Match="*") == 422
    status, problem, _ = await poster.ask("PATCH", path, {"ends_on": before}, If_Match="*")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/ends_on")
    status, problem, _ = await poster.ask("POST", f"{path}/submit")
    assert {fault["pointer"] for fault in problem["errors"]} == {"/ends_on", "/valid_until"}
    ends = {"ends_on": (day + timedelta(days=9)).isoformat(), "valid_until": day.isoformat()}
    assert await poster.status("PATCH", path, ends, If_Match="*") == 200
    assert await poster.status("POST", f"{path}/submit") == 200


async def test_hours_that_cannot_be_are_called_hours(poster: Caller) -> None:
    day = clock.today() + timedelta(days=5)
    alone = {name: day.isoformat() for name in ("starts_on", "ends_on", "valid_until")}
    never = vacancy(hours={str(day.isoweekday() % 7 + 1): [["08:00", "12:00"]]}, **alone)
    status, problem, _ = await poster.ask("POST", "/postings", never)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/hours")
    impossible: tuple[dict[str, Any], ...] = ({"8": []}, {"1": [["08:00", "25:00"]]}, {"1": [["08:00"]]})
    for hours in impossible:
        status, problem, _ = await poster.ask("POST", "/postings", vacancy(hours=hours))
        assert status == 422
        assert problem["errors"][0]["detail"].startswith("工作时间："), problem


async def test_what_its_poster_had_paused_is_paused_again_on_appeal(
    client: aiohttp.ClientSession, reviewer: Caller, second: Caller
) -> None:
    firm = await make_organisation(Kind.ENTERPRISE, name="有误会（示例）")
    manager = await member(client, firm, Role.MANAGER)

    async def back(posting: str) -> tuple[str, str]:
        assert await reviewer.status("POST", f"/postings/{posting}/remove", REASON) == 200
        found = await overturned(posting, manager, second)
        return found["state"], found["paused_for"]

    own, theirs = await published(manager, reviewer), await published(manager, reviewer, title="夏茶采摘工")
    await manager.ask("POST", f"/postings/{own['id']}/pause")
    assert await back(own["id"]) == ("paused", "poster")
    await Organisation.filter(id=firm.id).update(state=OrganisationState.LAPSED)
    assert (await sweeps.watch())["paused"] == 1
    assert await back(theirs["id"]) == ("paused", "standing")
    await Organisation.filter(id=firm.id).update(state=OrganisationState.VERIFIED)
    assert (await sweeps.watch())["resumed"] == 1
    assert (await Posting.get(id=own["id"])).state == "paused"


async def test_near_duplicates_of_one_poster_are_flagged(client: aiohttp.ClientSession, reviewer: Caller) -> None:
    poster = await member(client, await make_organisation(Kind.ENTERPRISE), Role.CLERK)
    text = "采摘明前茶，有人带教，雨天休息，统一接送，住宿自理，每周结算一次，茶园步行十分钟可达。"
    first = await published(poster, reviewer, description=text)
    assert (await submitted(poster, description=text.replace("十分钟", "九分钟"), pay_fen=2300))[
        "similar_to_id"
    ] == first["id"]
    assert (await submitted(poster, title="茶厂杂工", description="搬运与打扫"))["similar_to_id"] is None
    stranger = await member(client, await make_organisation(Kind.ENTERPRISE), Role.CLERK)
    assert (await submitted(stranger, description=text))["similar_to_id"] is None
