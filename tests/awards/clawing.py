"""A paid award, and the people who may claim it back."""

from dataclasses import dataclass
from uuid import UUID

from server.awards import clawbacks, deciders
from server.awards.models import Award, AwardState, Clawback, Part
from server.funds.models import Budget, EntryKind
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from tests.factories import make_member, make_organisation
from tests.harness.funding import make_award, make_budget, make_fund, move, reserve

FEN = 50_000


@dataclass
class World:
    """One award of a school that was paid from a budget, and a secretariat with two or three in every role."""

    office: Organisation
    school: Organisation
    budget: Budget
    award: Award
    reviewer: UUID
    approver: UUID
    other_approver: UUID
    finance: UUID
    manager: UUID

    def by(self, person_id: UUID, reason: str = "学籍注销") -> Decider:
        return Decider(person_id, reason)

    async def at(self) -> Budget:
        """The budget as it is by now."""
        return await Budget.get(id=self.budget.id)

    async def demanded(self, amount_fen: int | None = None) -> Clawback:
        """Claim the award, or some of it, back, up to the demand."""
        await clawbacks.request(self.award.id, amount_fen, self.by(self.reviewer))
        await clawbacks.approve(self.award.id, self.by(self.approver))
        return await clawbacks.demand(self.award.id, self.by(self.finance))

    async def another(self) -> Award:
        """One more paid award of the same school and budget."""
        return await paid(self.school, self.budget)


async def world() -> World:
    office = await make_organisation(Kind.SECRETARIAT, name="秘书处（示例）")
    school = await make_organisation()
    reviewer, approver, other_approver, finance = [
        (await make_member(office, role)).person_id
        for role in (Role.REVIEWER, Role.APPROVER, Role.APPROVER, Role.FINANCE)
    ]
    manager = (await make_member(school, Role.MANAGER)).person_id
    budget = await make_budget(await make_fund("feeder-referral"), 10 * FEN)
    award = await paid(school, budget)
    return World(office, school, budget, award, reviewer, approver, other_approver, finance, manager)


async def paid(school: Organisation, budget: Budget) -> Award:
    """An award of a school that was paid from a budget."""
    award = await make_award(school)
    await reserve(budget, award)
    await move(budget, EntryKind.COMMIT, award)
    await move(budget, EntryKind.SPEND, award)
    award.state = AwardState.PAID
    await award.save()
    return award


async def decided_before(award: Award, person_id: UUID, part: Part = Part.REVIEW) -> None:
    """Somebody had a part in the award before."""
    await deciders.claim([award.id], person_id, part)
