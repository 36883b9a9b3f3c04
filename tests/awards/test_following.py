"""What happens to a claim happens to its award: held before a statement, marked on one, asked about once it is paid."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from server.awards import holding, paying, publications
from server.awards.models import Award, AwardState, Clawback, ClawbackState, Publication, RunKind
from server.enrolments.life import Step
from server.enrolments.models import Enrolment, Level
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.people.service import Decider
from server.referrals import correction, decisions, service, undoing, withdrawal, years
from server.referrals.correction import Right
from server.referrals.models import Referral, ReferralState, ReferralYear, Verdict
from server.students.models import Student
from server.students.sealed import identity
from tests.awards.deciding import BEFORE_STATEMENT, World, acts, now, states, world
from tests.factories import make_member, make_person
from tests.harness import statements
from tests.harness.referring import NAME
from tests.referrals import receiving_world
from tests.referrals.disputing import reviewer
from tests.referrals.receiving_world import DOCUMENT, at, make_world, reconsider
from tests.referrals.registering import BORN, claim
from tests.students.numbers import number_of

pytestmark = pytest.mark.usefixtures("database")

DISPUTED, UNCONFIRMED = "referral_in_dispute", "referral_unconfirmed"
_APPROVED = ("reviewed", "publicised", "approved")


@dataclass
class Sent:
    """A student whom a school sent and whose claim is confirmed, and the world of schools around."""

    schools: receiving_world.World
    student: Student
    claim: Referral
    enrolment: Enrolment

    async def rival(self, school: Organisation | None = None) -> Referral:
        """Another school claims the student, too."""
        said = claim(identity(self.student).number.reveal(), NAME)
        by = (await make_person()).id
        made = await service.register((school or self.schools.rival).id, said, by=by)
        return await Referral.get(id=made.referral_id)

    async def award(self, here: World, **values: Any) -> Award:
        held = {"referral_id": self.claim.id, "student_id": self.student.id, "matter": ""}
        return await here.award(school=self.schools.feeder, **held, **values)

    def by(self) -> Decider:
        return Decider(self.schools.clerk, "登记有误")


@pytest.fixture
async def sent() -> Sent:
    dates = years.default(2026)
    late = dates.autumn.model_copy(update={"closes_on": date(2026, 12, 31)})
    longer = dates.model_copy(update={"autumn": late}).model_dump(mode="json")
    row = {"dates": longer, "changed_at": clock.now()}
    await ReferralYear.update_or_create(row, year=2026)
    at(9, 10)
    schools = await make_world()
    student = await schools.student()
    enrolment = await schools.lists(schools.named, student, evidence=DOCUMENT)
    made = await schools.claims(student)
    at(11, 21)
    await reconsider(student)
    confirmed = await receiving_world.now(made)
    assert confirmed.state is ReferralState.CONFIRMED
    return Sent(schools, student, confirmed, enrolment)


async def doubt(award: Award) -> tuple[str, str]:
    found = await now(award)
    return str(found.state), found.doubt


def heard() -> None:
    """The days for evidence are over."""
    at(12, 20)


@pytest.mark.parametrize("state", BEFORE_STATEMENT)
async def test_a_second_claim_holds_it_wherever_it_is(sent: Sent, state: str) -> None:
    here = await world(0 if state == "awaiting_funds" else 5)
    award = await brought(sent, here, state)
    rival = await sent.rival()
    assert await doubt(award) == ("held", DISPUTED)
    assert (await now(award)).held_from == state
    assert await here.codes(here.approver, RunKind.RELEASE, award) == ["award_in_doubt"]
    heard()
    await decisions.decide(sent.claim.id, Verdict.UPHOLD, await reviewer())
    assert await doubt(award) == ("held", ""), "nothing goes on by itself"
    assert (await Referral.get(id=rival.id)).state is ReferralState.REJECTED
    assert await here.codes(here.reviewer_2, RunKind.RELEASE, award) == [None]
    assert await states(award) == [state]
    assert await here.explained()


async def brought(sent: Sent, here: World, state: str) -> Award:
    """An award that came to a state as they do; the clock stays on the day after the census."""
    award = await sent.award(here)
    if state != "proposed":
        await here.says(here.reviewer, RunKind.REVIEW, award)
    if state not in {"proposed", "reviewed"}:
        [made] = await publications.publish(here.year, here.programme, here.reviewer)
        if state != "publicised":
            made.ends_on = date(2026, 11, 20)
            await made.save()
            assert await here.codes(here.approver, RunKind.APPROVE, award) == [None]
    assert await states(award) == [state]
    return award


async def test_on_a_statement_it_is_marked_and_stays(sent: Sent) -> None:
    here = await world()
    award = await sent.award(here, state=AwardState.ON_STATEMENT)
    await sent.rival()
    assert await doubt(award) == ("on_statement", DISPUTED)
    heard()
    await decisions.decide(sent.claim.id, Verdict.UPHOLD, await reviewer())
    assert await doubt(award) == ("on_statement", "")
    assert await acts(award) == ["doubted", "cleared"]


async def test_once_paid_it_is_asked_whether_it_is_claimed_back(sent: Sent) -> None:
    here = await world()
    award = await sent.award(here, state=AwardState.PAID)
    await sent.rival()
    assert await doubt(award) == ("paid", DISPUTED)
    [question] = await Clawback.filter(award_id=award.id)
    assert (question.state, question.reason, question.requested_by_id) == (ClawbackState.REQUESTED, DISPUTED, None)
    await sent.rival((await make_world()).feeder)
    assert await Clawback.filter(award_id=award.id).count() == 1


async def test_what_comes_up_anew_is_asked_anew(sent: Sent) -> None:
    here = await world()
    award = await sent.award(here, state=AwardState.PAID)
    rival = await sent.rival()
    await Clawback.filter(award_id=award.id).update(state=ClawbackState.DROPPED)
    heard()
    await decisions.decide(rival.id, Verdict.UPHOLD, await reviewer())
    assert await doubt(award) == ("paid", UNCONFIRMED)
    asked = await Clawback.filter(award_id=award.id).order_by("created_at", "id")
    assert [one.reason for one in asked] == [DISPUTED, UNCONFIRMED]


async def test_rules_asked_with_something_else_have_to_be_asked_again(sent: Sent) -> None:
    """The level decides whether there is a reward: an award does not outlive a mistake in it."""
    here = await world()
    facts = {"level": "secondary", "receiver_in_group": True, "sent_by_school": True}
    common = {"programme": "feeder-referral", "facts": facts, "entered_on": sent.enrolment.entered_on}
    award = await sent.award(here, **common)
    await reconsider(sent.student)
    assert await doubt(award) == ("proposed", "")
    await Enrolment.filter(id=sent.enrolment.id).update(level=Level.HIGHER)
    await reconsider(sent.student)
    assert await doubt(award) == ("held", "referral_changed")
    await Enrolment.filter(id=sent.enrolment.id).update(level=Level.SECONDARY)
    await reconsider(sent.student)
    assert await doubt(award) == ("held", "")


async def test_many_cost_as_many_statements_as_one(sent: Sent) -> None:
    here = await world()
    counts = []
    for many in (1, 8):
        for _ in range(many):
            await sent.award(here, exception_reason="另有约定", programme=f"p-{new_id().hex[-12:]}")
        school = (await make_world()).feeder
        with statements.sent() as seen:
            await sent.rival(school)
        counts.append(len(seen))
    assert counts[0] == counts[1]


async def test_the_one_who_loses_is_in_doubt_for_good(sent: Sent) -> None:
    here = await world()
    award = await sent.award(here)
    rival = await sent.rival()
    heard()
    await decisions.decide(rival.id, Verdict.UPHOLD, await reviewer())
    assert await doubt(award) == ("held", UNCONFIRMED)
    assert await here.codes(here.reviewer, RunKind.REFUSE, award) == [None]
    await undoing.undo(rival.id, await reviewer())
    assert await doubt(award) == ("refused", UNCONFIRMED), "what is over is left alone"
    assert await here.undoes(here.reviewer, award) == "held"
    assert await doubt(award) == ("held", DISPUTED)


async def test_a_rival_that_withdraws_leaves_it_to_be_looked_at(sent: Sent) -> None:
    here = await world()
    award = await sent.award(here)
    rival = await sent.rival()
    await withdrawal.withdraw(rival.id, sent.by())
    assert await doubt(award) == ("held", "referral_to_check")
    heard()
    await decisions.decide(sent.claim.id, Verdict.UPHOLD, await reviewer())
    assert await doubt(award) == ("held", "")
    await undoing.undo(sent.claim.id, await reviewer())
    assert await doubt(award) == ("held", "referral_to_check")


async def test_its_own_school_takes_the_claim_back(sent: Sent) -> None:
    here = await world()
    award = await sent.award(here)
    await withdrawal.withdraw(sent.claim.id, sent.by())
    assert await doubt(award) == ("held", UNCONFIRMED)
    assert await here.codes(here.reviewer, RunKind.RELEASE, award) == ["award_in_doubt"]


async def test_a_claim_that_becomes_another_students(sent: Sent) -> None:
    here = await world()
    award = await sent.award(here)
    right = Right(claim(number_of(BORN)).number)
    await correction.correct(sent.claim.id, right, await clerk_of(sent))
    assert await doubt(award) == ("held", "referral_moved")


async def clerk_of(sent: Sent) -> Decider:
    return Decider((await make_member(sent.schools.feeder, Role.CLERK)).person_id, "身份证号录错一位")


async def test_a_student_who_was_gone_on_the_day(sent: Sent) -> None:
    here = await world()
    award = await sent.award(here)
    await sent.schools.says(sent.enrolment, Step.WITHDRAW, date(2026, 11, 1), "已转走")
    assert await doubt(award) == ("held", UNCONFIRMED)
    entry = await AuditEntry.filter(subject=f"award:{award.id}").first()
    assert entry
    assert (entry.action, entry.fields, entry.actor_id) == ("award.held", [UNCONFIRMED], sent.schools.clerk)


@pytest.mark.parametrize(
    ("what", "on", "left"),
    [
        (Step.VOID, None, UNCONFIRMED),
        (Step.WITHDRAW, date(2026, 11, 1), UNCONFIRMED),
        (Step.WITHDRAW, date(2026, 12, 1), ""),
    ],
)
async def test_the_day_of_the_census_counts_also_once_the_year_is_over(
    sent: Sent, what: Step, on: date | None, left: str
) -> None:
    here = await world()
    paid = await sent.award(here, state=AwardState.PAID)
    another = await sent.award(here, programme=f"p-{new_id().hex[-12:]}", exception_reason="另有约定")
    at(10, 10, 2027)
    await sent.schools.says(sent.enrolment, what, on, "从未到校")
    assert (await Referral.get(id=sent.claim.id)).state is ReferralState.CONFIRMED
    assert await doubt(paid) == ("paid", left)
    assert await doubt(another) == ("held" if left else "proposed", left)
    assert await Clawback.filter(award_id=paid.id).count() == bool(left)


async def test_who_went_on_within_the_group_before_the_census_was_there(sent: Sent) -> None:
    here = await world()
    award = await sent.award(here, state=AwardState.PAID)
    at(10, 10, 2027)
    await sent.schools.transfers(sent.enrolment, sent.schools.other, date(2026, 11, 1))
    found = await Enrolment.filter(student_id=sent.student.id).order_by("-id").first()
    assert found
    assert await doubt(award) == ("paid", UNCONFIRMED), "not registered there on that day, as far as is known"


async def test_what_is_taken_up_again_waits_for_what_happens_to_its_claim(sent: Sent) -> None:
    here = await world()
    award = await brought(sent, here, "approved")
    assert await here.codes(here.approver, RunKind.CANCEL, award) == [None]
    withdrawn, undone = asyncio.Event(), asyncio.Event()

    @transaction
    async def withdraw() -> None:
        await withdrawal.withdraw(sent.claim.id, sent.by())
        withdrawn.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(undone.wait(), 0.3)

    async def undo() -> None:
        await withdrawn.wait()
        await here.undoes(here.approver, award)
        undone.set()

    await asyncio.gather(withdraw(), undo())
    assert await doubt(award) == ("held", UNCONFIRMED)
    assert (await now(award)).held_from == "approved"
    assert await acts(award) == [*_APPROVED, "cancelled", "undone", "held"]


async def test_what_a_doubt_held_comes_back_to_where_it_was(sent: Sent) -> None:
    """Held by a doubt when its statement came to nothing, then cancelled and uncancelled."""
    here = await world()
    award = await brought(sent, here, "approved")
    await on_and_off(award, here)
    assert await doubt(award) == ("approved", "")
    await paid_on(award, here)
    await sent.rival()
    assert await doubt(award) == ("on_statement", DISPUTED)
    await off(award, here)
    assert (await doubt(award), (await now(award)).held_from) == (("held", DISPUTED), "approved")
    assert await here.codes(here.approver, RunKind.CANCEL, award) == [None]
    assert await here.undoes(here.approver, award) == "held"
    assert (await now(award)).held_from == "awaiting_funds"
    assert await here.explained()


@transaction
async def paid_on(award: Award, here: World) -> None:
    await paying.take(await holding.hold_all([award.id]), new_id(), here.finance)


@transaction
async def off(award: Award, here: World) -> None:
    await paying.take_off(await holding.hold_all([award.id]), here.finance, "收款账户有变")


async def on_and_off(award: Award, here: World) -> None:
    await paid_on(award, here)
    await off(award, here)


async def test_what_was_never_sound_is_not_decided(sent: Sent) -> None:
    here = await world()
    await sent.rival()
    award = await sent.award(here)
    assert await here.codes(here.reviewer, RunKind.REVIEW, award) == ["award_in_doubt"]
    assert await here.codes(here.reviewer, RunKind.REFUSE, award) == [None]


async def test_a_claim_and_an_approval_at_the_same_moment(sent: Sent) -> None:
    here = await world()
    award = await brought(sent, here, "publicised")
    await Publication.filter(id=(await now(award)).publication_id).update(ends_on=date(2026, 11, 20))
    tries = [here.codes(here.approver, RunKind.APPROVE, award) for _ in range(3)]
    await asyncio.gather(*tries, sent.rival(), return_exceptions=True)
    found = await now(award)
    assert (found.state, found.doubt) == (AwardState.HELD, DISPUTED)
    assert await here.explained()


async def test_looking_costs_one_statement_where_nothing_follows(sent: Sent) -> None:
    with statements.sent() as without:
        await reconsider(sent.student)
    asked = [one for one in without if "FROM award" in one]
    assert len(asked) == 1
