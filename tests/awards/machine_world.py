"""What the state machine of awards moves in: who there is, and what happens there without them."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from server.awards import (
    closing,
    proposing,
    queue,
)
from server.awards.proposing import Wanted
from server.funds import budgets
from server.funds.budgets import ByHand
from server.funds.models import EntryKind, Fund, FundPaper, PaperKind
from server.kernel import clock
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.organisations import payee_accounts
from server.organisations.models import AccountBasis, Membership, Organisation
from server.organisations.payee_accounts import Named, Verdict
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from server.referrals import following
from server.referrals.models import Referral, ReferralState
from server.students.models import Student
from tests.factories import make_member, make_person
from tests.harness.awarding import PROGRAMME, make_college, make_confirmed, make_school, worked_off
from tests.harness.funding import make_fund, make_paper
from tests.harness.referring import make_claim, make_student

FEN, WHY, STUDENTS, ENTERED = 50_000, "说明原因", 6, date(2025, 9, 1)
STAFF = (Role.REVIEWER, Role.REVIEWER, Role.APPROVER, Role.APPROVER, Role.APPROVER, Role.FINANCE, Role.FINANCE)
_years = count(2200, 2)
"""Each world has entry years of its own, so that none meets another's claims."""


@dataclass
class World:
    """Two schools and their students, a fund, and everybody who tries something.

    `roles` are those of the staff by person. `own` says of which school somebody of the staff keeps away: one belongs
    to it as well, another left it.
    """

    schools: list[Organisation]
    students: list[UUID]
    years: tuple[int, int]
    fund: Fund
    roles: dict[UUID, Role]
    own: dict[UUID, UUID]
    managers: list[UUID]
    stranger: UUID

    @property
    def everybody(self) -> list[UUID]:
        return [*self.roles, *self.managers, self.stranger]

    def fit(self, *roles: Role) -> list[UUID]:
        """Those of the staff with one of these roles."""
        return [one for one, role in self.roles.items() if role in roles]

    def proper(self, role: Role, order: int = 0) -> UUID:
        """One of those who keep away from nothing."""
        return [one for one in self.fit(role) if one not in self.own][order]


async def make_world() -> World:
    await Fund.all().update(programmes=[])  # what another world had
    years = (year := next(_years)), year + 1
    office, college = await secretariat(), await make_college()
    schools = [await make_school(), await make_school("340822", name="山坳中学（示例）")]
    managers = [(await make_member(one, Role.MANAGER)).person_id for one in schools]
    fund = await make_fund(PROGRAMME, papers_of=years[0])
    await make_paper(fund, PaperKind.RECOGNITION, year=years[1])
    roles = {(await make_member(office, role)).person_id: role for role in STAFF}
    both, left = await make_member(office, Role.APPROVER), await make_member(office, Role.REVIEWER)
    await make_member(schools[1], Role.CLERK, await both.person)
    gone = await make_member(schools[0], Role.CLERK, await left.person)
    await Membership.filter(id=gone.id).update(ended_at=clock.now())
    students = [await make_student() for _ in range(STUDENTS)]
    enrolled = {"year": ENTERED.year, "entered_on": ENTERED}
    claims = [
        await make_confirmed(schools[place % 2], college, years[0], student=student, enrolled=enrolled)
        for place, student in enumerate(students)
    ]
    again: dict[str, Any] = {"year": years[1], "state": ReferralState.CONFIRMED, "enrolment_id": claims[0].enrolment_id}
    await make_claim(schools[1], students[0], **again)  # another year's, for which there is no second award
    for place, school in enumerate(schools):
        await name_account(school, managers[place], f"62170000{place}2345678904")
    roles |= {both.person_id: Role.APPROVER, left.person_id: Role.REVIEWER}
    own = {both.person_id: schools[1].id, left.person_id: schools[0].id}
    ids = [one.id for one in students]
    return World(schools, ids, years, fund, roles, own, managers, (await make_person()).id)


async def name_account(school: Organisation, manager: UUID, number: str) -> None:
    named = Named(AccountBasis.OWN_ACCOUNT, school.name, "宜城农商银行（示例）", number)
    await payee_accounts.name(school.id, named, by=manager)
    await payee_accounts.confirm(school.id, Verdict(new_id()))


async def propose(year: int, by: UUID) -> None:
    run = await proposing.propose(Wanted(PROGRAMME, year), Decider(by, ""))
    await worked_off(run.id)


async def money(world: World, fen: int, by: UUID) -> None:
    kind = EntryKind.APPROPRIATE if fen > 0 else EntryKind.REDUCE
    await budgets.enter(world.fund.id, clock.today().year, ByHand(kind, abs(fen), by, WHY))


async def serve(world: World) -> None:
    await queue.work({"fund": str(world.fund.id)})


@transaction
async def shake(student_id: UUID, state: ReferralState, *, needs_check: bool) -> None:
    """Let something happen to a student's claims, as whoever changes them does it."""
    await Student.filter(id=student_id).select_for_update()
    await Referral.filter(student_id=student_id).update(state=state, needs_check=needs_check)
    await following.changed([student_id], None)


async def paper(world: World, kind: PaperKind, year: int, *, there: bool) -> None:
    """Take a paper away, by its end, or put it on file again."""
    said = {"fund_id": world.fund.id, "kind": kind, "year": year if kind is PaperKind.RECOGNITION else None}
    await FundPaper.filter(**said, replaced_at=None).update(replaced_at=clock.now())
    values = {} if there else {"valid_to": clock.today() - timedelta(days=1)}
    await make_paper(world.fund, kind, year=said["year"], **values)


async def close(world: World, carry_over_fen: int, by: UUID) -> None:
    open_ = await budgets.of_fund(world.fund.id)
    year = min((one.year for one in open_ if one.closed_at is None), default=clock.today().year)
    await closing.close(world.fund.id, year, carry_over_fen, Decider(by, WHY))
