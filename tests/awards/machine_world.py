"""What the state machine of awards moves in: who there is, what each may try, and how the world goes on properly."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from server.access.rules import Caller, Post
from server.appeals import service as appeals
from server.appeals.models import Appeal, AppealState
from server.awards import (
    clawbacks,
    closing,
    contesting,
    life,
    objections,
    proposing,
    publications,
    queue,
    rules,
    samples,
    states,
    undoing,
)
from server.awards.models import Award, AwardState, Clawback, ClawbackState, Objection, ObjectionState, RunKind
from server.awards.objections import Word
from server.awards.proposing import Wanted
from server.funds import budgets
from server.funds.budgets import ByHand
from server.funds.models import EntryKind, Fund, FundPaper, PaperKind
from server.imports.stored import Row
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.money import yuan_text
from server.kernel.transactions import transaction
from server.organisations import payee_accounts
from server.organisations.models import AccountBasis, Membership, Organisation, PayeeAccount
from server.organisations.payee_accounts import Named, Verdict
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import SECRETARIAT_ID, secretariat
from server.people.service import Decider
from server.referrals import following
from server.referrals.models import Referral, ReferralState
from server.statements import columns, locking, opening, results, sending, settling
from server.statements.models import Statement, StatementRow, StatementState
from server.statements.settling import Returned
from server.statements.states import TABLE, Verb
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


REVIEW, APPROVE, PAY = (Role.REVIEWER,), (Role.APPROVER,), (Role.FINANCE,)
BOTH = REVIEW + APPROVE
AwardDeed = tuple[tuple[Role, ...], Callable[[Award, Decider], Awaitable[Any]]]


def _decides(verb: RunKind, *roles: Role) -> AwardDeed:
    return roles, lambda one, by: life.decide_one(one.id, verb, by)


def _looks_again(one: Award, by: Decider) -> Awaitable[Any]:
    return samples.check(one.id, samples.Verdict.FAIL if one.id.int % 3 == 0 else samples.Verdict.PASS, by)


def _objects_to_all(one: Award, by: Decider) -> Awaitable[Any]:
    return objections.to_school(one.publication_id or one.id, one.payee_id, Word(by.person_id, WHY))


AWARD_DEEDS: Mapping[str, AwardDeed] = {
    "review": _decides(RunKind.REVIEW, *REVIEW),
    "approve": _decides(RunKind.APPROVE, *APPROVE),
    "refuse": _decides(RunKind.REFUSE, *BOTH),
    "hold": _decides(RunKind.HOLD, *BOTH, *PAY),
    "release": _decides(RunKind.RELEASE, *BOTH),
    "cancel": _decides(RunKind.CANCEL, *BOTH),
    "undo": (BOTH, lambda one, by: undoing.undo(one.id, by)),
    "object": ((), lambda one, by: objections.to_award(one.id, Word(by.person_id, WHY))),
    "object to all": ((), _objects_to_all),
    "look again": (BOTH, _looks_again),
    "claim back": (REVIEW + PAY, lambda one, by: clawbacks.request(one.id, None, by)),
    "approve clawback": (APPROVE, lambda one, by: clawbacks.approve(one.id, by)),
    "demand": (PAY, lambda one, by: clawbacks.demand(one.id, by)),
    "recover": (PAY, lambda one, by: clawbacks.recover(one.id, FEN // 5, by)),
    "write off": (APPROVE, lambda one, by: clawbacks.write_off(one.id, by)),
    "drop": (BOTH, lambda one, by: clawbacks.drop(one.id, by)),
    "contest": ((), lambda one, by: contesting.contest(one.id, WHY, by.person_id)),
    "lift": (BOTH, lambda one, by: contesting.decide(one.id, contesting.Verdict.LIFTED, by)),
    "let stand": (BOTH, lambda one, by: contesting.decide(one.id, contesting.Verdict.STANDS, by)),
}

STATEMENT_DEEDS: Mapping[str, tuple[Role, Callable[[Statement, Decider], Awaitable[Any]]]] = {
    "lock": (Role.FINANCE, lambda one, by: locking.lock(one.id, by.person_id)),
    "approve": (Role.APPROVER, lambda one, by: sending.approve(one.id, by)),
    "send": (Role.FINANCE, lambda one, by: sending.send(one.id, by.person_id)),
    "void": (Role.FINANCE, lambda one, by: sending.void(one.id, by)),
    "return": (Role.FINANCE, lambda one, by: sending.take_back(one.id, by)),
    "settle": (Role.FINANCE, lambda one, by: settle(one, by.person_id, ())),
    "settle with failures": (Role.FINANCE, lambda one, by: settle(one, by.person_id, (1, 3))),
    "settle the first": (Role.FINANCE, lambda one, by: settle(one, by.person_id, (), only=1)),
    "bank return": (Role.FINANCE, lambda one, by: settling.bank_return(one.id, Returned(number=1), by)),
    "second bank return": (Role.FINANCE, lambda one, by: settling.bank_return(one.id, Returned(number=2), by)),
}


PAID_DEEDS = {
    None: ("claim back",),
    ClawbackState.REQUESTED: ("claim back", "approve clawback", "approve clawback", "drop"),
    ClawbackState.APPROVED: ("demand", "demand", "drop"),
    ClawbackState.DEMANDED: ("recover", "recover", "write off", "contest", "lift", "let stand", "drop"),
    ClawbackState.PARTLY: ("recover", "write off", "contest", "lift", "let stand"),
}
"""What may be done about a paid award, by how its clawback stands."""


def fitting(one: Award, clawback: Clawback | None) -> list[str]:
    """What may be done about an award where it stands, what ends it seldom."""
    if one.state is AwardState.PAID:
        return [*PAID_DEEDS.get(clawback.state if clawback else None, ("contest", "lift", "claim back"))]
    names = [verb.value for verb, rule in states.TABLE.items() if one.state in rule.states]
    names = [name for name in names if name not in ENDS or one.id.int % 3 == 0]
    names += ["object", "object to all"] if one.state is AwardState.PUBLICISED else []
    names += ["look again"] * 2 if one.state is AwardState.REVIEWED else []
    return [*names, "undo"]


ENDS = ("refuse", "cancel")
STATEMENT_VERBS = {
    "settle with failures": Verb.SETTLE,
    "settle the first": Verb.SETTLE,
    "bank return": Verb.BANK_RETURN,
    "second bank return": Verb.BANK_RETURN,
}


def treatments(one: Statement) -> list[str]:
    """What may be done with a statement where it stands."""
    verbs = {name: STATEMENT_VERBS.get(name) or Verb(name) for name in STATEMENT_DEEDS}
    return [name for name, verb in verbs.items() if one.state in TABLE[verb]] or ["void"]


PROPER = {
    StatementState.OPEN: ("lock", "approve", "send", "settle"),
    StatementState.LOCKED: ("approve", "send", "settle"),
    StatementState.SENT: ("settle",),
    StatementState.PART_SETTLED: ("settle",),
}
"""What comes next."""


async def settle(one: Statement, by: UUID, failing: Sequence[int], only: int = 0) -> None:
    """Hand in what the payer says of a statement: of all rows, or of the first `only`."""
    rows = await StatementRow.filter(statement_id=one.id).order_by("number")
    account_id = (await Statement.get(id=one.id)).account_id
    account = await PayeeAccount.get_or_none(id=account_id) if account_id else None
    number = payee_accounts.number_of(account) if account else None
    if not rows or account is None or number is None:
        return
    common = {columns.NUMBER: one.number, columns.HOLDER: account.holder, columns.BANK: account.bank}
    said = []
    for row in rows[: only or len(rows)]:
        failed = row.number in failing and row.amount_fen > 0
        values = {
            columns.ACCOUNT: number.reveal(),
            columns.ROW: str(row.number),
            columns.AMOUNT: yuan_text(row.amount_fen),
            columns.OUTCOME: "失败" if failed else "已支付",
            columns.REASON: "账户名称不符" if failed else "",
        }
        said.append(Row(row.number + 1, common | values))
    await results.take_in(one.id, said, by)


async def pay_all(world: World, step: int) -> None:
    """Go on with the last statement of each school, or a new one, by so many steps, as those do whose work it is."""
    finance, approver = [Decider(world.proper(role), WHY) for role in (Role.FINANCE, Role.APPROVER)]
    for school in world.schools:
        with suppress(DomainError):
            waiting = Statement.filter(payee_id=school.id, fund_id=world.fund.id, state__in=list(PROPER)).order_by(
                "-id"
            )
            wanted = opening.Wanted(school.id, world.fund.id)
            one = await waiting.first() or await opening.open_statement(wanted, finance.person_id)
            for name in PROPER[one.state][:step]:
                with suppress(DomainError):
                    await STATEMENT_DEEDS[name][1](one, approver if name == "approve" else finance)


async def go_on(world: World, by: UUID | None = None) -> None:
    """Do with all awards what comes next."""
    awards = await Award.filter(payee_id__in=[one.id for one in world.schools])
    states = {one.state for one in awards}
    reviewer, approver = world.proper(Role.REVIEWER), world.proper(Role.APPROVER)
    if not awards:
        await propose(world.years[0], reviewer)
    elif AwardState.PROPOSED in states:
        await life.decide([one.id for one in awards], RunKind.REVIEW, Decider(by or reviewer, WHY))
    elif AwardState.REVIEWED in states:
        await publications.publish(awards[0].year, PROGRAMME, reviewer)
        clock.move_to(clock.now() + timedelta(days=rules.in_force().publication.days))
    elif AwardState.PUBLICISED in states:
        await life.decide([one.id for one in awards], RunKind.APPROVE, Decider(by or approver, WHY))
    else:
        await asyncio.sleep(0)


async def decide_objection(verdict: objections.Verdict, place: int, by: UUID, world: World) -> None:
    payees = [one.id for one in world.schools]
    waiting = await Objection.filter(state=ObjectionState.OPEN, payee_id__in=payees).order_by("id")
    if waiting:
        await objections.decide(waiting[place % len(waiting)].id, verdict, Decider(by, WHY))


async def appeal(one: Award, world: World, by: UUID) -> None:
    """The school appeals, or somebody decides what it appealed."""
    waiting = await Appeal.filter(subject=f"award:{one.id}", state=AppealState.OPEN).first()
    if waiting:
        post = Post(SECRETARIAT_ID, Kind.SECRETARIAT, world.roles.get(by, Role.REVIEWER))
        await appeals.judge(waiting.id, appeals.Verdict.OVERTURN, Caller(by, new_id(), (post,)), WHY)
        return
    place = [school.id for school in world.schools].index(one.payee_id)
    post = Post(one.payee_id, Kind.FEEDER_SCHOOL, Role.MANAGER)
    await appeals.appeal(f"award:{one.id}", WHY, Caller(world.managers[place], new_id(), (post,)))
