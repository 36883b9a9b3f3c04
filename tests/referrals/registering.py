"""Schools and what they say of the students they send."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from server.enrolments.models import Intake
from server.imports.remarks import Remark
from server.kernel import clock
from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.referrals import claims, rules, years
from server.referrals.claims import Claim, Terms
from server.referrals.models import ReferralYear
from server.referrals.years import IntakeDates
from tests.factories import make_member, make_organisation
from tests.students.numbers import REGIONS, number_of

OPEN = datetime(2026, 9, 10, 2, tzinfo=UTC)
"""A moment at which schools register for the autumn of 2026."""
BORN, ENTERS = date(2011, 5, 5), date(2026, 9, 1)
SCHOOL = UUID(int=7)
TERMS = Terms(2026, Intake.AUTUMN, ENTERS, {"宜城职业学校（示例）": SCHOOL, str(SCHOOL): SCHOOL})
GUARDIAN = {"guardian_name": "何大满", "guardian_phone": "13855500001", "guardian_consent_on": "2026-09-01"}


def read(values: Mapping[str, str | None], today: date | None = None) -> Claim | list[Remark]:
    return claims.read(values, TERMS, REGIONS, rules.in_force(), today or clock.today())


def claim(number: str = "", name: str = "何小满", **values: str | None) -> Claim:
    found = read({"name": name, "id_number": number or number_of(BORN), **values}, date(2026, 9, 10))
    assert isinstance(found, Claim), found
    return found


async def feeder(name: str = "江畔中学（示例）") -> tuple[Organisation, UUID]:
    """A school that sends students, and its clerk."""
    school = await make_organisation(name=name)
    return school, (await make_member(school, Role.CLERK)).person_id


async def opened(year: int = 0) -> int:
    """Let schools register for the autumn of a year today, whatever day it is; return the year."""
    today, day = clock.today(), timedelta(days=1)
    year = year or today.year
    autumn = IntakeDates(
        opens_on=today - day, closes_on=today + 30 * day, enters_on=today, census_on=today + 40 * day,
        match_by=today + 50 * day,
    )  # fmt: skip
    dates = years.default(year).model_copy(update={"autumn": autumn, "ends_on": today + 200 * day})
    row = {"dates": dates.model_dump(mode="json"), "changed_at": clock.now()}
    await ReferralYear.update_or_create(row, year=year)
    return year
