"""Many at once are decided as one is: each alone, each with its own answer, and no run does anything twice."""

import asyncio
from datetime import date
from functools import partial
from uuid import UUID

import pytest

from server.awards import bulk, proposing, runs, working
from server.awards.bulk import Filter
from server.awards.models import (
    Award,
    AwardDecider,
    AwardRun,
    AwardRunRow,
    AwardState,
    Part,
    Publication,
    RunKind,
    RunOutcome,
    RunState,
)
from server.awards.proposing import Wanted
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.jobs.models import Job, JobState
from server.organisations.models import Membership, Organisation
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from tests.factories import make_member
from tests.harness import statements
from tests.harness.awarding import (
    AMOUNT_FEN,
    PROGRAMME,
    events_of,
    make_award,
    make_confirmed,
    make_school,
    outcomes,
    proposed,
    worked_off,
)
from tests.harness.funding import make_budget, make_fund

pytestmark = pytest.mark.usefixtures("database")


async def make_staff(role: Role) -> UUID:
    return (await make_member(await secretariat(), role)).person_id


async def decided(chosen: Filter, verb: RunKind, by: UUID) -> AwardRun:
    run = await bulk.decide(chosen, verb, Decider(by, "已核对名册"))
    return await worked_off(run.id)


async def test_each_is_decided_alone_and_answers_alone(school: Organisation, college: Organisation) -> None:
    year, reviewer = 2020, await make_staff(Role.REVIEWER)
    fine, refused, had = [
        await make_award(await make_confirmed(school, college, year), state=state)
        for state in (AwardState.PROPOSED, AwardState.REFUSED, AwardState.PROPOSED)
    ]
    mine = await make_school(name="自家中学（示例）")
    await make_member(mine, Role.CLERK, await (await Membership.get(person_id=reviewer)).person)
    own = await make_award(await make_confirmed(mine, college, year))
    await AwardDecider.create(award=had, person_id=reviewer, part=Part.APPROVAL, made_at=clock.now())
    manager, unknown = (await make_member(school, Role.MANAGER)).person_id, new_id()
    run = await decided(Filter(ids=[unknown, own.id, fine.id, refused.id, had.id]), RunKind.REVIEW, reviewer)
    assert await outcomes(run) == {
        fine.id: "reviewed",
        refused.id: "award_state",
        own.id: "decides_for_own",
        had.id: "another_part",
        unknown: "not_found",
    }
    assert (run.total, run.done, sum(run.counts.values())) == (5, 5, 5)
    states = {row.id: row.state for row in await Award.filter(year=year)}
    assert states == {fine.id: "reviewed", refused.id: "refused", own.id: "proposed", had.id: "proposed"}
    entry = await AuditEntry.get(subject=f"award:{fine.id}", action="award.reviewed")
    assert (entry.actor_id, entry.before, entry.reason) == (reviewer, "proposed", "已核对名册")
    [event] = await events_of(run)
    assert (event.name, event.people) == ("awards.reviewed", [str(manager)])


async def test_a_filter_means_what_it_says(school: Organisation, college: Organisation) -> None:
    year, reviewer, other = 2021, await make_staff(Role.REVIEWER), await make_school()
    here = [await make_award(await make_confirmed(school, college, year)) for _ in range(2)]
    there = await make_award(await make_confirmed(other, college, year))
    reviewed = await make_award(await make_confirmed(other, college, year), state=AwardState.REVIEWED)
    await make_award(await make_confirmed(school, college, year - 9), state=AwardState.PROPOSED)
    run = await decided(Filter(year=year, school=other.id, programme=PROGRAMME), RunKind.REVIEW, reviewer)
    assert await outcomes(run) == {there.id: "reviewed"}
    run = await decided(Filter(year=year, state=AwardState.REVIEWED), RunKind.REVIEW, reviewer)
    assert await outcomes(run) == {there.id: "award_state", reviewed.id: "award_state"}
    run = await decided(Filter(year=year, programme=PROGRAMME), RunKind.REFUSE, reviewer)
    assert (run.total, await outcomes(run)) == (
        4,
        {one.id: "refused" for one in (*here, there, reviewed)},
    )


async def test_a_run_goes_on_where_it_was(
    school: Organisation, college: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "PART", 2)
    year, reviewer = 2022, await make_staff(Role.REVIEWER)
    for _ in range(5):
        await make_confirmed(school, college, year)
    for run in (
        await proposed(Wanted(PROGRAMME, year)),
        await decided(Filter(year=year), RunKind.REVIEW, reviewer),
    ):
        rows = await AwardRunRow.filter(run=run)
        assert (run.done, len(rows), len({row.subject_id for row in rows})) == (5, 5, 5)
        assert (await working.work({"run": str(run.id)})) == {"more": False}
        assert await AwardRunRow.filter(run=run).count() == 5
    assert await AuditEntry.filter(action="award.reviewed", actor_id=reviewer).count() == 5


