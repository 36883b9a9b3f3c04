"""The demo people: loaded once, into an empty database in development only, and there to be signed in as."""

import subprocess
from datetime import date
from pathlib import Path

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from scripts import demo_people as demo
from server.labour import operator
from server.labour.models import Posting, PostingState
from server.organisations.models import Membership, Organisation, OrganisationState
from server.people.models import Person
from server.settings import ROOT
from server.students import links
from tests.harness import keys
from tests.harness.forking import command
from tests.harness.standin import StandIn

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module", autouse=True)
async def _loaded(database: BaseDBAsyncClient) -> None:
    assert database
    operator.use(date.max)
    assert await demo.load()
    operator.use(None)


def run(**settings: str) -> subprocess.CompletedProcess[str]:
    return command(module="scripts.demo_people", **keys.ENVIRONMENT | settings)


async def test_they_are_loaded_once() -> None:
    before = await Membership.all().count()
    assert not await demo.load()
    assert await Membership.all().count() == before
    assert {person.openid for person in await Person.all()} == set(demo.PEOPLE)


async def test_a_database_that_someone_uses_is_left_alone(database_url: str, tmp_path: Path) -> None:
    result = run(YZT_DATABASE_URL=database_url, YZT_DATA_DIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (0, "")
    assert await Person.all().count() == len(demo.PEOPLE)


async def test_their_names_lie_sealed(database: BaseDBAsyncClient) -> None:
    rows = await database.execute_query_dict("SELECT * FROM person")
    assert len(rows) == len(demo.PEOPLE)
    for name, _, _ in demo.PEOPLE.values():
        assert name not in str(rows)


async def test_there_is_work_for_students_who_may_apply() -> None:
    firm = await Organisation.get(name=demo.ORGANISATIONS["enterprise"][1])
    live = await Posting.filter(organisation_id=firm.id, state=PostingState.LIVE).order_by("headcount")
    assert [one.headcount for one in live] == [1, 3]
    for openid in ("demo-student", "demo-student-2"):
        person = await Person.get(openid=openid)
        assert await links.self_link(person.id)
        [number] = await links.ages(person.id)
        assert all(one.starts_on and number.age_on(one.starts_on) >= 18 for one in live)


async def test_every_organisation_says_that_it_is_invented() -> None:
    found = {organisation.name: organisation for organisation in await Organisation.exclude(kind="secretariat")}
    assert all(name.endswith("（示例）") for name in found)
    applied = [name for name, organisation in found.items() if organisation.state is OrganisationState.APPLIED]
    assert applied == [demo.ORGANISATIONS["enterprise-2"][1]]


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"YZT_HOST": "0.0.0.0"}, "loopback"), ({"YZT_ENV": "production"}, "production")],  # noqa: S104 -- is refused
)
def test_production_and_other_machines_never_get_them(tmp_path: Path, settings: dict[str, str], why: str) -> None:
    result = run(YZT_DATA_DIR=str(tmp_path), **settings)
    assert result.returncode == 1
    assert why in result.stderr


def test_the_production_image_does_not_carry_them() -> None:
    copied = [line.split()[1] for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("COPY")]
    assert {"server", "miniprogram_api", "content"} <= set(copied)
    assert not {"scripts", ".", "tests"} & set(copied)


@pytest.mark.parametrize(
    ("openid", "role", "kind"),
    [
        ("demo-student", None, None),
        ("demo-clerk-a", "clerk", "feeder_school"),
        ("demo-recruiter", "clerk", "enterprise"),
        ("demo-reviewer", "reviewer", "secretariat"),
    ],
)
async def test_a_newcomer_signs_in_as_one_of_them(
    client: aiohttp.ClientSession, standin: StandIn, openid: str, role: str | None, kind: str | None
) -> None:
    async with client.post("/api/v1/sessions", json={"code": standin.code(openid)}) as answer:
        assert answer.status == 201
        found = await answer.json()
    assert (found["is_new"], found["person"]["name"]) == (False, demo.PEOPLE[openid][0])
    held = [(one["role"], one["organisation"]["kind"]) for one in found["person"]["memberships"]]
    assert held == ([(role, kind)] if role else [])
    async with client.get("/api/v1/me", headers={"Authorization": f"Bearer {found['access_token']}"}) as answer:
        assert (await answer.json())["id"] == found["person"]["id"]
