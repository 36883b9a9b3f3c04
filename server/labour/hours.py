"""When work is done: possible at all, and no longer than the law allows."""

from collections.abc import Iterator
from itertools import pairwise

from server.labour.rulebook import Limits
from server.labour.said import Found, Hours, Said, sought
from server.labour.wages import MINUTES, week_minutes

DAY, WEEK_DAYS = 24 * MINUTES, 7
WEEK = WEEK_DAYS * DAY
NIGHT_ENDS, NIGHT_BEGINS = 6 * MINUTES, 22 * MINUTES
NAMES = "一二三四五六日"


def found(said: Said, limits: Limits) -> Iterator[Found]:
    """Yield what is impossible about the hours, else what is too long of those that are asked for."""
    impossible = [*_impossible(said), *_never(said)]
    yield from impossible
    if sought(said) and said.kind != "internship" and not impossible:
        yield from _too_long(said, limits)


def by_night(said: Said) -> Iterator[Found]:
    """Yield where work falls in the night, 22:00 to 06:00; the code is for the caller to say."""
    if any(_in_the_night(one) for spans in said.hours.values() for one in spans):
        yield Found("hours", "")
    if said.shift != "day":
        yield Found("shift", "")


def weekday(day: int) -> str:
    """Return what a weekday is called, 1 Monday to 7 Sunday."""
    return f"星期{NAMES[day - 1]}"


def _in_the_night(span: Hours) -> bool:
    begins = _begins(span)
    return begins < NIGHT_ENDS or begins + span.minutes > NIGHT_BEGINS


def _begins(span: Hours) -> int:
    return span.begins.hour * MINUTES + span.begins.minute


def _impossible(said: Said) -> Iterator[Found]:
    for day, minutes in sorted(week_minutes(said).items()):
        if minutes > DAY:
            yield Found("hours", "hours_over_day", {"day": weekday(day), "hours": in_hours(minutes)})
            return
    spans = sorted(
        (start := (day - 1) * DAY + _begins(one), start + one.minutes)
        for day, all_ in said.hours.items()
        for one in all_
    )
    if not spans:
        return
    around = [*spans, (spans[0][0] + WEEK, 0)]
    if early := next((first for first, second in pairwise(around) if second[0] < first[1]), None):
        yield Found("hours", "hours_overlap", {"day": weekday(early[0] // DAY + 1)})


def _never(said: Said) -> Iterator[Found]:
    """Yield where none of the weekdays falls between the first day and the last; others may, as in a usual week."""
    first, last = said.starts_on, said.ends_on
    days = {day for day, spans in said.hours.items() if spans}
    if not (days and first and last) or not 0 <= (last - first).days < WEEK_DAYS - 1:
        return
    fallen = {(first.weekday() + later) % WEEK_DAYS + 1 for later in range((last - first).days + 1)}
    if days.isdisjoint(fallen):
        named = "、".join(weekday(day) for day in sorted(fallen))
        yield Found("hours", "hours_never", {"days": named})


def _too_long(said: Said, limits: Limits) -> Iterator[Found]:
    week = week_minutes(said)
    longest, total = max(week.values(), default=0), sum(week.values())
    facts = {"hours": in_hours(longest), "normal": in_hours(limits.normal_day), "most": in_hours(limits.longest_day)}
    if longest > limits.longest_day:
        yield Found("hours", "hours_too_long", facts)
    elif longest > limits.normal_day:
        yield Found("hours", "overtime_day", facts)
    facts = {"hours": in_hours(total), "normal": in_hours(limits.normal_week), "most": in_hours(limits.longest_week)}
    if total > limits.longest_week:
        yield Found("hours", "overtime_month", facts)
    elif total > limits.normal_week:
        yield Found("hours", "overtime_week", facts)
    if len(week) == WEEK_DAYS and not _within_a_week(said):
        yield Found("hours", "no_rest_day")


def _within_a_week(said: Said) -> bool:
    return bool(said.starts_on and said.ends_on and (said.ends_on - said.starts_on).days < WEEK_DAYS - 1)


def in_hours(minutes: int) -> str:
    """Return minutes as people read hours: `570` -> `9.5`."""
    return f"{minutes / MINUTES:.1f}".removesuffix(".0")
