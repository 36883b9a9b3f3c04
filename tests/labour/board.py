"""Live postings for tests of lists, made without anyone's looking."""

from datetime import date, datetime, timedelta
from typing import Any

from tortoise.connection import get_connection

from server.kernel import clock
from server.kernel.transactions import transaction
from server.labour import finding
from server.labour.models import PayUnit, Posting, PostingKind, PostingState, Side
from server.organisations.models import Organisation
from server.people.models import Person

DAY = timedelta(days=1)


def live(person: Person, organisation: Organisation | None, **values: Any) -> Posting:
    """A posting that anyone may read, not yet written; `at` is how long ago it was published."""
    now: datetime = values.pop("now", None) or clock.now()
    today: date = clock.today()
    defaults = {
        "side": Side.DEMAND, "kind": PostingKind.SHORT_TERM, "title": "采茶工", "occupation": "tea-picking",
        "region": "340826", "headcount": 5, "starts_on": today, "hours": {}, "pay_fen": 2000,
        "pay_unit": PayUnit.HOUR, "hourly_fen": 2000, "valid_until": today + 30 * DAY, "state": PostingState.LIVE,
        "state_since": now, "findings": [], "reasons": [], "submitted_at": now, "published_at": now, "created_at": now,
    }  # fmt: skip
    return Posting(person_id=person.id, organisation_id=organisation and organisation.id, **{**defaults, **values})


@transaction
async def put_up(postings: list[Posting]) -> None:
    """Write postings and their words at once."""
    connection = get_connection("default")
    dialect = connection.capabilities.dialect
    await Posting.bulk_create(postings, batch_size=200)
    entries = [finding.entry(posting, dialect) for posting in postings if posting.state in finding.SEARCHED]
    for start in range(0, len(entries), 500):
        await connection.execute_many(finding.REMEMBER[dialect], entries[start : start + 500])
