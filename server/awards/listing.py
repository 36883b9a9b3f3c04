"""Which awards there are, each with whom it is for and who is paid, in a settled number of statements."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise.queryset import QuerySet

from server.awards import runs
from server.awards.models import Award, AwardRunRow, AwardState, RunOutcome, SecondCheck
from server.kernel.errors import found
from server.kernel.paging import Page, Sort, page
from server.organisations.models import Organisation
from server.referrals.models import Referral


class Order(StrEnum):
    """In which order."""

    NEWEST = "newest"
    WAITING = "waiting"
    """Those first that have stood as they do for longest."""


SORTS = {Order.NEWEST: Sort("id", parse=UUID), Order.WAITING: Sort("state_since", descending=False)}
"""Ids are made in the order of the rows."""
RELATED = ("payee", "student", "referral", "fund")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which awards; None is any. `school` is the one that is paid."""

    programme: str | None = None
    year: int | None = None
    school: UUID | None = None
    state: AwardState | None = None
    fund: UUID | None = None
    second_check: SecondCheck | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one thing in a run, with its award and its claim where there are such; `payee` is for all."""

    row: AwardRunRow
    award: Award | None
    referral: Referral | None
    payee: Organisation | None
    matter: str = ""


async def awards(
    wanted: Wanted, within: Collection[UUID] | None, order: Order, limit: int, cursor: str | None
) -> Page[Award]:
    """Return a page of awards in one statement; `within` narrows them to those paid to these, None does not."""
    query = Award.all() if within is None else Award.filter(payee_id__in=list(within))
    exact = {
        "programme": wanted.programme,
        "year": wanted.year,
        "payee_id": wanted.school,
        "state": wanted.state,
        "fund_id": wanted.fund,
        "second_check": wanted.second_check,
    }
    said = {name: value for name, value in exact.items() if value is not None}
    return await page(shown(query.filter(**said)), SORTS[order], limit, cursor)


def shown(query: QuerySet[Award]) -> QuerySet[Award]:
    """Let each row come with what it is shown with, in the same statement."""
    return query.select_related(*RELATED)


async def award(award_id: UUID) -> Award:
    """Return an award with what it is shown with; raises DomainError 404."""
    return found(await shown(Award.filter(id=award_id)).first(), "award")


async def rows(
    run_id: UUID, outcome: RunOutcome | None, code: str | None, limit: int, cursor: str | None
) -> Page[Told]:
    """Return a page of what became of the things of a run, in their order; four statements at most."""
    wanted = {"outcome": outcome, "code": code}
    said: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    found_rows = await page(AwardRunRow.filter(run_id=run_id, **said), runs.BY_ID, limit, cursor)
    made = await _awards(found_rows.items)
    cases = {row.id: row.verdict["case"] for row in found_rows.items if row.verdict and "case" in row.verdict}
    claims = await _claims([row for row in found_rows.items if row.id not in cases])
    payees = await _payees({UUID(case["payee"]) for case in cases.values()})
    told = [_told(row, made, claims) or _of_case(row, cases, payees) for row in found_rows.items]
    return Page(told, found_rows.next_cursor)


def _told(row: AwardRunRow, made: Mapping[UUID, Award], claims: Mapping[UUID, Referral]) -> Told | None:
    """Return what became of an award or a claim, None of what is neither."""
    if award := made.get(row.award_id) if row.award_id else None:
        return Told(row, award, award.referral, award.payee, award.matter)
    claim = claims.get(row.subject_id)
    return Told(row, None, claim, claim.school) if claim else None


def _of_case(row: AwardRunRow, cases: Mapping[UUID, Mapping[str, str]], payees: Mapping[UUID, Organisation]) -> Told:
    case = cases.get(row.id)
    return (
        Told(row, None, None, payees.get(UUID(case["payee"])), case["matter"]) if case else Told(row, None, None, None)
    )


async def _payees(ids: Collection[UUID]) -> dict[UUID, Organisation]:
    return {row.id: row for row in await Organisation.filter(id__in=sorted(ids))} if ids else {}


async def _awards(items: Sequence[AwardRunRow]) -> dict[UUID, Award]:
    ids = [row.award_id for row in items if row.award_id]
    return {row.id: row for row in await shown(Award.filter(id__in=ids))} if ids else {}


async def _claims(items: Sequence[AwardRunRow]) -> dict[UUID, Referral]:
    """Return the claims of which nothing came, each with its school."""
    ids = [row.subject_id for row in items if row.award_id is None]
    return {row.id: row for row in await Referral.filter(id__in=ids).select_related("school")} if ids else {}
