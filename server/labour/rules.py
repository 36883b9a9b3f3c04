"""What fairness demands of a posting: values in, findings out. The figures and words are content's."""

from collections.abc import Iterator
from datetime import date, timedelta

from server.labour import hours, minors, wages, wording
from server.labour.rulebook import Limits, Rulebook
from server.labour.said import Finding, Found, Said, internship, sought
from server.labour.wages import Hourly

ORDER = {"refuse": 0, "review": 1, "warn": 2}
YEAR_DAYS = 366


def findings(said: Said, book: Rulebook, today: date) -> list[Finding]:
    """Return everything that is to be said of a posting, what must be changed first; what is unsaid is let be."""
    told = (book.finding(one) for one in _found(said, book, today))
    return sorted(told, key=lambda finding: ORDER[finding.level])


def hourly_fen(said: Said, book: Rulebook) -> Hourly | None:
    """Return what the pay comes to in an hour and how that was reckoned, None where it cannot be said."""
    return wages.hourly(said, book)


def _found(said: Said, book: Rulebook, today: date) -> Iterator[Found]:
    limits = book.limits
    yield from _dates(said, limits, today)
    yield from _headcount(said, limits)
    yield from _ages(said, limits)
    yield from hours.found(said, limits)
    yield from wages.found(said, book, today)
    yield from minors.found(said, limits)
    yield from wording.found(said, book.wording, minors=minors.for_minors(said, limits))


def _dates(said: Said, limits: Limits, today: date) -> Iterator[Found]:
    if said.starts_on:
        yield from _start(said.starts_on, limits, today)
    ends = said.ends_on
    if ends and (impossible := _end(ends, said.starts_on, limits, today)):
        yield impossible
        ends = None
    if said.valid_until is None:
        return
    if said.valid_until < today:
        yield Found("valid_until", "valid_past")
    elif said.valid_until > today + timedelta(days=limits.valid_days):
        yield Found("valid_until", "valid_too_long", {"days": limits.valid_days})
    elif ends and said.valid_until > ends:
        yield Found("valid_until", "valid_past_end")


def _start(starts: date, limits: Limits, today: date) -> Iterator[Found]:
    if starts - today > timedelta(days=limits.ahead_days):
        yield Found("starts_on", "starts_far", {"days": limits.ahead_days})
    elif today - starts > timedelta(days=limits.work_years * YEAR_DAYS):
        yield Found("starts_on", "starts_long_ago", {"years": limits.work_years})


def _end(ends: date, starts: date | None, limits: Limits, today: date) -> Found | None:
    if starts and ends < starts:
        return Found("ends_on", "ends_before_start")
    if ends < today:
        return Found("ends_on", "ends_past")
    if ends - (starts or today) > timedelta(days=limits.work_years * YEAR_DAYS):
        return Found("ends_on", "ends_far", {"years": limits.work_years})
    return None


def _headcount(said: Said, limits: Limits) -> Iterator[Found]:
    if said.headcount is None:
        return
    if not 1 <= said.headcount <= limits.headcount_most:
        yield Found("headcount", "headcount_bounds", {"most": limits.headcount_most})
    elif said.supplier == "student" and said.headcount > 1:
        yield Found("headcount", "headcount_student")
    elif said.headcount >= limits.headcount_many:
        yield Found("headcount", "headcount_many")


def _ages(said: Said, limits: Limits) -> Iterator[Found]:
    youngest, oldest = said.age_min, said.age_max
    if youngest is not None and youngest < limits.youngest:
        yield Found("age_min", "age_too_young", {"years": limits.youngest})
    if oldest is None:
        return
    if oldest < max(youngest or 0, limits.youngest):
        yield Found("age_max", "age_turned_round")
    elif oldest > limits.oldest:
        yield Found("age_max", "age_absurd", {"most": limits.oldest})
    elif oldest < limits.young_only and sought(said) and not internship(said):
        yield Found("age_max", "age_narrow")
