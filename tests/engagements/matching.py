"""What tests of matching stand on: the book that is shipped, and postings as matching reads them."""

import json
from datetime import timedelta
from typing import Any

from server.app import CONTENT_DIR
from server.engagements.matching import book as content
from server.engagements.matching.book import Book
from server.engagements.matching.score import Item
from server.kernel import clock
from server.kernel.ids import new_id
from server.labour import rulebook
from server.labour.models import Posting, Side
from server.policy import service as policy
from server.reference import service as reference_service

REFERENCE = reference_service.load(CONTENT_DIR, policy.load(CONTENT_DIR))
_LIMITS = rulebook.load(CONTENT_DIR, REFERENCE).limits
BOOK: Book = content.load(CONTENT_DIR, REFERENCE, _LIMITS.hazardous, _LIMITS.of_age)
TODAY = clock.today()
DAYTIME = json.dumps({day: [["08:00", "12:00"], ["13:00", "17:00"]] for day in "12345"})


def item(side: str, **values: Any) -> Item:
    """A demand of two weeks of tea picking, or an offer of one student for it; they suit wholly."""
    defaults: dict[str, Any] = {
        "id": str(new_id()), "demand": side == "demand", "kind": "short_term", "person_id": str(new_id()),
        "organisation_id": None, "occupation": "tea-picker", "major": None, "region": "340828", "latitude": None,
        "longitude": None, "heads": 5 if side == "demand" else 1, "starts_on": TODAY + timedelta(days=7),
        "ends_on": TODAY + timedelta(days=20), "hours": DAYTIME, "shift": "day", "hourly_fen": 2000, "age_min": None,
        "age_max": None, "key": (clock.now(), new_id()),
    }  # fmt: skip
    return Item(**{**defaults, **values})


def item_of(posting: Posting) -> Item:
    """A posting as matching reads it from the database."""
    assert posting.headcount is not None
    assert posting.starts_on is not None
    names = (
        "kind", "occupation", "major", "region", "latitude", "longitude", "starts_on", "ends_on", "shift",
        "hourly_fen", "age_min", "age_max",
    )  # fmt: skip
    said = {name: getattr(posting, name) for name in names}
    owner = posting.organisation_id and str(posting.organisation_id)
    said |= {"id": str(posting.id), "person_id": str(posting.person_id), "organisation_id": owner}
    heads, hours = posting.headcount - posting.filled, json.dumps(posting.hours)
    key = (posting.published_at, posting.id)
    return Item(demand=posting.side is Side.DEMAND, heads=heads, hours=hours, key=key, **said)
