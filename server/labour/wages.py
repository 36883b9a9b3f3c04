"""What pay comes to in an hour, and the least that may be paid: by county and date, and only where it is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from server.kernel.content import Content
from server.kernel.dates import PolicyDate, reached
from server.kernel.money import yuan_text
from server.labour.said import Found, Said, internship, sought

if TYPE_CHECKING:
    from server.labour.rulebook import Limits, Rulebook

Fen = Annotated[int, Field(ge=1)]
MINUTES = 60
WEEKS_OF_YEAR, MONTHS_OF_YEAR = 52, 12


class Notice(Content):
    """The document that sets a minimum wage."""

    title: str
    number: str | None
    issued_on: PolicyDate


class Standard(Content):
    """A minimum wage from a day on: for a month of full-time work, and for an hour of part-time work."""

    effective_from: PolicyDate
    monthly_fen: Fen
    hourly_fen: Fen
    notice: Notice


class Place(Content):
    """A county with the standards of which the notice is known, the oldest first."""

    region: str
    name: str
    standards: tuple[Standard, ...] = ()


class MinimumWages(Content):
    """`content/labour/minimum-wages.yaml`."""

    source: str
    note: str
    regions: tuple[Place, ...]

    def standard(self, region: str | None, on: date) -> Standard | None:
        """Return what holds in a county on a day, None where that is not known."""
        place = next((place for place in self.regions if place.region == region), None)
        come = [one for one in (place.standards if place else ()) if reached(one.effective_from, on)]
        return come[-1] if come else None


class MinimumWageAnswer(Content):
    """The minimum wage of a county on a day; the figures are null where no confirmed notice is at hand.

    `hourly_fen` is for part-time work (非全日制), `monthly_fen` for full-time work; `source` is what it rests on.
    """

    region: str
    name: str
    known: bool
    monthly_fen: int | None
    hourly_fen: int | None
    effective_from: PolicyDate | None
    notice: Notice | None
    source: str
    note: str


def answers(wages: MinimumWages, on: date, region: str | None = None) -> tuple[MinimumWageAnswer, ...]:
    """Return every county, or one, with what holds there on a day."""
    places = [place for place in wages.regions if region in {None, place.region}]
    return tuple(_answer(wages, place, wages.standard(place.region, on)) for place in places)


def _answer(wages: MinimumWages, place: Place, standard: Standard | None) -> MinimumWageAnswer:
    return MinimumWageAnswer(
        region=place.region,
        name=place.name,
        known=standard is not None,
        monthly_fen=standard and standard.monthly_fen,
        hourly_fen=standard and standard.hourly_fen,
        effective_from=standard and standard.effective_from,
        notice=standard and standard.notice,
        source=wages.source,
        note=wages.note,
    )


@dataclass(frozen=True, slots=True)
class Hourly:
    """What pay comes to in an hour, in fen, rounded down, and in Chinese how that was reckoned."""

    fen: int
    assumption: str


def hourly(said: Said, book: "Rulebook") -> Hourly | None:
    """Return what the pay comes to in an hour, None where it or the number of pieces is not said."""
    if said.pay_fen is None or said.pay_unit is None or (said.pay_unit == "piece" and not said.pieces_per_hour):
        return None
    told = book.statutes.assumptions
    minutes, code = _minutes(said, book.limits)
    if said.pay_unit == "piece":
        fen = said.pay_fen * (said.pieces_per_hour or 0)
        return Hourly(fen, told["piece"].format(pieces=said.pieces_per_hour))
    return Hourly(int(said.pay_fen * MINUTES / minutes), told[code].format(hours=_hours(minutes)))


def _minutes(said: Said, limits: "Limits") -> tuple[Decimal, str]:
    """Return how long one pay is worked for, and which assumption that is."""
    week = week_minutes(said)
    if said.pay_unit == "day":
        return (Decimal(sum(week.values())) / len(week), "day") if week else (Decimal(limits.open_day), "open_day")
    if said.pay_unit == "month":
        month = Decimal(sum(week.values()) * WEEKS_OF_YEAR) / MONTHS_OF_YEAR
        return (month, "month") if week else (Decimal(limits.open_month), "open_month")
    return Decimal(MINUTES), "hour"


def week_minutes(said: Said) -> dict[int, int]:
    """Return how many minutes are worked on each weekday that has any."""
    return {day: minutes for day, spans in said.hours.items() if (minutes := sum(one.minutes for one in spans))}


def _hours(minutes: Decimal) -> str:
    return f"{float(minutes / MINUTES):.1f}".removesuffix(".0")


def found(said: Said, book: "Rulebook", today: date) -> Iterator[Found]:
    """Yield what is wrong with pay: too little, or more than anyone pays."""
    if said.pay_fen is None:
        return
    if said.pay_fen < 1:
        yield Found("pay_fen", "pay_none")
        return
    most = book.limits.pay_most_fen.get(said.pay_unit or "")
    if most and said.pay_fen > most:
        yield Found("pay_fen", "pay_absurd", {"most": yuan_text(most)})
        return
    yield from _pieces(said, book.limits)
    per_hour = hourly(said, book)
    if per_hour and sought(said):
        yield from _per_hour(said, per_hour, book, today)


def _pieces(said: Said, limits: "Limits") -> Iterator[Found]:
    if said.pay_unit != "piece":
        return
    if said.pieces_per_hour is None:
        if sought(said):
            yield Found("pieces_per_hour", "pieces_missing")
    elif not 1 <= said.pieces_per_hour <= limits.pieces_most:
        yield Found("pieces_per_hour", "pieces_absurd", {"most": limits.pieces_most})


def _per_hour(said: Said, per_hour: Hourly, book: "Rulebook", today: date) -> Iterator[Found]:
    if per_hour.fen > book.limits.hourly_high_fen:
        yield Found("pay_fen", "pay_high", {"pay": yuan_text(per_hour.fen), "how": per_hour.assumption})
    if internship(said):
        yield Found("pay_fen", "internship_pay")
        return
    standard = book.wages.standard(said.region, max(today, said.starts_on or today))
    if standard is None:
        yield Found("pay_fen", "minimum_wage_unknown")
    elif less := _least(said, per_hour, standard, book.limits):
        yield Found("pay_fen", "minimum_wage", less)


def _least(said: Said, per_hour: Hourly, standard: Standard, limits: "Limits") -> dict[str, Any] | None:
    """Return what is too little, and what the least is; None where enough is paid."""
    week = sum(week_minutes(said).values())
    if said.pay_unit == "month" and not 0 < week < limits.normal_week and (said.pay_fen or 0) < standard.monthly_fen:
        return {"pay": f"{yuan_text(said.pay_fen or 0)}元/月", "least": f"{yuan_text(standard.monthly_fen)}元/月"}
    by_hour = said.pay_unit == "hour" or 0 < week <= limits.part_time_week
    least = standard.hourly_fen if by_hour else -(-standard.monthly_fen * MINUTES // limits.open_month)
    if per_hour.fen >= least:
        return None
    pay = f"{yuan_text(per_hour.fen)}元/小时（{per_hour.assumption}）"
    return {"pay": pay, "least": f"{yuan_text(least)}元/小时"}
