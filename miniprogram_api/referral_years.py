"""The entry years: when schools register, when the census looks, when a year is over."""

from typing import Annotated, Self

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.auth import Access
from miniprogram_api.people import Reason, decider
from miniprogram_api.reading import Body, Day
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView
from miniprogram_api.web import Face, allow, answer, answers, body, if_match
from server.organisations.roles import Role
from server.referrals import years
from server.referrals.years import Calendar, IntakeDates, Year

referral_years = Face("referral_years", url_prefix="/referral-years")


class Intakes(Body):
    """The days of one intake, each itself included.

    Schools register from `opens_on` to `closes_on`, students enter on `enters_on`, the census looks at `census_on`, and
    a referral without an enrolment by `match_by` lapses.
    """

    opens_on: Day
    closes_on: Day
    enters_on: Day
    census_on: Day
    match_by: Day


class Dates(Reason):
    """The dates of an entry year, and why they are set so; after `ends_on` nothing changes but by decision."""

    autumn: Intakes
    spring: Intakes
    ends_on: Day

    def calendar(self) -> Calendar:
        """Return them as the service takes them."""
        autumn, spring = IntakeDates(**dict(self.autumn)), IntakeDates(**dict(self.spring))
        return Calendar(autumn=autumn, spring=spring, ends_on=self.ends_on)


class YearView(Body):
    """An entry year; `version` counts how often its dates were set and is the ETag: 0 where they are the usual ones."""

    year: Annotated[int, Field(examples=[2026])]
    autumn: Intakes
    spring: Intakes
    ends_on: Day
    version: int

    @classmethod
    def of(cls, found: Year) -> Self:
        """Return the view of a year."""
        dates = found.calendar
        autumn, spring = Intakes(**dict(dates.autumn)), Intakes(**dict(dates.spring))
        return cls(year=found.year, autumn=autumn, spring=spring, ends_on=dates.ends_on, version=found.version)


@referral_years.get("/")
@allow(Access.SIGNED_IN)
@answers(200, ListView[YearView])
async def index(_request: Request) -> HTTPResponse:
    """List the years around today and all whose dates were set, the newest first."""
    items = tuple(YearView.of(year) for year in await years.listed())
    return answer(ListView[YearView](items=items, next_cursor=None))


@referral_years.get("/<year:int>")
@allow(Access.SIGNED_IN)
@answers(200, YearView)
async def year(_request: Request, year: int) -> HTTPResponse:
    """Show the dates of one year."""
    return _shown(await years.dated(year))


@referral_years.put("/<year:int>")
@allow(Role.REVIEWER, Role.ADMIN)
@if_match(required=True)
@body(Dates)
@answers(200, YearView)
async def set_dates(request: Request, year: int, body: Dates, version: int | None) -> HTTPResponse:
    """Set the dates of a year, with a reason."""
    by = decider(request, body)
    return _shown(await years.set_dates(year, body.calendar(), version, by))


def _shown(found: Year) -> FixedResponse:
    return answer(YearView.of(found), version=found.version)
