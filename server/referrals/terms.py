"""What holds for all the claims of a request or a list, looked up once."""

from datetime import date
from uuid import UUID

from server.enrolments.models import Intake
from server.kernel import clock
from server.kernel.errors import FieldFault, invalid
from server.organisations.group import Period, period_of
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind
from server.referrals import years
from server.referrals.claims import Terms


async def terms(year: int, intake: Intake, *, naming: bool = True) -> Terms:
    """Return the terms of a year and intake; raises DomainError 422 for a year that cannot be.

    The schools that may be named are there where `naming`.
    """
    today = clock.today()
    if not years.possible(year, today):
        between = {"first": years.FIRST_YEAR, "last": today.year + years.YEARS_AHEAD}
        raise invalid(FieldFault("/year", "year_impossible", between))
    calendar = await years.calendar(year)
    enters_on = calendar.of(intake).enters_on
    return Terms(year, intake, enters_on, await schools(enters_on) if naming else {})


async def schools(on: date | None = None) -> dict[str, UUID]:
    """Return the schools that students are sent to, by id and by name; a name that two share names none.

    They are members of the group on the day `on`; unless it is named, today or later.
    """
    verified = Organisation.filter(kind=Kind.VOCATIONAL_SCHOOL, state=OrganisationState.VERIFIED)
    found = await verified.only("id", "name", "member_since", "member_until")
    rows = [row for row in found if _named(period_of(row), on)]
    names = [row.name for row in rows]
    return {str(row.id): row.id for row in rows} | {row.name: row.id for row in rows if names.count(row.name) == 1}


def _named(period: Period, on: date | None) -> bool:
    return period.covers(on) if on else not period.over_on(clock.today())
