"""Objections hold what they name, until somebody without a part in it has decided; nothing gets past one."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from server.awards import objections
from server.awards.models import Award, Objection, ObjectionState, Part, RunKind
from server.awards.objections import Verdict, Word
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.outbox import Event
from server.organisations.roles import Role
from server.people.models import Person
from server.people.service import Decider
from tests.awards.deciding import World, now, over, parts, refused, states
from tests.factories import make_member, make_organisation, make_person

pytestmark = pytest.mark.usefixtures("database")


async def word(reason: str = "名单与实际不符") -> Word:
    return Word((await make_person()).id, reason)


async def publication_of(award: Award) -> UUID:
    found = (await now(award)).publication_id
    assert found
    return found


async def decided(here: World, objection: Objection, verdict: Verdict, by: UUID | None = None) -> Objection:
    return await objections.decide(objection.id, verdict, Decider(by or here.reviewer_2, "已核实"))


async def test_an_objection_holds_and_nothing_gets_past_it(here: World) -> None:
    [award] = await here.publicised()
    made = await objections.to_award(award.id, await word())
    assert await states(award) == ["held"]
    over()
    for person_id in (here.reviewer, here.approver):
        assert await here.codes(person_id, RunKind.RELEASE, award) == ["objection_open"]
    assert await refused(here.undoes(here.approver, award)) == ("objection_open", 409)
    assert await here.codes(here.approver, RunKind.APPROVE, award) == ["award_state"]
    await decided(here, made, Verdict.REJECT)
    assert await here.codes(here.approver, RunKind.APPROVE, award) == [None]
    assert (await parts(award))[here.reviewer_2] is Part.REVIEW


async def test_one_that_is_right_refuses_and_only_an_appeal_undoes_that(here: World) -> None:
    [award] = await here.publicised()
    made = await objections.to_award(award.id, await word())
    assert (await decided(here, made, Verdict.UPHOLD)).state is ObjectionState.UPHELD
    assert await states(award) == ["refused"]
    for person_id in (here.reviewer, here.reviewer_2, here.reviewer_3):
        assert await refused(here.undoes(person_id, award)) == ("refused_by_objection", 409)
    assert await states(award) == ["refused"]
    assert await refused(decided(here, made, Verdict.REJECT, here.reviewer_3)) == ("objection_decided", 409)


async def test_against_a_school_all_of_it_is_held_and_nothing_else(here: World) -> None:
    other = await make_organisation()
    mine, theirs = await here.reviewed(3), await here.reviewed(1, school=other)
    await here.says(here.reviewer, RunKind.HOLD, mine[2])
    [award] = await here.publicised()
    made = await objections.to_school(await publication_of(award), here.school.id, await word())
    assert await states(*mine, *theirs, award) == ["held", "held", "held", "publicised", "held"]
    await decided(here, made, Verdict.REJECT)
    assert await states(*mine, *theirs, award) == ["publicised", "publicised", "held", "publicised", "publicised"]


async def test_what_something_else_holds_as_well_stays_held(here: World) -> None:
    by_hand, doubted, twice, only = await here.publicised(4)
    await here.says(here.reviewer, RunKind.HOLD, by_hand)
    second = await objections.to_award(twice.id, await word())
    first = await objections.to_school(await publication_of(only), here.school.id, await word())
    await Award.filter(id=doubted.id).update(doubt="referral_in_dispute")
    await decided(here, first, Verdict.REJECT)
    assert await states(by_hand, doubted, twice, only) == ["held", "held", "held", "publicised"]
    await decided(here, second, Verdict.REJECT, here.reviewer_3)
    assert await states(by_hand, doubted, twice) == ["held", "held", "publicised"]


async def test_who_had_a_part_or_an_interest_does_not_decide_it(here: World) -> None:
    [award] = await here.publicised()
    made = await objections.to_award(award.id, Word(here.reviewer_3, "有误"))
    assert await refused(decided(here, made, Verdict.REJECT, here.reviewer)) == ("another_part", 403)
    assert await refused(decided(here, made, Verdict.REJECT, here.reviewer_3)) == ("another_part", 403)
    assert await refused(decided(here, made, Verdict.REJECT, here.finance)) == ("not_yours_to_do", 403)
    await make_member(here.school, Role.CLERK, await Person.get(id=here.reviewer_2))
    assert await refused(decided(here, made, Verdict.REJECT, here.reviewer_2)) == ("decides_for_own", 403)
    assert here.reviewer_3 not in await parts(award)


async def test_where_every_reviewer_had_a_part_an_approver_decides_and_has_reviewed_by_that(here: World) -> None:
    mine = await here.reviewed(1)
    others = await here.awards(2)
    for person_id, award in zip((here.reviewer_2, here.reviewer_3), others, strict=True):
        assert await here.codes(person_id, RunKind.REVIEW, award) == [None]
    [award] = await here.publicised()
    made = await objections.to_school(await publication_of(award), here.school.id, await word())
    assert str(here.approver) in (await Event.get(name="objection.made", subject=f"objection:{made.id}")).people
    for person_id in (here.reviewer, here.reviewer_2, here.reviewer_3):
        assert await refused(decided(here, made, Verdict.REJECT, person_id)) == ("another_part", 403)
    await decided(here, made, Verdict.REJECT, here.approver)
    assert await states(*mine, *others, award) == ["publicised"] * 4
    over()
    assert await here.codes(here.approver, RunKind.APPROVE, award) == ["another_part"]
    assert await here.codes(here.approver_2, RunKind.APPROVE, award) == [None]


async def test_only_while_it_is_publicised_and_one_at_a_time(here: World) -> None:
    proposed, [award] = await here.award(), await here.publicised()
    assert await refused(objections.to_award(proposed.id, await word())) == ("not_found", 404)
    said = await word()
    await objections.to_award(award.id, said)
    assert await refused(objections.to_award(award.id, said)) == ("objected_already", 409)
    stranger = await make_organisation()
    publication = await publication_of(award)
    assert await refused(objections.to_school(publication, stranger.id, said)) == ("not_found", 404)
    over()
    assert await refused(objections.to_award(award.id, await word())) == ("publication_over", 409)
    assert await refused(objections.to_school(publication, here.school.id, said)) == ("publication_over", 409)


async def test_the_last_day_counts(here: World) -> None:
    [award] = await here.publicised()
    over()
    clock.move_to(clock.now() - timedelta(days=1))
    assert await here.codes(here.approver, RunKind.APPROVE, award) == ["publication_running"]
    assert (await objections.to_award(award.id, await word())).state is ObjectionState.OPEN


async def test_what_an_objector_wrote_stays_out_of_the_history(here: World) -> None:
    [award] = await here.publicised()
    made = await objections.to_award(award.id, await word("他家孩子没有去读"))
    for entry in await AuditEntry.filter(subject__in=[f"award:{award.id}", f"objection:{made.id}"]):
        assert "孩子" not in entry.reason


async def test_many_who_object_at_once_are_all_heard(here: World) -> None:
    awards = await here.publicised(2)
    words = [await word() for _ in range(4)]
    publication = await publication_of(awards[0])
    same = [objections.to_school(publication, here.school.id, words[0]) for _ in range(3)]
    others = [objections.to_award(awards[place % 2].id, one) for place, one in enumerate(words)]
    results = await asyncio.gather(*same, *others, return_exceptions=True)
    failed = [one for one in results if isinstance(one, BaseException)]
    assert [one.slug for one in failed if isinstance(one, DomainError)] == ["objected_already"] * 2
    assert len(failed) == 2
    assert await states(*awards) == ["held"] * 2
