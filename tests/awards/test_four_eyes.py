"""Nobody decides twice over one award in different parts, or over one of their own: by whatever path they come."""

import asyncio
from uuid import UUID

import pytest

from server.access.rules import Caller, Post
from server.appeals import service as appeals
from server.appeals.service import Verdict
from server.awards import bulk, life, publications, undoing
from server.awards.bulk import Filter
from server.awards.models import Award, AwardDecider, AwardState, Part, RunKind
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.organisations.models import Membership, MembershipState
from server.organisations.roles import Kind, Role
from server.people.models import Person
from server.people.service import Decider
from server.referrals.models import ReferralState
from server.students.models import Relation, StudentLink
from tests.awards.deciding import World, acts, now, over, parts, refused, states
from tests.factories import make_member, make_organisation
from tests.harness.awarding import worked_off
from tests.harness.referring import make_claim, make_student

pytestmark = pytest.mark.usefixtures("database")


async def becomes(here: World, person_id: UUID, role: Role) -> None:
    """Let one of the secretariat have another role from now on."""
    await Membership.filter(person_id=person_id, organisation_id=here.office.id).update(ended_at=clock.now())
    await make_member(here.office, role, await Person.get(id=person_id))


async def test_who_reviewed_and_was_made_approver_does_not_approve(here: World) -> None:
    [award] = await here.ready()
    await becomes(here, here.reviewer, Role.APPROVER)
    assert await here.codes(here.reviewer, RunKind.APPROVE, award) == ["another_part"]
    assert await states(award) == ["publicised"]
    for verb in (RunKind.REFUSE, RunKind.CANCEL):
        assert await here.codes(here.reviewer, verb, award) == ["another_part"]


async def test_undoing_and_deciding_anew_leaves_the_parts(here: World) -> None:
    award = await here.award()
    await here.says(here.reviewer, RunKind.REVIEW, award)
    assert await here.undoes(here.reviewer_2, award) == "proposed"
    await here.says(here.reviewer_2, RunKind.REVIEW, award)
    await publications.publish(here.year, here.programme, here.reviewer_3)
    over()
    await becomes(here, here.reviewer, Role.APPROVER)
    await becomes(here, here.reviewer_2, Role.APPROVER)
    for person_id in (here.reviewer, here.reviewer_2):
        assert await here.codes(person_id, RunKind.APPROVE, award) == ["another_part"]
    assert await parts(award) == {here.reviewer: Part.REVIEW, here.reviewer_2: Part.REVIEW}
    assert await here.codes(here.approver, RunKind.APPROVE, award) == [None]


async def test_a_run_over_many_lets_nobody_through(here: World) -> None:
    awards = await here.ready(3)
    await becomes(here, here.reviewer, Role.APPROVER)
    run = await bulk.decide(
        Filter(programme=here.programme, year=here.year), RunKind.APPROVE, Decider(here.reviewer, "一并批准")
    )
    done = await worked_off(run.id)
    assert done.counts == {"another_part": 3}
    assert await states(*awards) == ["publicised"] * 3


async def test_a_run_asks_for_the_role_when_it_is_worked_off(here: World) -> None:
    awards = await here.awards(2)
    run = await bulk.decide(
        Filter(programme=here.programme, year=here.year), RunKind.REVIEW, Decider(here.reviewer, "一并初审")
    )
    await becomes(here, here.reviewer, Role.EDITOR)
    assert (await worked_off(run.id)).counts == {"not_yours_to_do": 2}
    assert await states(*awards) == ["proposed"] * 2


@pytest.mark.parametrize("membership", ["in force", "ended", "asked for"])
async def test_nobody_decides_about_their_own_school(here: World, membership: str) -> None:
    [award] = await here.ready()
    for person_id in (here.reviewer_2, here.approver):
        member = await make_member(here.school, Role.CLERK, await Person.get(id=person_id))
        member.ended_at = clock.now() if membership == "ended" else None
        member.state = MembershipState.REQUESTED if membership == "asked for" else MembershipState.ACTIVE
        await member.save()
    assert await here.codes(here.approver, RunKind.APPROVE, award) == ["decides_for_own"]
    for verb in (RunKind.REFUSE, RunKind.HOLD, RunKind.CANCEL):
        assert await here.codes(here.reviewer_2, verb, award) == ["decides_for_own"]
    assert await refused(here.undoes(here.reviewer_2, award)) == ("decides_for_own", 403)
    assert await refused(publish_another(here)) == ("decides_for_own", 403)


