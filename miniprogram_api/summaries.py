"""How many claims and enrolments stand how."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api import tables
from miniprogram_api.reading import Body, Query
from miniprogram_api.tables import MEDIA, File, Value
from miniprogram_api.web import Face, allow, answer, answers, query
from miniprogram_api.words import Words
from server.access import exports, owners
from server.access.rules import own
from server.awards.summaries import Amount, Money, of_payee
from server.enrolments.models import EnrolmentState, Intake, Level
from server.imports.models import ImportState
from server.organisations import heirs
from server.organisations.roles import STAFF, Role
from server.referrals import counts
from server.referrals.counts import By, Group
from server.referrals.models import ReferralState

summaries = Face("summaries")
Year = Annotated[int, Field(ge=2000, le=2100)]


class YearQuery(Query):
    """Of which entry year."""

    year: Year


class SummaryQuery(YearQuery):
    """By what claims are counted; `age` counts only those that wait for somebody."""

    by: By = By.STATE
    format: Literal["json", "csv", "xlsx"] = "json"


class ReferralCountsView(Body):
    """How claims stand; `to_check` and `in_dispute` count claims of any state that a reviewer must look at."""

    total: int
    by_state: dict[ReferralState, int]
    by_intake: dict[Intake, int]
    to_check: int
    in_dispute: int

    @classmethod
    def of(cls, group: Group, **more: str | None) -> Self:
        """Return the view of a group."""
        return cls(
            total=group.total,
            by_state={state: group.by_state[state] for state in ReferralState},
            by_intake={intake: group.by_intake[intake] for intake in Intake},
            to_check=group.to_check,
            in_dispute=group.in_dispute,
            **more,
        )


class GroupView(ReferralCountsView):
    """Claims of one kind: of the school, county, intake, state or age that `key` says and `name` calls.

    `key` is null for schools without a region; ages are `week`, `month` and `quarter` (at most so long) and `older`.
    """

    key: str | None
    name: str | None


class SummaryView(Body):
    """All claims of an entry year in groups, the largest first."""

    year: int
    by: By
    items: tuple[GroupView, ...]


class EnrolmentCountsView(Body):
    """How enrolments stand; `matched` are those by which a claim is matched."""

    total: int
    by_state: dict[EnrolmentState, int]
    by_level: dict[Level, int]
    matched: int


class ImportCountsView(Body):
    """How a school's imports stand, and what became of their rows."""

    by_state: dict[ImportState, int]
    rows: dict[str, int]


class AmountView(Body):
    """How many awards, and how many fen together."""

    count: int
    amount_fen: int

    @classmethod
    def of(cls, amount: Amount) -> Self:
        """Return the view of an amount."""
        return cls(count=amount.count, amount_fen=amount.fen)


class AwardSumsView(Body):
    """A payee's awards of an entry year.

    `expected` are estimates, which nobody has approved; `approved` is what was approved and is not paid yet, also what
    waits for money; `paid` is all that was paid, `clawed_back` what of it came back or was kept back.
    """

    expected: AmountView
    approved: AmountView
    paid: AmountView
    clawed_back: AmountView

    @classmethod
    def of(cls, money: Money) -> Self:
        """Return the view of what was counted."""
        return cls(**{name: AmountView.of(getattr(money, name)) for name in cls.model_fields})


class SchoolSummaryView(Body):
    """What a school registered, listed and imported for an entry year, and the money that comes of it."""

    year: int
    referrals: ReferralCountsView
    enrolments: EnrolmentCountsView
    imports: ImportCountsView
    awards: AwardSumsView

    @classmethod
    def of(cls, year: int, found: counts.Summary, money: Money) -> Self:
        """Return the view of what was counted."""
        enrolled, imported = found.enrolments, found.imports
        return cls(
            year=year,
            referrals=ReferralCountsView.of(found.referrals),
            enrolments=EnrolmentCountsView(
                total=sum(enrolled.by_state.values()),
                by_state={state: enrolled.by_state.get(state, 0) for state in EnrolmentState},
                by_level={level: enrolled.by_level.get(level, 0) for level in Level},
                matched=enrolled.matched,
            ),
            imports=ImportCountsView(
                by_state={state: imported.by_state.get(state, 0) for state in ImportState}, rows=dict(imported.rows)
            ),
            awards=AwardSumsView.of(money),
        )


@summaries.get("/organisations/<organisation_id:uuid>/summary")
@allow(own(Role.CLERK), *STAFF, owner=owners.organisation)
@query(YearQuery)
@answers(200, SchoolSummaryView)
async def of_school(_request: Request, organisation_id: UUID, query: YearQuery) -> HTTPResponse:
    """Count what a school registered and listed for an entry year, by how it stands, and sum up its awards.

    With what it carries on, as in its lists.
    """
    whole = await heirs.whole(organisation_id)
    counted, money = await counts.of_school(whole, query.year), await of_payee(whole, query.year)
    return answer(SchoolSummaryView.of(query.year, counted, money))


@summaries.get("/referrals/summary")
@allow(*STAFF)
@query(SummaryQuery)
@answers(200, SummaryView, *MEDIA)
async def over_all(request: Request, query: SummaryQuery) -> HTTPResponse:
    """Count all claims of an entry year by school, county, intake, state or age of waiting."""
    names = _names(request, query.by)
    groups = await counts.over_all(query.year, query.by)
    items = tuple(GroupView.of(one, key=one.key, name=one.name or names.get(one.key or "")) for one in groups)
    if query.format == "json":
        return answer(SummaryView(year=query.year, by=query.by, items=items))
    words: Words = request.app.ctx.words
    who = await exports.taken(request.ctx.caller, "referrals.summary", query.format)
    return await tables.exported(query.format, _file(query, words, who), _lines(items))


def _names(request: Request, by: By) -> Mapping[str, str]:
    words: Words = request.app.ctx.words
    of_counties = request.app.ctx.reference.names_of_regions
    found = {By.COUNTY: of_counties, By.INTAKE: words.intakes, By.STATE: words.states, By.AGE: words.ages}
    return {str(key): name for key, name in found.get(by, {}).items()}


_HEADINGS = {By.SCHOOL: "学校", By.COUNTY: "县区", By.INTAKE: "招生季", By.STATE: "状态", By.AGE: "已等待"}


def _file(query: SummaryQuery, words: Words, who: str) -> File:
    states = [words.states[state] for state in ReferralState]
    intakes = [words.intakes[intake] for intake in Intake]
    headings = [_HEADINGS[query.by], "合计", *states, *intakes, "待核对", "涉及争议"]
    return File(f"{query.year}年度生源输送统计", headings, who)


async def _lines(items: tuple[GroupView, ...]) -> AsyncIterator[list[Sequence[Value]]]:
    figures = [[*one.by_state.values(), *one.by_intake.values(), one.to_check, one.in_dispute] for one in items]
    yield [[one.name or one.key or "未填", one.total, *line] for one, line in zip(items, figures, strict=True)]
