"""What awards and clawbacks wait for, whose turn it is, and for how long: by programme and fund."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from server.awards import rules
from server.awards.payees import unpayable, without_account
from server.funds import papers
from server.funds import service as funds
from server.funds.models import Fund, PaperKind
from server.kernel import clock
from server.kernel.statements import day, identity, moment, returned


class Waits(StrEnum):
    """For what."""

    REVIEW = "review"
    SECOND_CHECK = "second_check"
    PUBLICATION = "publication"
    PUBLICATION_END = "publication_end"
    APPROVAL = "approval"
    OBJECTION = "objection"
    RELEASE = "release"
    PAPERS = "papers"
    """For a paper of its fund, or a fund, without which nothing is approved, put on a statement or sent."""
    APPEAL = "appeal"
    MONEY = "money"
    YEAR_END = "year_end"
    """For a past year of its fund to be closed, which still reserves money: then it is given this year's."""
    PAYEE = "payee"
    """For its payee to be verified again, or carried on by another: nothing is paid to it as it stands."""
    ACCOUNT = "account"
    """For an account of its payee's."""
    STATEMENT = "statement"
    FOLLOW_UP = "follow_up"
    LOCK = "lock"
    STATEMENT_APPROVAL = "statement_approval"
    SENDING = "sending"
    PAYMENT = "payment"
    CLAWBACK_QUESTION = "clawback_question"
    CLAWBACK_APPROVAL = "clawback_approval"
    CLAWBACK_DEMAND = "clawback_demand"
    CLAWBACK_MONEY = "clawback_money"
    CLAWBACK_CONTEST = "clawback_contest"


class Turn(StrEnum):
    """Whose turn it is: a role of the secretariat, somebody outside, or only time has to pass."""

    REVIEWER = "reviewer"
    APPROVER = "approver"
    FINANCE = "finance"
    PAYER = "payer"
    PAYEE = "payee"
    TIME = "time"


TURNS: Mapping[Waits, Turn] = {
    Waits.REVIEW: Turn.REVIEWER,
    Waits.SECOND_CHECK: Turn.REVIEWER,
    Waits.PUBLICATION: Turn.REVIEWER,
    Waits.PUBLICATION_END: Turn.TIME,
    Waits.APPROVAL: Turn.APPROVER,
    Waits.OBJECTION: Turn.REVIEWER,
    Waits.RELEASE: Turn.REVIEWER,
    Waits.PAPERS: Turn.FINANCE,
    Waits.APPEAL: Turn.REVIEWER,
    Waits.MONEY: Turn.FINANCE,
    Waits.YEAR_END: Turn.FINANCE,
    Waits.PAYEE: Turn.REVIEWER,
    Waits.ACCOUNT: Turn.PAYEE,
    Waits.STATEMENT: Turn.FINANCE,
    Waits.FOLLOW_UP: Turn.FINANCE,
    Waits.LOCK: Turn.FINANCE,
    Waits.STATEMENT_APPROVAL: Turn.APPROVER,
    Waits.SENDING: Turn.FINANCE,
    Waits.PAYMENT: Turn.PAYER,
    Waits.CLAWBACK_QUESTION: Turn.REVIEWER,
    Waits.CLAWBACK_APPROVAL: Turn.APPROVER,
    Waits.CLAWBACK_DEMAND: Turn.FINANCE,
    Waits.CLAWBACK_MONEY: Turn.PAYEE,
    Waits.CLAWBACK_CONTEST: Turn.REVIEWER,
}

