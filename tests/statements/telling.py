"""One award with everything that can happen to one: proposed, published, paid, received, and claimed back."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from server.awards import clawbacks, contesting, life, publications, rules
from server.awards.contesting import Verdict
from server.awards.models import Award, RunKind
from server.awards.proposing import Wanted
from server.funds.models import Fund
from server.kernel import clock
from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from server.referrals.models import Referral
from server.statements import locking, opening, receipts
from server.statements.models import Receipt, Statement
from tests.factories import make_member
from tests.harness.awarding import PROGRAMME, make_college, make_confirmed, proposed
from tests.statements import paying_world
from tests.statements.paying_world import World

YEAR = 2026
REASON = "材料齐全"


@dataclass
class Told:
    """What the story is about, and who was in it."""

    pays: World
    claim: Referral
    award: Award
    statement: Statement
    reviewer: UUID
    third_approver: UUID

    @property
    def school(self) -> Organisation:
        return self.pays.school

    @property
    def fund(self) -> Fund:
        return self.pays.fund


async def told() -> Told:
    """The whole of it, up to a clawback that was contested, found right, and came back in part."""
    clock.move_to(clock.now() - timedelta(days=30))
    here = await _world()
    claim = await make_confirmed(here.school, await make_college(), YEAR)
    await proposed(Wanted(PROGRAMME, YEAR), here.finance)
    award = await Award.get(referral_id=claim.id)
    reviewer, publisher = here.staff[Role.REVIEWER]
    await life.decide_one(award.id, RunKind.REVIEW, Decider(reviewer, REASON))
    await publications.publish(YEAR, PROGRAMME, publisher)
    clock.move_to(clock.now() + timedelta(days=rules.in_force().publication.days))
    await life.decide_one(award.id, RunKind.APPROVE, Decider(here.other_approver, REASON))
    statement = await here.send(await _locked(here))
    await here.settle(statement)
    await receipts.say(statement.id, Receipt.CONFIRMED, "", here.manager)
    third = (await make_member(await secretariat(), Role.APPROVER)).person_id
    story = Told(here, claim, award, statement, reviewer, third)
    await _claimed_back(story)
    clock.move_to(None)
    return story


async def _claimed_back(story: Told) -> None:
    award_id, here = story.award.id, story.pays
    await clawbacks.request(award_id, 30_000, Decider(story.reviewer, "学生入学后不久退学"))
    await clawbacks.approve(award_id, Decider(story.third_approver, "情况属实"))
    await clawbacks.demand(award_id, Decider(here.finance, "请在三十日内退回"))
    await contesting.contest(award_id, "学生已经复学", here.manager)
    await contesting.decide(award_id, Verdict.STANDS, Decider(here.staff[Role.REVIEWER][1], "学籍显示已注销"))
    await clawbacks.recover(award_id, 10_000, Decider(here.finance, "银行回单"))


async def _world() -> World:
    """A payer's world whose school and fund are those of the rules."""
    here = await paying_world.world(year=YEAR)
    here.school.region = "340802"
    await here.school.save()
    return here


async def _locked(here: World) -> Statement:
    made = await opening.open_statement(opening.Wanted(here.school.id), here.finance)
    return await locking.lock(made.id, here.finance)
