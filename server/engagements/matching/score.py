"""How well an offer suits a demand, 0 to 100, and why; values in, a judgement out.

Every part has a few levels only, so that among many the best are found soon, the newest first of those alike.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from math import cos, hypot, radians
from typing import Any

from server.engagements.matching.book import Book, Level, Step, Steps
from server.engagements.matching.weeks import by_night, days_between, meeting
from server.kernel.money import yuan_text

METRES_PER_DEGREE = 111_195
FULL, KILOMETRE = 100, 1000
INTERNSHIP = "internship"


@dataclass(frozen=True, slots=True)
class Item:
    """What is read of a posting that is live; of an offer ages are those it names itself.

    `heads` are the places a demand has left, or how many an offer brings. `hours` is JSON as `weeks` takes it. `key` is
    its publication and id as the database has them: of items alike the greater comes first.
    """

    id: str
    demand: bool
    kind: str
    person_id: str
    organisation_id: str | None
    occupation: str | None
    major: str | None
    region: str
    latitude: float | None
    longitude: float | None
    heads: int
    starts_on: date
    ends_on: date | None
    hours: str
    shift: str
    hourly_fen: int | None
    age_min: int | None
    age_max: int | None
    key: tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """Points, and what they are made of: `days` of `all_days` that the work lasts."""

    points: int
    work: Level
    place: Level
    dates: Step
    days: int
    all_days: int
    hours: Step
    pay: Level
    numbers: Step


def judge(demand: Item, supply: Item, book: Book, today: date) -> Judged | None:
    """Return how well an offer suits a demand, None where it does not: other work, no day or hour in common, age."""
    levels = book.levels
    work = related(demand, supply, book)
    if (
        work is None
        or demand.kind != supply.kind
        or min(demand.heads, supply.heads) < 1
        or not _of_age(demand, supply, book)
    ):
        return None
    met = meeting(demand.hours, supply.hours)
    first, last = span(demand, book, today)
    begins, ends = max(first, supply.starts_on), min(last, supply.ends_on or last)
    if not days_between(begins, ends, met.weekdays):
        return None
    days, all_days = (ends - begins).days + 1, (last - first).days + 1
    place = _place(demand, supply, book)
    dates, hours = reached(levels.dates, days * FULL // all_days), reached(levels.hours, met.share)
    numbers = reached(levels.numbers, demand.heads * FULL // supply.heads)
    pay = _pay(demand, supply, book)
    points = work.points + place.points + dates.points + hours.points + pay.points + numbers.points
    return Judged(points, work, place, dates, days, all_days, hours, pay, numbers)


def reasons(demand: Item, supply: Item, judged: Judged, book: Book) -> list[str]:
    """Return in words why an offer suits a demand as it does, what weighs most first."""
    names = book.names
    shared = sorted(groups(demand, book) & groups(supply, book))
    facts: dict[str, Any] = {
        "occupation": names.get(demand.occupation or "", ""),
        "major": "、".join(names[group] for group in shared),
        "region": names.get(demand.region, ""),
        "other": names.get(supply.region, ""),
        "city": names.get(book.cities.get(demand.region, ""), ""),
        "km": f"{(apart(demand, supply) or 0) / KILOMETRE:.1f}".removesuffix(".0"),
        "days": judged.days,
        "all": judged.all_days,
        "offered": yuan_text(demand.hourly_fen or 0),
        "expected": yuan_text(supply.hourly_fen or 0),
        "heads": supply.heads,
        "places": demand.heads,
    }
    told = (judged.work, judged.place, judged.dates, judged.hours, judged.pay, judged.numbers)
    return [level.words.format(**facts) for level in told]


def groups(item: Item, book: Book) -> frozenset[str]:
    """Return the groups of majors that an item's work or studies belong to."""
    return frozenset(one for one in (book.majors.get(item.occupation or ""), item.major) if one)


def related(one: Item, other: Item, book: Book) -> Level | None:
    """Return what two items have in common in their work."""
    said = (one.occupation, one.major, other.occupation, other.major)
    if said not in book.related:
        book.related[said] = _related(one, other, book)
    return book.related[said]


def _related(one: Item, other: Item, book: Book) -> Level | None:
    work = book.levels.work
    if one.occupation and one.occupation == other.occupation:
        return work.same
    if groups(one, book) & groups(other, book):
        return work.related
    if not one.occupation or not other.occupation:
        return work.open
    return work.casual if {one.occupation, other.occupation} <= book.casual else None


def apart(one: Item, other: Item) -> int | None:
    """Return how many metres two items are apart, right to some hundredths, None where a place is unknown."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return None
    east = cos(radians((one.latitude + other.latitude) / 2)) * (one.longitude - other.longitude)
    return round(METRES_PER_DEGREE * hypot(one.latitude - other.latitude, east))


def span(demand: Item, book: Book, today: date) -> tuple[date, date]:
    """Return the first and last day of some work; what is past does not count, nor what is far off an open end."""
    first = max(demand.starts_on, today)
    open_end = min(timedelta(days=book.levels.open_end_days - 1), date.max - first)
    return first, demand.ends_on or first + open_end


def _of_age(demand: Item, supply: Item, book: Book) -> bool:
    youngest, oldest = supply.age_min, supply.age_max
    if youngest is not None:
        minor = youngest < book.of_age
        if minor and (demand.shift != "day" or by_night(demand.hours) or demand.occupation in book.hazardous):
            return False
        if demand.age_min is not None and youngest < demand.age_min:
            return False
    return oldest is None or demand.age_max is None or oldest <= demand.age_max


def _place(demand: Item, supply: Item, book: Book) -> Level:
    place = book.levels.place
    if demand.region == supply.region:
        return place.same
    if demand.kind == INTERNSHIP:
        metres = apart(demand, supply)
        if metres is not None and metres <= book.levels.near_km * KILOMETRE:
            return place.near
    city = book.cities.get(demand.region)
    return place.city if city and city == book.cities.get(supply.region) else place.elsewhere


def _pay(demand: Item, supply: Item, book: Book) -> Level:
    if not demand.hourly_fen or not supply.hourly_fen:
        return book.levels.pay_unsaid
    return reached(book.levels.pay, demand.hourly_fen * FULL // supply.hourly_fen)


def reached(steps: Steps, share: int) -> Step:
    """Return the step that so many per cent are enough for."""
    return next(step for step in steps if share >= step.share)
