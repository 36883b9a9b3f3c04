"""Where a county's minimum wage is known, no posting pays less; the shipped content knows none, this one does."""

from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from server.labour.models import Posting
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from tests.factories import make_organisation
from tests.harness.app import Server
from tests.harness.callers import Caller, member, staff
from tests.harness.standin import StandIn
from tests.labour.posting import decided, drafted, published, submitted, vacancy
from tests.policy.shelf import Copy

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("database")]

KNOWN, UNKNOWN = "340828", "340881"
LEAST_FEN = 2000
NOTICE = {"title": "示例通知", "number": "示例〔2026〕1号", "issued_on": {"value": "2026-01-01", "precision": "day"}}
STANDARD = {
    "effective_from": {"value": "2026-01-01", "precision": "day"},
    "monthly_fen": 200_000,
    "hourly_fen": LEAST_FEN,
    "notice": NOTICE,
}


@pytest.fixture(scope="module")
def server(database_url: str, standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Our server with content that has a figure, invented, for one county."""
    folder = tmp_path_factory.mktemp("waged")
    copy = Copy(folder)
    copy.edit("labour/minimum-wages.yaml", told)
    environment = {"YZT_DATABASE_URL": database_url, "YZT_DATA_DIR": str(folder), "YZT_WECHAT_URL": standin.base}
    running = Server(folder / "log", environment, "tests.harness.elsewhere", (str(copy.root),))
    running.start()
    try:
        running.wait_until_live()
        standin.point(running.base)
        yield running
    finally:
        running.stop()


def told(wages: dict[str, Any]) -> None:
    next(place for place in wages["regions"] if place["region"] == KNOWN)["standards"] = [STANDARD]


@pytest.fixture(scope="module")
async def firm(client: aiohttp.ClientSession) -> Organisation:
    assert client
    return await make_organisation(Kind.ENTERPRISE, name="高山茶业有限公司（示例）")


@pytest.fixture(scope="module")
async def poster(client: aiohttp.ClientSession, firm: Organisation) -> Caller:
    return await member(client, firm, Role.CLERK)


def faults(problem: dict[str, Any]) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["detail"]) for fault in problem["errors"]]


async def test_less_than_the_minimum_wage_is_refused_at_the_pay(poster: Caller) -> None:
    status, problem, _ = await poster.ask("POST", "/postings", vacancy(region=KNOWN, pay_fen=LEAST_FEN - 1))
    assert status == 422
    [(pointer, detail)] = faults(problem)
    assert pointer == "/pay_fen"
    assert "20元/小时" in detail
    full_time = {day: [["08:00", "12:00"], ["13:30", "17:30"]] for day in "12345"}
    by_month = vacancy(region=KNOWN, pay_fen=199_999, pay_unit="month", hours=full_time)
    status, problem, _ = await poster.ask("POST", "/postings", by_month)
    assert (status, [pointer for pointer, _ in faults(problem)]) == (422, ["/pay_fen"])
    assert await Posting.filter(region=KNOWN).count() == 0


async def test_the_minimum_itself_is_paid_and_nothing_is_warned_of(poster: Caller) -> None:
    made = await submitted(poster, region=KNOWN, pay_fen=LEAST_FEN)
    assert made["state"] == "in_review"
    assert {one["code"] for one in made["findings"]} & {"minimum_wage", "minimum_wage_unknown"} == set()


async def test_a_draft_that_moves_to_that_county_is_held_to_its_figure(poster: Caller) -> None:
    made = await drafted(poster, region=UNKNOWN, pay_fen=LEAST_FEN - 1)
    path = f"/postings/{made['id']}"
    status, problem, _ = await poster.ask("PATCH", path, {"region": KNOWN}, If_Match="*")
    assert (status, [pointer for pointer, _ in faults(problem)]) == (422, ["/pay_fen"])


async def test_where_no_figure_is_known_it_is_warned_of_and_published(
    poster: Caller, client: aiohttp.ClientSession
) -> None:
    made = await submitted(poster, region=UNKNOWN, pay_fen=LEAST_FEN - 1)
    assert {one["code"]: one["level"] for one in made["findings"]}["minimum_wage_unknown"] == "warn"
    reviewer = await staff(client, Role.REVIEWER)
    assert (await decided(reviewer, made["id"], "publish"))["state"] == "live"


async def test_what_is_live_may_not_fall_below_it(poster: Caller, client: aiohttp.ClientSession) -> None:
    live = await published(poster, await staff(client, Role.REVIEWER), region=KNOWN, pay_fen=LEAST_FEN)
    path = f"/postings/{live['id']}"
    status, problem, _ = await poster.ask("PATCH", path, {"pay_fen": LEAST_FEN - 1}, If_Match="*")
    assert (status, [pointer for pointer, _ in faults(problem)]) == (422, ["/pay_fen"])
    assert (await Posting.get(id=live["id"])).pay_fen == LEAST_FEN
