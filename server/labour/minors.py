"""Work for those under age, and practice as a part of school: what neither may be."""

import re
from collections.abc import Iterator

from server.labour import hours
from server.labour.hours import in_hours
from server.labour.rulebook import Limits
from server.labour.said import Found, Said, internship, sought
from server.labour.wages import week_minutes

WEEK_DAYS = 7
MONTH_DAYS = 31


def for_minors(said: Said, limits: Limits) -> bool:
    """Whether somebody under age offers their hands, or is sought: that is so as long as it is not ruled out."""
    if said.age_min is None:
        return internship(said) or sought(said)
    return said.age_min < limits.of_age


def found(said: Said, limits: Limits) -> Iterator[Found]:
    """Yield what is not for those under age, and what no internship may be."""
    if for_minors(said, limits) and not internship(said):
        yield from _at_night(said, "minor_night")
    if for_minors(said, limits) and said.occupation in limits.hazardous:
        yield Found("occupation", "minor_hazard", {"years": limits.of_age})
    if internship(said):
        yield from _internship(said, limits)


def _at_night(said: Said, code: str) -> Iterator[Found]:
    yield from (Found(one.field, code) for one in hours.by_night(said))


def _internship(said: Said, limits: Limits) -> Iterator[Found]:
    yield Found("kind", "internship_agreement")
    if for_minors(said, limits):
        yield Found("kind", "internship_guardian", {"years": limits.of_age})
    if not sought(said):
        return
    yield from _internship_hours(said, limits)
    yield from _at_night(said, "internship_night")
    if not _insured(said.insurance, limits):
        yield Found("insurance", "internship_insurance")
    most = limits.internship_months
    if said.starts_on and said.ends_on and (said.ends_on - said.starts_on).days > most * MONTH_DAYS:
        yield Found("ends_on", "internship_long", {"months": most})


def _insured(text: str, limits: Limits) -> bool:
    """Whether an insurance is named, and not only to say that there is none."""
    named = re.sub("|".join(limits.uninsured), "", "".join(text.split()))
    return any(word in named for word in limits.insured)


def _internship_hours(said: Said, limits: Limits) -> Iterator[Found]:
    week = week_minutes(said)
    longest, total = max(week.values(), default=0), sum(week.values())
    if longest > limits.normal_day:
        facts = {"hours": in_hours(longest), "most": in_hours(limits.normal_day)}
        yield Found("hours", "internship_day", facts)
    if total > limits.normal_week:
        facts = {"hours": in_hours(total), "most": in_hours(limits.normal_week)}
        yield Found("hours", "internship_week", facts)
    if len(week) == WEEK_DAYS:
        yield Found("hours", "internship_rest")
