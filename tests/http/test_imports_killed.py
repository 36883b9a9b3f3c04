"""Lists while workers die: what was done stays done, what was not is done once, and a list always ends."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server.imports.models import Import, ImportRow, ImportState
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.outbox import Event
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Role
from server.referrals.models import Referral
from server.students.models import Student
from tests.factories import make_organisation
from tests.harness import app
from tests.harness.app import worker
from tests.harness.callers import Caller, member
from tests.harness.listing import ended, send, sheet
from tests.harness.waiting import until
from tests.referrals.registering import opened
from tests.students.numbers import number_of

pytestmark = pytest.mark.usefixtures("database")
PATH = "/referrals/imports"
YEAR = clock.today().year
TERMS: dict[str, Any] = {"year": YEAR, "intake": "autumn"}


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    data = str(tmp_path_factory.mktemp("data"))
    return {"YZT_DATABASE_URL": database_url, "YZT_DATA_DIR": data, "YZT_JOB_LEASE_SECONDS": "1"}


@pytest.fixture(scope="module")
async def front(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Any]:
    """A server that takes lists in and leaves them to workers."""
    with app.running(tmp_path_factory.mktemp("front") / "log", **settings, YZT_JOBS="off") as server:
        async with aiohttp.ClientSession(server.base) as client:
            yield client


@pytest.fixture
async def clerk(front: aiohttp.ClientSession) -> Caller:
    await opened()
    return await member(front, await make_organisation(), Role.CLERK)


async def test_a_list_whose_worker_is_killed_is_done_once(
    clerk: Caller, settings: dict[str, str], tmp_path: Path
) -> None:
    said = [["何小满", number_of(date(YEAR - 15, 5, 5)), "", "", ""] for _ in range(3000)]
    status, told = await send(clerk, PATH, sheet(said), **TERMS)
    assert status == 202

    async def begun() -> bool:
        return (await Import.get(id=told["id"])).done > 0

    async def rows_gone() -> bool:
        return not list((Path(settings["YZT_DATA_DIR"]) / "files").glob("*"))

    with worker(settings, tmp_path / "first.log") as first:
        await until(begun)
        first.kill()
    source = await Import.get(id=told["id"])
    assert source.state is ImportState.RUNNING
    assert 0 < source.done < 3000
    assert await ImportRow.filter(source=source).count() == await Referral.all().count() == source.done
    with worker(settings, tmp_path / "second.log"), worker(settings, tmp_path / "third.log"):
        found = await ended(clerk, PATH, told, 60)
        await until(rows_gone)
    assert (found["state"], found["counts"]["accepted"]) == ("done", 3000)
    assert await ImportRow.filter(source=source).count() == await Student.all().count() == 3000
    assert len(set(await Referral.all().values_list("number", flat=True))) == 3000
    assert await AuditEntry.filter(action="referral.registered").count() == 3000
    [event] = await Event.filter(name="import.finished", subject=f"import:{source.id}")
    assert event.people == [str(clerk.person_id)]


async def test_a_list_of_a_school_that_may_not_any_more_ends_with_the_reason(
    clerk: Caller, settings: dict[str, str], tmp_path: Path
) -> None:
    data = sheet([["何小满", number_of(date(YEAR - 15, 5, 5)), "", "", ""]])
    first, second = [(await send(clerk, PATH, data, **TERMS))[1] for _ in range(2)]
    assert [await Import.filter(id=one["id"], job_id__isnull=False).exists() for one in (first, second)] == [
        True,
        False,
    ]
    school = Organisation.filter(id=first["organisation"]["id"])
    await school.update(state=OrganisationState.SUSPENDED)
    with worker(settings, tmp_path / "log"):
        found = [await ended(clerk, PATH, one) for one in (first, second)]
    assert [(one["state"], one["done"]) for one in found] == [("failed", 0)] * 2
    assert "状态" in found[0]["failure"]
    assert not await Referral.filter(school_id=first["organisation"]["id"]).exists()
