"""The whole story of one award: from the claim and the rule to the payment, its receipt, and what came back.

Everything is read from rows that nobody changes: the audit, the ledger, statements as they were locked.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from server.awards import holding as awards
from server.awards import owing, soundness
from server.awards.models import Award, Clawback, Objection
from server.funds.models import FundPaper, LedgerEntry, PaperKind
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import found
from server.organisations import heirs
from server.organisations.models import Membership, MembershipState
from server.organisations.roles import Kind
from server.referrals.models import Referral
from server.statements import holding as statements
from server.statements.models import StatementResult, StatementRow

LOOKS = (".revealed", "_viewed", ".file_given")
"""What the names of acts end with that change nothing."""
INSIDE = ("award.drawn", "award.second_checked", "award.doubted", "award.cleared", "clawback.asked")
"""Acts that the payee is not told of: they are questions of the secretariat's own."""
OF_A_ROW = ("statement.bank_returned", "statement.return_undone")
"""What a statement's history says of one of its rows: that row's award says it itself."""
APPROVED = ("award.approved", "award.awaiting_funds")


class By(StrEnum):
    """In which capacity somebody acted: a role of the secretariat, or from outside it."""

    EDITOR = "editor"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    FINANCE = "finance"
    ADMIN = "admin"
    PAYEE = "payee"
    OTHER = "other"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done."""

    entry: AuditEntry
    by: By


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a locked statement, with account and payer, and what came back for it."""

    row: StatementRow
    results: Sequence[StatementResult]


@dataclass(frozen=True, slots=True)
class Story:
    """All of it. `papers` are those on file when it was approved, or today. `money` is every fen's way."""

    award: Award
    referral: Referral | None
    papers: Sequence[FundPaper]
    objections: Sequence[Objection]
    acts: Sequence[Act]
    lines: Sequence[Line]
    money: Sequence[LedgerEntry]
    clawbacks: Sequence[Clawback]


async def story(award_id: UUID, *, staff: bool) -> Story:
    """Return the story of an award, to its payee without what is not told outside; a settled number of statements.

    Raises DomainError 404.
    """
    award = found(await _award(award_id), "award")
    referral = await _referral(award)
    lines = [line for line in await _lines(award_id) if staff or line.row.statement.sent_at]
    clawbacks = await Clawback.filter(award_id=award_id).select_related("payee", "award__referral").order_by("id")
    shown = [one for one in clawbacks if staff or one.demanded_at]
    objections = await _objections(award)
    subjects = {awards.subject_of(award_id): None, **dict(_subjects(referral, lines, shown, objections, staff=staff))}
    payees = (await heirs.onward([award.payee_id]))[award.payee_id]
    acts = await _acts(subjects, payees, staff=staff)
    money = LedgerEntry.filter(Q(award_id=award_id) | Q(clawback_id__in=[one.id for one in clawbacks]))
    return Story(
        award=award,
        referral=referral,
        papers=await _papers(award, acts),
        objections=objections,
        acts=acts,
        lines=lines,
        money=await money.select_related("budget").order_by("id"),
        clawbacks=shown,
    )


async def _award(award_id: UUID) -> Award | None:
    return await Award.get_or_none(id=award_id).select_related("payee", "student", "fund", "run", "publication")


async def _referral(award: Award) -> Referral | None:
    if award.referral_id is None:
        return None
    return await Referral.get(id=award.referral_id).select_related("school", "student", "enrolment__school")


async def _lines(award_id: UUID) -> list[Line]:
    parts = ("statement__account", "statement__payer", "statement__budget")
    rows = await StatementRow.filter(award_id=award_id).select_related(*parts).order_by("id")
    came = await statements.results_by_row([row.id for row in rows])
    return [Line(row, came[row.id]) for row in rows]


async def _objections(award: Award) -> list[Objection]:
    """Return the objections to an award, and those to all that its publication says of the payee."""
    if award.publication_id is None:
        return []
    whole = Q(award_id=None, payee_id=award.payee_id)
    return await Objection.filter(Q(award_id=award.id) | whole, publication_id=award.publication_id).order_by("id")


def _subjects(
    referral: Referral | None,
    lines: Sequence[Line],
    clawbacks: Sequence[Clawback],
    objections: Sequence[Objection],
    *,
    staff: bool,
) -> Iterator[tuple[str, datetime | None]]:
    """Yield what the acts of a story are about, each with the moment from which on they are told."""
    if referral:
        yield f"referral:{referral.id}", None
        if referral.enrolment_id and staff:
            yield f"enrolment:{referral.enrolment_id}", None
    for line in lines:
        yield statements.subject_of(line.row.statement_id), None if staff else line.row.statement.sent_at
    for clawback in clawbacks:
        yield owing.subject_of(clawback.id), None if staff else clawback.demanded_at
    for objection in objections:
        yield f"objection:{objection.id}", None


async def _acts(subjects: Mapping[str, datetime | None], payees: Collection[UUID], *, staff: bool) -> list[Act]:
    looks = Q(*(Q(action__endswith=look) for look in LOOKS), join_type="OR")
    entries = await AuditEntry.filter(subject__in=list(subjects)).exclude(looks | Q(action__in=OF_A_ROW)).order_by("id")
    told = [one for one in entries if staff or _told(one, subjects[one.subject])]
    posts = await _posts({one.actor_id for one in told if one.actor_id})
    return [Act(one, _by(one, payees, posts)) for one in told]


def _told(entry: AuditEntry, since: datetime | None) -> bool:
    return entry.action not in INSIDE and (since is None or entry.made_at >= since)


async def _posts(people: Collection[UUID]) -> Mapping[UUID, list[Membership]]:
    posts = defaultdict[UUID, list[Membership]](list)
    had = Membership.filter(person_id__in=list(people), state=MembershipState.ACTIVE).select_related("organisation")
    for one in await had.order_by("id") if people else ():
        posts[one.person_id].append(one)
    return posts


def _by(entry: AuditEntry, payees: Collection[UUID], posts: Mapping[UUID, Sequence[Membership]]) -> By:
    """Return as what somebody acted: by what they were at that moment; what follows from a claim no person does."""
    if entry.actor_id is None or not soundness.DOUBTS.isdisjoint(entry.fields):
        return By.SYSTEM
    held = [one for one in posts.get(entry.actor_id, ()) if one.ended_at is None or one.ended_at >= entry.made_at]
    office = next((one for one in held if one.organisation.kind is Kind.SECRETARIAT), None)
    if office:
        return By(office.role)
    return By.PAYEE if any(one.organisation_id in payees for one in held) else By.OTHER


async def _papers(award: Award, acts: Sequence[Act]) -> list[FundPaper]:
    """Return the papers of the fund that stood when the award was approved last, or that stand today."""
    if award.fund_id is None:
        return []
    approved = [act.entry.made_at for act in acts if act.entry.action in APPROVED]
    at: datetime = approved[-1] if approved else clock.now()
    stood = FundPaper.filter(Q(replaced_at=None) | Q(replaced_at__gt=at), fund_id=award.fund_id, put_at__lte=at)
    return [one for one in await _with_payer(stood) if one.kind is not PaperKind.RECOGNITION or one.year == award.year]


async def _with_payer(rows: Any) -> list[FundPaper]:
    return list(await rows.select_related("payer").order_by("put_at", "id"))
