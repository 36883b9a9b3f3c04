"""A secretariat with two or three in every role, a school, and money for awards, for tests of what is decided."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from server.awards import explaining, holding, life, publications, rules, undoing
from server.awards.life import Decided
from server.awards.models import Award, AwardDecider, Objection, Part, RunKind
from server.funds.models import Budget, Fund
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from tests.factories import make_member, make_organisation
from tests.harness.funding import REWARD_FEN, make_award, make_budget, make_fund

REASON = "材料齐全"
BEFORE_STATEMENT = ("proposed", "reviewed", "publicised", "approved", "awaiting_funds")


@dataclass
class World:
    """`programme` is a programme of this world alone, so that tests of one module do not meet in a queue."""

    office: Organisation
    school: Organisation
    fund: Fund
    budget: Budget | None
    programme: str
    year: int
    reviewer: UUID
    reviewer_2: UUID
    reviewer_3: UUID
    approver: UUID
    approver_2: UUID
    finance: UUID

    async def award(self, **values: Any) -> Award:
        """An award that was proposed."""
        common = {"programme": self.programme, "year": self.year}
        return await make_award(values.pop("school", self.school), **{**common, **values})

    async def awards(self, count: int, **values: Any) -> list[Award]:
        return [await self.award(**values) for _ in range(count)]

    async def says(self, person_id: UUID, verb: RunKind, *awards: Award, version: int | None = None) -> list[Decided]:
        """Decide awards together."""
        return await life.decide([one.id for one in awards], verb, Decider(person_id, REASON), version=version)

    async def codes(self, person_id: UUID, verb: RunKind, *awards: Award) -> list[str | None]:
        """What speaks against each, after all were decided together."""
        return [one.code for one in await self.says(person_id, verb, *awards)]

    async def reviewed(self, count: int = 1, **values: Any) -> list[Award]:
        awards = await self.awards(count, **values)
        assert await self.codes(self.reviewer, RunKind.REVIEW, *awards) == [None] * count
        return awards

    async def publicised(self, count: int = 1, **values: Any) -> list[Award]:
        awards = await self.reviewed(count, **values)
        await publications.publish(self.year, self.programme, self.reviewer)
        return awards

    async def ready(self, count: int = 1, **values: Any) -> list[Award]:
        """Awards whose publication is over; the clock is then past it."""
        awards = await self.publicised(count, **values)
        over()
        return awards

    async def approved(self, count: int = 1, **values: Any) -> list[Award]:
        awards = await self.ready(count, **values)
        assert await self.codes(self.approver, RunKind.APPROVE, *awards) == [None] * count
        return awards

    async def undoes(self, person_id: UUID, award: Award) -> str:
        return str((await undoing.undo(award.id, Decider(person_id, "看错了"))).state)

    async def money(self) -> tuple[int, int]:
        """Awards' worth of money that is to be had, and that is reserved."""
        assert self.budget
        now = await Budget.get(id=self.budget.id)
        return now.available_fen // REWARD_FEN, now.reserved_fen // REWARD_FEN

    async def explained(self) -> bool:
        """Whether every award's money is where its state says."""
        assert self.budget
        return await explaining.unexplained(self.budget.id) == []


async def world(rewards: int | None = 10) -> World:
    """A world whose budget has money for so many awards, or no budget where None."""
    office = await make_organisation(Kind.SECRETARIAT, name="秘书处（示例）")
    order = (Role.REVIEWER, Role.REVIEWER, Role.REVIEWER, Role.APPROVER, Role.APPROVER, Role.FINANCE)
    staff = [(await make_member(office, role)).person_id for role in order]
    programme, year = f"p-{new_id().hex[-20:]}", clock.today().year
    fund = await make_fund(programme, papers_of=year)
    budget = await make_budget(fund, rewards * REWARD_FEN or 1) if rewards is not None else None
    return World(office, await make_organisation(), fund, budget, programme, year, *staff)


def over() -> None:
    """Let the days of a publication that was made today be over."""
    clock.move_to(clock.now() + timedelta(days=rules.in_force().publication.days))


async def now(award: Award) -> Award:
    return await Award.get(id=award.id)


async def states(*awards: Award) -> list[str]:
    return [str((await now(one)).state) for one in awards]


async def acts(award: Award) -> list[str]:
    """What the audit says of an award."""
    entries = await AuditEntry.filter(subject=holding.subject_of(award.id)).order_by("id")
    return [entry.action.removeprefix("award.") for entry in entries]


async def parts(award: Award) -> dict[UUID, Part]:
    return {one.person_id: one.part for one in await AwardDecider.filter(award_id=award.id)}


async def refused(doing: Awaitable[Any]) -> tuple[str, int]:
    """What a refusal says."""
    with pytest.raises(DomainError) as caught:
        await doing
    return caught.value.slug, caught.value.status


async def objections_open(award: Award) -> int:
    return await Objection.filter(publication_id=award.publication_id, state="open").count()
