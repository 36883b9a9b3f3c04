"""What each may try in the world of the state machine of awards, and how it goes on as it should."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from server.access.rules import Caller, Post
from server.appeals import service as appeals
from server.appeals.models import Appeal, AppealState
from server.awards import (
    clawbacks,
    contesting,
    life,
    mistaken,
    objections,
    publications,
    rules,
    samples,
    states,
    undoing,
)
from server.awards.models import Award, AwardState, Clawback, ClawbackState, Objection, ObjectionState, RunKind
from server.awards.objections import Word
from server.imports.stored import Row
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.money import yuan_text
from server.organisations import payee_accounts
from server.organisations.models import PayeeAccount
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import SECRETARIAT_ID
from server.people.service import Decider
from server.statements import columns, locking, opening, results, sending, settling
from server.statements.models import Statement, StatementRow, StatementState
from server.statements.settling import Returned
from server.statements.states import TABLE, Verb
from server.statements.unreturning import undo_bank_return
from tests.awards.machine_world import FEN, WHY, World, propose
from tests.harness.awarding import PROGRAMME

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
    "undo recovery": (PAY + APPROVE, lambda one, by: mistaken.undo_recovery(one.id, by)),
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
    "undo bank return": (Role.FINANCE, lambda one, by: undo_bank_return(one.id, Returned(number=1), by)),
    "undo second bank return": (Role.APPROVER, lambda one, by: undo_bank_return(one.id, Returned(number=2), by)),
}


PAID_DEEDS = {
    None: ("claim back",),
    ClawbackState.REQUESTED: ("claim back", "approve clawback", "approve clawback", "drop"),
    ClawbackState.APPROVED: ("demand", "demand", "drop"),
    ClawbackState.DEMANDED: ("recover", "recover", "write off", "contest", "lift", "let stand", "drop"),
    ClawbackState.PARTLY: ("recover", "undo recovery", "write off", "contest", "lift", "let stand"),
    ClawbackState.RECOVERED: ("undo recovery", "contest", "lift", "claim back"),
    ClawbackState.WRITTEN_OFF: ("recover", "undo recovery", "contest", "lift"),
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
    "undo bank return": Verb.UNDO_BANK_RETURN,
    "undo second bank return": Verb.UNDO_BANK_RETURN,
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


async def claim_back(world: World, steps: int) -> None:
    """Claim the first paid award back by so many steps, as those do whose work it is."""
    paid = (
        await Award.filter(payee_id__in=[one.id for one in world.schools], state=AwardState.PAID).order_by("id").first()
    )
    reviewer, approver = world.proper(Role.REVIEWER, 0), world.proper(Role.APPROVER, 2)
    people = (reviewer, approver, world.proper(Role.FINANCE), world.proper(Role.FINANCE))
    for name, by in list(zip(("claim back", "approve clawback", "demand", "recover"), people, strict=True))[:steps]:
        if paid:
            await AWARD_DEEDS[name][1](paid, Decider(by, WHY))


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