async def publish_another(here: World) -> None:
    await here.reviewed()
    await publications.publish(here.year, here.programme, here.reviewer_2)


async def test_nobody_decides_about_a_student_of_their_own(here: World) -> None:
    student = await make_student()
    await StudentLink.create(
        person_id=here.reviewer, student=student, relation=Relation.GUARDIAN, name_sealed="", created_at=clock.now()
    )
    award = await here.award(student=student)
    assert await here.codes(here.reviewer, RunKind.REVIEW, award) == ["decides_for_own"]
    assert await here.codes(here.reviewer_2, RunKind.REVIEW, award) == [None]


async def test_who_was_at_the_school_that_sent_them_keeps_away_from_its_successor(here: World) -> None:
    closed = await make_organisation(name="已并入的中学（示例）")
    await make_member(closed, Role.CLERK, await Person.get(id=here.reviewer))
    claim = await make_claim(closed, state=ReferralState.CONFIRMED)
    award = await here.award(referral_id=claim.id, student_id=claim.student_id, matter="")
    assert await here.codes(here.reviewer, RunKind.HOLD, award) == ["decides_for_own"]
    assert await here.codes(here.reviewer_2, RunKind.HOLD, award) == [None]


async def test_a_try_that_is_refused_is_no_part(here: World) -> None:
    [award] = await here.publicised()
    assert await here.codes(here.approver, RunKind.APPROVE, award) == ["publication_running"]
    assert here.approver not in await parts(award)


async def test_one_person_at_two_desks_at_once_gets_one_part(here: World) -> None:
    """Both a reviewer's and an approver's word of one person, at the same moment: one of the two counts."""
    [award] = await here.ready()
    office = await make_organisation(Kind.SECRETARIAT, name="另一处（示例）")
    await make_member(office, Role.APPROVER, await Person.get(id=here.reviewer_2))
    said = await asyncio.gather(
        *[here.says(here.reviewer_2, verb, award) for verb in (RunKind.APPROVE, RunKind.REFUSE) * 4]
    )
    assert len([one for [one] in said if one.code is None]) == 1
    assert len(await AwardDecider.filter(award_id=award.id, person_id=here.reviewer_2)) == 1


async def test_undoing_is_for_who_decided_or_had_no_part(here: World) -> None:
    [award] = await here.ready()
    assert await here.codes(here.reviewer_2, RunKind.REFUSE, award) == [None]
    assert await refused(here.undoes(here.reviewer, award)) == ("another_part", 403)
    assert await refused(here.undoes(here.approver, award)) == ("not_yours_to_do", 403)
    assert await here.undoes(here.reviewer_3, award) == "publicised"
    assert await here.codes(here.approver, RunKind.APPROVE, award) == [None]
    assert await refused(here.undoes(here.reviewer_2, award)) == ("not_yours_to_do", 403)
    assert await here.undoes(here.approver_2, award) == "publicised"
    assert (await here.money(), await here.explained()) == ((10, 0), True)


async def test_every_decision_is_turned_round_back_to_the_first(here: World) -> None:
    [award] = await here.approved()
    for verb in (RunKind.HOLD, RunKind.RELEASE, RunKind.HOLD, RunKind.CANCEL):
        assert await here.codes(here.approver, verb, award) == [None]
    turned = [await here.undoes(here.approver, award) for _ in range(4)]
    assert turned == ["held", "awaiting_funds", "publicised", "reviewed"]
    assert await here.undoes(here.reviewer, award) == "proposed"
    assert await refused(here.undoes(here.reviewer, award)) == ("award_nothing_to_undo", 409)
    assert (await here.money(), await here.explained()) == ((10, 0), True)
    found = await now(award)
    assert (found.publication_id, found.queued_at, found.budget_id) == (None, None, None)


