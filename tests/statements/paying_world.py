"""A school with approved awards and a confirmed account, a fund with its papers, and a secretariat that pays."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from server.awards import deciders, explaining
from server.awards.models import Award, AwardState, Part
from server.funds.models import Budget, Fund
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.organisations import payee_accounts
from server.organisations.models import AccountBasis, Organisation, PayeeAccount
from server.organisations.payee_accounts import Named, Verdict
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from server.statements import giving, locking, opening, payer_file, results, sending
from server.statements.models import Statement, StatementRow
from tests.factories import make_member, make_organisation
from tests.harness.funding import REWARD_FEN, make_award, make_budget, make_fund, reserve
from tests.statements.filling import filled, read

NUMBER = "6217000012345678904"
OTHER_NUMBER = "6217000099999999"
PAID, FAILED = ("已支付", ""), ("失败", "账户已销户")


@dataclass
class World:
    """One school, one fund, and two of each in the secretariat who have to do with money."""

    school: Organisation
    fund: Fund
    budget: Budget
    account: PayeeAccount
    manager: UUID
    staff: dict[Role, list[UUID]] = field(default_factory=dict)

    @property
    def finance(self) -> UUID:
        return self.staff[Role.FINANCE][0]

    @property
    def other_finance(self) -> UUID:
        return self.staff[Role.FINANCE][1]

    @property
    def approver(self) -> UUID:
        return self.staff[Role.APPROVER][0]

    @property
    def other_approver(self) -> UUID:
        return self.staff[Role.APPROVER][1]

    async def awards(self, count: int, **values: Any) -> list[Award]:
        """Approved awards of the school."""
        made = [await make_award(self.school, **values) for _ in range(count)]
        await reserve(self.budget, *made)
        return made

    async def opened(self, count: int = 3, **wanted: Any) -> Statement:
        """A statement of so many new awards."""
        await self.awards(count)
        return await opening.open_statement(opening.Wanted(self.school.id, **wanted), self.finance)

    async def locked(self, count: int = 3, **wanted: Any) -> Statement:
        return await locking.lock((await self.opened(count, **wanted)).id, self.finance)

    async def sent(self, count: int = 3, **wanted: Any) -> Statement:
        return await self.send(await self.locked(count, **wanted))

    async def send(self, locked: Statement) -> Statement:
        await sending.approve(locked.id, Decider(self.approver, "核对无误"))
        if sending.needed(locked) > 1:
            await sending.approve(locked.id, Decider(self.other_approver, "核对无误"))
        return await sending.send(locked.id, self.finance)

    async def file(self, one: Statement) -> bytes:
        """The payer's file as it is given out."""
        return payer_file.write(await giving.give(one.id, self.finance, "导出：测试"))

    async def settle(self, one: Statement, said: dict[int, tuple[str, str]] | None = None) -> Statement:
        """Hand in the very file that was given out, filled in: of every row that it was paid, but for `said`."""
        rows = [row.number for row in await StatementRow.filter(statement_id=one.id)]
        data = filled(await self.file(one), dict.fromkeys(rows, PAID) | (said or {}))
        return await results.take_in(one.id, await read(data), self.finance)

    async def now(self) -> Budget:
        """The budget as it is by now."""
        return await Budget.get(id=self.budget.id)

    async def money(self) -> tuple[int, int, int]:
        """What is reserved, committed and spent, in awards of the usual size; every fen of it is explained."""
        budget = await self.now()
        assert await explaining.unexplained(budget.id) == []
        return tuple(fen // REWARD_FEN for fen in (budget.reserved_fen, budget.committed_fen, budget.spent_fen))

    async def change_account(self, number: str = OTHER_NUMBER) -> PayeeAccount:
        """Another account comes into force."""
        return await confirmed(self.school, self.manager, number)


async def world(fen: int = 100 * REWARD_FEN, year: int | None = None) -> World:
    office, school = await secretariat(), await make_organisation(name="江畔中学（示例）")
    manager = (await make_member(school, Role.MANAGER)).person_id
    fund = await make_fund("feeder-referral", papers_of=year or clock.today().year)
    roles = (Role.REVIEWER, Role.APPROVER, Role.FINANCE)
    staff = {role: [(await make_member(office, role)).person_id for _ in range(2)] for role in roles}
    account = await confirmed(school, manager, NUMBER)
    return World(school, fund, await make_budget(fund, fen), account, manager, staff)


async def confirmed(school: Organisation, manager: UUID, number: str) -> PayeeAccount:
    named = Named(AccountBasis.OWN_ACCOUNT, "江畔中学（示例）", "宜城农商银行（示例）", number)
    await payee_accounts.name(school.id, named, by=manager)
    return await payee_accounts.confirm(school.id, Verdict(new_id()))


async def states(one: Statement) -> list[AwardState]:
    """The states of the awards on a locked statement, in the order of its rows."""
    rows = await StatementRow.filter(statement_id=one.id, award_id__isnull=False).order_by("number")
    found = {award.id: award.state for award in await Award.filter(id__in=[row.award_id for row in rows])}
    return [found[row.award_id] for row in rows if row.award_id]


async def slug_of(doing: Awaitable[Any]) -> str:
    """What a refusal is called."""
    with pytest.raises(DomainError) as refusal:
        await doing
    return refusal.value.slug


async def had_part(award: Award, person_id: UUID, part: Part) -> None:
    """Somebody had a part in an award before."""
    await deciders.claim([award.id], person_id, part)
