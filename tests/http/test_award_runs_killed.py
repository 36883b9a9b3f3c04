"""Runs over awards while workers die: what was done stays done, what was not is done once, and a run always ends."""

from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from server.awards import bulk, proposing
from server.awards.bulk import Filter
from server.awards.models import Award, AwardDecider, AwardRun, AwardRunRow, AwardState, RunKind, RunState
from server.awards.proposing import Wanted
from server.kernel.audit import AuditEntry
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from tests.factories import make_member
from tests.harness.app import worker
from tests.harness.awarding import PROGRAMME, events_of, make_college, make_school
from tests.harness.crowd_of_claims import confirm
from tests.harness.waiting import until

pytestmark = pytest.mark.usefixtures("database")
YEAR, NUMBER = 2026, 4000


async def worked_off(run_id: UUID, settings: dict[str, str], folder: Path) -> AwardRun:
    """Kill the worker in the middle of a run, and let two others end it."""

    async def begun() -> bool:
        return (await AwardRun.get(id=run_id)).done > 0

    async def over() -> bool:
        return (await AwardRun.get(id=run_id)).state is RunState.DONE

    with worker(settings, folder / f"{run_id}-first.log") as first:
        await until(begun)
        first.kill()
    run = await AwardRun.get(id=run_id)
    assert run.state is RunState.RUNNING
    assert 0 < run.done < NUMBER
    assert await AwardRunRow.filter(run_id=run_id).count() == run.done
    with worker(settings, folder / f"{run_id}-second.log"), worker(settings, folder / f"{run_id}-third.log"):
        await until(over, 60)
    return await AwardRun.get(id=run_id)


async def test_a_run_whose_worker_is_killed_is_done_once(database_url: str, tmp_path: Path) -> None:
    settings = {"YZT_DATABASE_URL": database_url, "YZT_DATA_DIR": str(tmp_path), "YZT_JOB_LEASE_SECONDS": "1"}
    schools = [await make_school() for _ in range(3)]
    managers = [(await make_member(one, Role.MANAGER)).person_id for one in schools]
    await confirm(schools, await make_college(), YEAR, NUMBER)
    reviewer = Decider((await make_member(await secretariat(), Role.REVIEWER)).person_id, "名册无误")
    for begin, action, state in (
        (partial(proposing.propose, Wanted(PROGRAMME, YEAR), reviewer), "award.proposed", AwardState.PROPOSED),
        (partial(bulk.decide, Filter(year=YEAR), RunKind.REVIEW, reviewer), "award.reviewed", AwardState.REVIEWED),
    ):
        run = await begin()
        done = await worked_off(run.id, settings, tmp_path)
        assert (done.done, done.total, done.counts) == (NUMBER, NUMBER, {state: NUMBER})
        assert await AwardRunRow.filter(run=run).count() == NUMBER
        assert await Award.filter(state=state).count() == NUMBER
        assert await AuditEntry.filter(action=action).count() == NUMBER
        told = [event.people for event in await events_of(run)]
        assert sorted(told) == sorted([str(one)] for one in managers)
    assert len(set(await Award.all().values_list("student_id", flat=True))) == NUMBER
    assert await AwardDecider.all().count() == NUMBER
