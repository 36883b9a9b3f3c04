"""What schools do in orders that nobody plans: names mended after a verdict, disputes opened again, schools merged."""

from datetime import date

import pytest

from server.enrolments.models import Enrolment, EnrolmentState, MatchVerdict
from server.imports.stored import Row, twinned
from server.kernel.errors import DomainError
from server.kernel.sensitive import Kind, Sensitive
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Role
from server.people.service import Decider
from server.referrals import correction, evidence, importing, receiving, service
from server.referrals.correction import Right
from server.referrals.decisions import decide
from server.referrals.models import Referral, Verdict
from server.referrals.undoing import undo
from server.students.sealed import identity
from tests.factories import make_member
from tests.harness.referring import NAME
from tests.referrals.disputing import after_evidence, disputed, reviewer
from tests.referrals.receiving_world import DOCUMENT, at, line, make_world, stands
from tests.referrals.registering import claim, feeder
from tests.students.numbers import number_of

pytestmark = pytest.mark.usefixtures("database")


async def closed_into(school: Organisation, heir: Organisation) -> None:
    school.state, school.successor_id = OrganisationState.CLOSED, heir.id
    await school.save()


async def test_who_was_told_apart_under_a_mistyped_name_is_matched_once_it_is_put_right() -> None:
    at(9, 10)
    world = await make_world()
    student, by = await world.student(), await reviewer()
    clerk = await make_member(world.feeder, Role.CLERK)
    made = await world.claims(student, name="何晓曼")
    there = await world.lists(world.named, student, evidence=DOCUMENT)
    await receiving.judge(there.id, made.id, MatchVerdict.DIFFERENT, by)
    right = Right(identity(student), Sensitive(Kind.NAME, NAME))
    await correction.correct(made.id, right, Decider(clerk.person_id, "姓名录错"))
    assert (await stands(made))[0] == "registered", "the reviewer's word stands until a reviewer takes it back"
    await receiving.judge(there.id, made.id, MatchVerdict.SAME, by)
    assert await stands(made) == ("matched", there.id, [])
    with pytest.raises(DomainError, match="names_agree"):
        await receiving.judge(there.id, made.id, MatchVerdict.DIFFERENT, by)


async def test_a_dispute_that_is_opened_again_after_the_year_can_be_heard() -> None:
    after_evidence()
    dispute, by = await disputed(), await reviewer()
    await decide(dispute.claims[0].id, Verdict.UPHOLD, by)
    at(9, 5, 2027)
    await undo(dispute.claims[0].id, by)
    for place in (0, 1):
        await evidence.add(dispute.claims[place].id, "新材料", None, by=dispute.clerks[place].person_id)
    await decide(dispute.claims[1].id, Verdict.UPHOLD, by)
    assert (await dispute.states())[0] == "rejected"


async def test_what_was_put_forward_in_an_earlier_dispute_takes_no_place_in_the_next() -> None:
    at(10, 12)
    dispute, by = await disputed(), await reviewer()
    of_first = dispute.clerks[0].person_id
    for place in range(evidence.MOST):
        await evidence.add(dispute.claims[0].id, f"材料{place}", None, by=of_first)
    with pytest.raises(DomainError, match="too_much_evidence"):
        await evidence.add(dispute.claims[0].id, "又一份", None, by=of_first)
    after_evidence()
    await decide(dispute.claims[1].id, Verdict.UPHOLD, by)
    await undo(dispute.claims[1].id, by)
    await evidence.add(dispute.claims[0].id, "新材料", None, by=of_first)


async def test_a_school_gets_into_no_dispute_with_what_it_carries_on() -> None:
    at(9, 10)
    (closed, clerk), (heir, successor) = await feeder("东中学"), await feeder("西中学")
    numbers = [number_of(date(2011, 5, day)) for day in (11, 12)]
    old = await service.register(closed.id, claim(numbers[0]), by=clerk)
    own = await service.register(heir.id, claim(numbers[1]), by=successor)
    await closed_into(closed, heir)
    for mistaken, other in ((old, numbers[1]), (own, numbers[0])):
        with pytest.raises(DomainError, match="already_registered"):
            await correction.correct(mistaken.referral_id, Right(claim(other).number), Decider(successor, "录错"))  # type: ignore[arg-type]
    assert not await Referral.filter(school_id__in=[closed.id, heir.id], state="disputed").exists()


async def test_what_carries_a_school_on_has_its_students_on_its_list() -> None:
    at(9, 10)
    world = await make_world()
    proven, listed = await world.student(), await world.student()
    await world.lists(world.named, proven, evidence=DOCUMENT)
    await world.lists(world.named, listed)
    await closed_into(world.named, world.other)
    lines = [line(proven, evidence=DOCUMENT), line(listed, evidence=DOCUMENT)]
    found = await receiving.list_many(world.other.id, lines, by=world.clerk)
    assert [(one.outcome, one.remarks) for one in found] == [("repeated", []), ("accepted", [])]
    rows = await Enrolment.filter(student_id__in=[proven.id, listed.id])
    assert [(row.school_id, row.state) for row in rows] == [(world.named.id, EnrolmentState.REGISTERED)] * 2


def test_numbers_that_lost_their_digits_are_nobodys_twins() -> None:
    lost = ["3.40826E+17", "3.40826E+17", 3.40826201105051e17, 3.40826201105051e17, "无", "无"]
    rows = [Row(place, {"name": "王伟", "id_number": one}) for place, one in enumerate(lost, 2)]
    assert [row.twin for row in twinned(rows, importing.same_student)] == [None] * len(lost)