async def test_two_runs_side_by_side_do_nothing_twice(school: Organisation, college: Organisation) -> None:
    year, reviewer = 2024, await make_staff(Role.REVIEWER)
    for _ in range(8):
        await make_confirmed(school, college, year, enrolled={"entered_on": date(2026, 9, 1)})
    for begin, state in (
        (partial(proposing.propose, Wanted(PROGRAMME, year)), "proposed"),
        (partial(bulk.decide, Filter(year=year, state=AwardState.PROPOSED), RunKind.REVIEW), "reviewed"),
    ):
        begun = [await begin(Decider(reviewer, "x")) for _ in range(3)]
        done = await asyncio.gather(*(worked_off(run.id) for run in begun))
        assert sum(run.counts.get(state, 0) for run in done) == 8
        assert await Award.filter(year=year, state=state).count() == 8
    assert await Award.filter(year=year).count() == 8


async def test_each_answers_whether_there_was_money_for_it(school: Organisation, college: Organisation) -> None:
    year, now = 2025, clock.now()
    await make_budget(await make_fund(PROGRAMME, papers_of=year), 2 * AMOUNT_FEN + 1)
    publication = await Publication.create(
        programme=PROGRAMME, year=year, starts_on=date(2025, 11, 1), ends_on=date(2025, 11, 7), made_by_id=new_id(),
        made_at=now,
    )  # fmt: skip
    state = AwardState.PUBLICISED
    for _ in range(4):
        await make_award(await make_confirmed(school, college, year), state=state, publication_id=publication.id)
    run = await decided(Filter(publication=publication.id), RunKind.APPROVE, await make_staff(Role.APPROVER))
    assert run.counts == {"approved": 2, "awaiting_funds": 2}
    assert run.chosen == {"publication": str(publication.id), "year": year, "programme": PROGRAMME}
    queued = AwardRunRow.filter(run=run, code="awaiting_funds", outcome=RunOutcome.DONE)
    assert await queued.count() == await Award.filter(year=year, state=AwardState.AWAITING_FUNDS).count() == 2


async def test_a_role_lost_meanwhile_counts_no_more(school: Organisation, college: Organisation) -> None:
    year, reviewer = 2023, await make_staff(Role.REVIEWER)
    award = await make_award(await make_confirmed(school, college, year))
    run = await bulk.decide(Filter(year=year), RunKind.REVIEW, Decider(reviewer, "x"))
    await Membership.filter(person_id=reviewer).update(ended_at=clock.now())
    assert list((await worked_off(run.id)).counts) == ["not_yours_to_do"]
    assert (await Award.get(id=award.id)).state is AwardState.PROPOSED


async def test_a_part_takes_a_settled_number_of_statements(school: Organisation, college: Organisation) -> None:
    reviewer, counts = await make_staff(Role.REVIEWER), []
    for year, size in ((2030, 1), (2031, 4)):
        for _ in range(size):
            await make_award(await make_confirmed(school, college, year))
        run = await bulk.decide(Filter(year=year), RunKind.REVIEW, Decider(reviewer, "x"))
        with statements.sent() as sent:
            await worked_off(run.id)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 30


@pytest.mark.parametrize(
    ("chosen", "pointer"),
    [
        (Filter(), "/filter"),
        (Filter(programme=PROGRAMME, state=AwardState.PROPOSED), "/filter"),
        (Filter(ids=[new_id()], year=2026), "/filter/ids"),
        (Filter(publication=new_id()), "/filter/publication"),
    ],
)
async def test_a_filter_that_means_too_much_or_nothing_is_refused(chosen: Filter, pointer: str) -> None:
    with pytest.raises(DomainError) as refused:
        await bulk.decide(chosen, RunKind.REVIEW, Decider(await make_staff(Role.REVIEWER), "x"))
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


@pytest.mark.parametrize(
    ("role", "verb"),
    [(Role.REVIEWER, RunKind.APPROVE), (Role.APPROVER, RunKind.REVIEW), (Role.FINANCE, RunKind.CANCEL)],
)
async def test_each_verdict_asks_for_its_role(role: Role, verb: RunKind) -> None:
    with pytest.raises(DomainError) as refused:
        await bulk.decide(Filter(year=2026), verb, Decider(await make_staff(role), "x"))
    assert refused.value.status == 403


async def test_runs_whose_job_was_lost_are_gone_on_with() -> None:
    reviewer = await make_staff(Role.REVIEWER)
    run = await bulk.decide(Filter(year=2040), RunKind.REVIEW, Decider(reviewer, "x"))
    assert await working.watch() == {"gone_on": 0}
    await Job.filter(kind=runs.JOB).update(state=JobState.FAILED, claimable_at=None)
    assert await working.watch() == {"gone_on": 0}  # it is too young
    await AwardRun.filter(id=run.id).update(created_at=clock.now() - working.SETTLED)
    assert await working.watch() == {"gone_on": 1}
    assert await working.watch() == {"gone_on": 0}
    assert (await worked_off(run.id)).state is RunState.DONE
    assert (await working.settled(run.id, 1)).state is RunState.DONE