_OBJECTED = (
    "EXISTS (SELECT 1 FROM objection o WHERE o.state = 'open' AND o.publication_id = a.publication_id "
    "AND (o.award_id = a.id OR (o.award_id IS NULL AND o.payee_id = a.payee_id)))"
)
_WAITING = f"""
WITH approved AS (
  SELECT given.statement_id, count(*) AS approvals FROM statement_approval given WHERE EXISTS (
    SELECT 1 FROM membership m JOIN organisation o ON o.id = m.organisation_id JOIN person p ON p.id = m.person_id
    WHERE m.person_id = given.person_id AND o.kind = 'secretariat' AND m.role = 'approver' AND m.state = 'active'
      AND m.ended_at IS NULL AND p.state = 'active'
  ) GROUP BY given.statement_id
),
unclosed AS (SELECT id, fund_id FROM budget WHERE state = 'open' AND reserved_fen > 0 AND year < $1),
waiting AS (
  SELECT CASE
      WHEN a.state = 'proposed' THEN 'review'
      WHEN a.state = 'reviewed' AND a.second_check = 'waiting' THEN 'second_check'
      WHEN a.state = 'reviewed' THEN 'publication'
      WHEN a.state = 'publicised' THEN 'approval'
      WHEN a.state = 'held' AND {_OBJECTED} THEN 'objection'
      WHEN a.state = 'held' THEN 'release'
      WHEN a.state = 'awaiting_funds' AND a.fund_id IN (SELECT fund_id FROM unclosed) THEN 'year_end'
      WHEN a.state = 'awaiting_funds' THEN 'money'
      WHEN a.state = 'approved' AND a.budget_id IN (SELECT id FROM unclosed) THEN 'year_end'
      WHEN a.state = 'approved' AND a.failure <> '' THEN 'follow_up'
      WHEN a.state = 'approved' THEN 'statement'
      WHEN s.state = 'open' THEN 'lock'
      WHEN s.state = 'locked' THEN 'sending'
      ELSE 'payment'
    END AS waits, a.programme, a.fund_id, a.year, a.amount_fen AS fen, a.state_since AS since,
    CASE WHEN a.state IN ('awaiting_funds', 'approved') OR s.state IN ('open', 'locked') THEN a.payee_id
      END AS payee_id,
    CASE WHEN a.state = 'publicised' THEN p.ends_on END AS ends_on,
    CASE WHEN s.state = 'locked' THEN s.total_fen END AS total_fen,
    CASE WHEN s.state = 'locked' THEN coalesce(approved.approvals, 0) END AS approvals
  FROM award a
  LEFT JOIN publication p ON p.id = a.publication_id
  LEFT JOIN statement s ON s.id = a.statement_id
  LEFT JOIN approved ON approved.statement_id = s.id
  WHERE a.state IN
    ('proposed', 'reviewed', 'publicised', 'held', 'awaiting_funds', 'approved', 'on_statement')
  UNION ALL
  SELECT CASE
      WHEN c.state = 'requested' AND c.requested_by_id IS NULL THEN 'clawback_question'
      WHEN c.state = 'requested' THEN 'clawback_approval'
      WHEN c.state = 'approved' THEN 'clawback_demand'
      ELSE 'clawback_money'
    END, a.programme, a.fund_id, a.year, c.amount_fen - c.recovered_fen - c.offset_fen - c.written_off_fen,
    c.state_since, NULL, NULL, NULL, NULL
  FROM clawback c JOIN award a ON a.id = c.award_id
  WHERE c.state IN ('requested', 'approved', 'demanded', 'partly')
  UNION ALL
  SELECT 'clawback_contest', a.programme, a.fund_id, a.year, c.amount_fen, c.state_since, NULL, NULL, NULL, NULL
  FROM clawback c JOIN award a ON a.id = c.award_id WHERE c.contest = 'open'
  UNION ALL
  SELECT 'appeal', a.programme, a.fund_id, a.year,
    CASE WHEN a.state IN ('refused', 'cancelled') THEN a.amount_fen ELSE 0 END, l.created_at, NULL, NULL, NULL, NULL
  FROM appeal l JOIN award a ON l.subject = 'award:' || CAST(a.id AS text) WHERE l.state = 'open'
)
SELECT waits, programme, fund_id, year, payee_id, ends_on, total_fen, approvals,
  count(*) AS awards, sum(fen) AS fen, min(since) AS since
FROM waiting GROUP BY waits, programme, fund_id, year, payee_id, ends_on, total_fen, approvals
"""  # noqa: S608 -- our own texts


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many awards, and so many fen, that wait for the same; `since` is when the oldest came to."""

    waits: Waits
    programme: str
    fund: Fund | None
    count: int
    fen: int
    since: datetime

    @property
    def turn(self) -> Turn:
        """Whose turn it is."""
        return TURNS[self.waits]


async def waiting() -> list[Waiting]:
    """Return all that waits, those first that have waited for longest; a settled number of statements."""
    rows, known = await returned(_WAITING, clock.today().year), await funds.funds()
    paid_by = [_fund(row, known) for row in rows]
    asked = {(fund.id, int(row["year"])) for row, fund in zip(rows, paid_by, strict=True) if fund}
    payees = {identity(row["payee_id"]) for row in rows if row["payee_id"]}
    lacks = _Lacks(await papers.missing_of(asked), await unpayable(payees), await without_account(payees))
    found = [_waiting(row, fund, lacks) for row, fund in zip(rows, paid_by, strict=True)]
    return sorted(_together(found), key=lambda one: (one.since, one.waits))


@dataclass(frozen=True, slots=True)
class _Lacks:
    """What is missing before money moves: papers by fund and entry year, and who may not be paid, or not yet."""

    papers: Mapping[tuple[UUID, int], Sequence[PaperKind]]
    unpayable: Collection[UUID]
    without_account: Collection[UUID]

    def instead(self, waits: Waits, row: Mapping[str, Any], fund: Fund | None) -> Waits:
        """Return what an award waits for first, before what its state says."""
        if waits in _PAPERED and (fund is None or self.papers[fund.id, int(row["year"])]):
            return Waits.PAPERS
        payee_id = row["payee_id"] and identity(row["payee_id"])
        if waits in _STOOD and payee_id in self.unpayable:
            return Waits.PAYEE
        return Waits.ACCOUNT if waits in _ACCOUNTED and payee_id in self.without_account else waits


_PAPERED = frozenset({
    Waits.APPROVAL, Waits.MONEY, Waits.STATEMENT, Waits.FOLLOW_UP, Waits.LOCK, Waits.STATEMENT_APPROVAL, Waits.SENDING
})  # fmt: skip
_STOOD = frozenset({Waits.MONEY, Waits.STATEMENT, Waits.FOLLOW_UP})
_ACCOUNTED = frozenset({Waits.STATEMENT, Waits.FOLLOW_UP, Waits.LOCK})


def _together(found: Sequence[Waiting]) -> Iterator[Waiting]:
    groups: dict[tuple[Waits, str, Any], list[Waiting]] = {}
    for one in found:
        groups.setdefault((one.waits, one.programme, one.fund.id if one.fund else None), []).append(one)
    for same in groups.values():
        count, fen = sum(one.count for one in same), sum(one.fen for one in same)
        first = same[0]
        yield Waiting(first.waits, first.programme, first.fund, count, fen, min(one.since for one in same))


def _fund(row: Mapping[str, Any], known: Sequence[Fund]) -> Fund | None:
    """Return the fund that is named or, where none is yet, the one that pays the programme."""
    fund_id = identity(row["fund_id"]) if row["fund_id"] else None
    return next(
        (one for one in known if one.id == fund_id or (not fund_id and row["programme"] in one.programmes)), None
    )


def _waiting(row: Mapping[str, Any], fund: Fund | None, lacks: _Lacks) -> Waiting:
    waits = lacks.instead(_waits(row), row, fund)
    return Waiting(waits, row["programme"], fund, int(row["awards"]), int(row["fen"]), moment(row["since"]))


def _waits(row: Mapping[str, Any]) -> Waits:
    """Return for what some awards wait, by what no statement knows: today's date, and how many must approve."""
    waits = Waits(row["waits"])
    if waits is Waits.APPROVAL and row["ends_on"] and day(row["ends_on"]) >= clock.today():
        return Waits.PUBLICATION_END
    if waits is Waits.SENDING and row["approvals"] < rules.in_force().approvals.needed(int(row["total_fen"])):
        return Waits.STATEMENT_APPROVAL
    return waits