async def test_what_is_on_its_way_to_the_payee_is_not_undone(here: World) -> None:
    [award] = await here.approved()
    for state in (AwardState.ON_STATEMENT, AwardState.PAID):
        await Award.filter(id=award.id).update(state=state)
        assert await refused(here.undoes(here.approver, award)) == ("award_state", 409)


async def test_a_refusal_is_not_undone_beside_another_award(here: World) -> None:
    award = await here.award(matter="产业学院")
    await here.says(here.reviewer, RunKind.REFUSE, award)
    await here.award(matter="产业学院")
    assert await refused(here.undoes(here.reviewer, award)) == ("awarded_otherwise", 409)
    assert await states(award) == ["refused"]
    assert await acts(award) == ["refused"]


def reviewing(here: World, person_id: UUID) -> Caller:
    return Caller(person_id, new_id(), (Post(here.office.id, Kind.SECRETARIAT, Role.REVIEWER),))


async def appealed(here: World, award: Award) -> UUID:
    manager = await make_member(here.school, Role.MANAGER)
    caller = Caller(manager.person_id, new_id(), (Post(here.school.id, here.school.kind, Role.MANAGER),))
    return (await appeals.appeal(f"award:{award.id}", "材料是齐的", caller)).id


async def test_an_appeal_is_for_a_reviewer_who_had_no_part(here: World) -> None:
    [award] = await here.reviewed()
    await here.says(here.approver, RunKind.REFUSE, award)
    appeal = await appealed(here, award)
    judge = appeals.judge
    assert await refused(judge(appeal, Verdict.OVERTURN, reviewing(here, here.reviewer), "改判")) == (
        "another_part",
        403,
    )
    await judge(appeal, Verdict.OVERTURN, reviewing(here, here.reviewer_2), "材料确实齐全")
    assert await states(award) == ["reviewed"]
    assert (await parts(award))[here.reviewer_2] is Part.REVIEW
    assert await here.codes(here.approver, RunKind.REFUSE, award) == ["overturned"]
    assert await here.codes(here.approver, RunKind.CANCEL, award) == ["overturned"]
    assert await here.codes(here.approver_2, RunKind.REFUSE, award) == [None]


async def test_an_upheld_refusal_stands_and_is_not_appealed_again(here: World) -> None:
    award = await here.award()
    await here.says(here.reviewer, RunKind.CANCEL, award)
    appeal = await appealed(here, award)
    await appeals.judge(appeal, Verdict.UPHOLD, reviewing(here, here.reviewer_2), "维持")
    assert await states(award) == ["cancelled"]
    assert await refused(appealed(here, award)) == ("already_appealed", 409)


async def test_a_cancelled_approval_comes_back_to_the_queue_or_its_money(here: World) -> None:
    first, second = await here.approved(2)
    await here.says(here.approver, RunKind.CANCEL, first)
    appeal = await appealed(here, first)
    await appeals.judge(appeal, Verdict.OVERTURN, reviewing(here, here.reviewer_2), "恢复")
    assert await states(first, second) == ["approved"] * 2
    assert (await here.money(), await here.explained()) == ((8, 2), True)


async def test_single_decisions_say_what_speaks_against_them(here: World) -> None:
    [award] = await here.ready()
    by = Decider(here.approver, "同意")
    with pytest.raises(DomainError) as caught:
        await life.decide_one(award.id, RunKind.APPROVE, by, award.version + 7)
    assert (caught.value.slug, caught.value.status) == ("stale_version", 412)
    assert await refused(life.decide_one(award.id, RunKind.REVIEW, by)) == ("not_yours_to_do", 403)
    assert await refused(life.decide_one(new_id(), RunKind.REVIEW, by)) == ("not_found", 404)
    await life.decide_one(award.id, RunKind.APPROVE, by)
    assert await refused(life.decide_one(award.id, RunKind.APPROVE, by)) == ("award_state", 409)


async def test_the_history_is_what_is_turned_round(here: World) -> None:
    [award] = await here.approved()
    entries = await AuditEntry.filter(subject=f"award:{award.id}").order_by("id")
    assert [one.action for one in undoing.standing(entries)] == [
        "award.reviewed",
        "award.publicised",
        "award.approved",
    ]
