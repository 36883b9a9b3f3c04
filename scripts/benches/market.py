"""Demands and offers as many as one asks for, in whichever database is open, and searches that people keep."""

import random
from datetime import timedelta
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from server import schema_objects
from server.engagements.models import SavedSearch
from server.kernel import clock
from server.labour.filters import Filters
from server.labour.models import Posting, PostingKind, PostingState, Shift, Side, Supplier
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind
from server.people.models import Person
from server.reference.service import Reference

COUNTIES = ("340802", "340803", "340811", "340822", "340825", "340826", "340827", "340828", "340881", "340882")
HOURS: tuple[dict[str, Any], ...] = (
    {},
    {day: [["08:00", "12:00"], ["13:30", "17:30"]] for day in "12345"},
    {day: [["09:00", "17:00"]] for day in "123456"},
    {day: [["09:00", "17:00"]] for day in "67"},
    {day: [["18:00", "22:00"]] for day in "12345"},
    {day: [["07:00", "11:00"]] for day in "1234567"},
)
PEOPLE, FIRMS, CHUNK, SEARCHES = 5000, 500, 5000, 20_000
DAY = timedelta(days=1)


class Market:
    """What is put up, always the same: half demands, half offers; some occupations are sought more than others."""

    def __init__(self, reference: Reference) -> None:
        self.chance = random.Random(20240091)  # noqa: S311 -- no secret, the same every time
        self.today, self.now = clock.today(), clock.now()
        self.majors = [one.id for one in reference.majors]
        self.occupations = [one.id for one in reference.occupations]
        self.weights = [1 / (place + 3) for place in range(len(self.occupations))]
        self.people, self.firms = list[Person](), list[Organisation]()

    async def open(self) -> None:
        """Make who posts."""
        self.people = [Person(openid=f"bench-{number}", created_at=self.now) for number in range(PEOPLE)]
        await Person.bulk_create(self.people)
        self.firms = [
            Organisation(
                kind=Kind.ENTERPRISE, name=f"示例企业{number}", state=OrganisationState.VERIFIED, created_at=self.now
            )
            for number in range(FIRMS)
        ]
        await Organisation.bulk_create(self.firms)

    async def put_up(self, db: BaseDBAsyncClient, rows: int, *, first: int = 0) -> None:
        """Put `rows` live postings up, numbered from `first`; those with smaller numbers are newer."""
        objects = {
            name: sql for name, sql in schema_objects.expected(db.capabilities.dialect).items() if _of_posting(sql)
        }
        for name in objects:
            await db.execute_script(f"DROP INDEX IF EXISTS {name}")
        for start in range(first, first + rows, CHUNK):
            await Posting.bulk_create(
                [self._posting(number) for number in range(start, min(start + CHUNK, first + rows))]
            )
        for sql in objects.values():
            await db.execute_script(sql)
        await db.execute_script("VACUUM ANALYZE posting" if db.capabilities.dialect == "postgres" else "ANALYZE")

    async def keep_searches(self) -> None:
        """Let people keep searches."""
        await SavedSearch.bulk_create([self._search() for _ in range(SEARCHES)], batch_size=CHUNK)

    def _posting(self, number: int) -> Posting:
        side = Side.DEMAND if number % 2 else Side.SUPPLY
        at = self.now - number * timedelta(seconds=1)
        unsaid = {"findings": [], "reasons": [], "state": PostingState.LIVE, "state_since": at, "created_at": at}
        said = {**self._said(), **(self._demand() if side is Side.DEMAND else self._offer())}
        ends = self.today + 300 * DAY
        return Posting(
            side=side, person_id=self.chance.choice(self.people).id, published_at=at, valid_until=ends, **unsaid, **said
        )

    def _said(self) -> dict[str, Any]:
        chance = self.chance
        (kind,) = chance.choices(list(PostingKind), [6, 1, 3])
        starts = self.today + chance.randrange(60) * DAY
        return {
            "kind": kind,
            "occupation": chance.choices(self.occupations, self.weights)[0],
            "region": chance.choice(COUNTIES),
            "starts_on": starts,
            "ends_on": None if kind is PostingKind.JOB else starts + chance.randrange(5, 90) * DAY,
            "hours": chance.choice(HOURS),
            "title": "示例",
        }

    def _demand(self) -> dict[str, Any]:
        chance = self.chance
        return {
            "organisation_id": chance.choice(self.firms).id,
            "latitude": 30 + chance.random(),
            "longitude": 116 + 2 * chance.random(),
            "headcount": chance.randrange(1, 20),
            "hourly_fen": chance.randrange(1600, 3600, 50),
            "shift": chance.choice([Shift.NIGHT, *[Shift.DAY] * 9]),
            "age_min": chance.choice([16, 18, 18, None]),
            "major": chance.choice([*self.majors, *[None] * 20]),
        }

    def _offer(self) -> dict[str, Any]:
        chance, said = self.chance, self._said()
        team = chance.choice([True, *[False] * 4])
        return {
            "supplier": Supplier.TEAM if team else Supplier.STUDENT,
            "headcount": chance.randrange(2, 10) if team else 1,
            "occupation": chance.choice([None, *[said["occupation"]] * 3]),
            "hourly_fen": chance.choice([None, *range(1600, 3000, 100)]),
            "age_min": chance.choice([None, 16, 17, 18]),
            "major": chance.choice([*self.majors, *[None] * 9]),
        }

    def _search(self) -> SavedSearch:
        chance = self.chance
        asked = Filters(
            side=chance.choice(list(Side)),
            region=chance.choice([*COUNTIES, "340800", None]),
            occupation=chance.choices([*self.occupations, None], [*self.weights, 2])[0],
            pay_min_fen=chance.choice([None, 2000, 2500]),
        )
        return SavedSearch(
            person_id=chance.choice(self.people).id, side=asked.side, region=asked.region, occupation=asked.occupation,
            wanted=asked.kept(), told_until=self.now, created_at=self.now,
        )  # fmt: skip


class Crowd(Market):
    """All of one trade in one county, and nobody pays what is asked: the hardest there is."""

    def _said(self) -> dict[str, Any]:
        return {**super()._said(), "kind": PostingKind.SHORT_TERM, "occupation": "tea-picker", "region": COUNTIES[0]}

    def _demand(self) -> dict[str, Any]:
        return {**super()._demand(), "hourly_fen": 1500}

    def _offer(self) -> dict[str, Any]:
        return {**super()._offer(), "occupation": "tea-picker", "hourly_fen": 4000}


def _of_posting(sql: str) -> bool:
    return " ON posting " in sql and "INDEX" in sql
