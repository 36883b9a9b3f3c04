"""Whose kept searches a posting answers: as the list of postings would show it to them, asked the other way round."""

# ruff: noqa: S608 -- names of our own; whatever a posting says is a placeholder

from math import cos, radians, sqrt
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import structlog
from tortoise.connection import get_connection

from server.kernel import clock
from server.kernel.errors import DomainError
from server.labour import posters, tokens
from server.labour.filters import Filters
from server.labour.keeping import readable
from server.labour.listing import METRES_PER_DEGREE
from server.labour.models import Posting, PostingState
from server.labour.statement import Statement
from server.labour.wanted import Near, Wanted
from server.reference.service import Reference, around

_log = structlog.get_logger(__name__)


class Answered(NamedTuple):
    """A search that somebody keeps."""

    id: UUID
    person_id: UUID


async def searches_answered(posting: Posting, reference: Reference) -> list[Answered]:
    """Return the kept searches that show a posting today, in the order of their ids."""
    rows = await _answered(posting, reference)
    return sorted(Answered(UUID(str(row["id"])), UUID(str(row["person_id"]))) for row in rows)


async def count(posting: Posting, reference: Reference) -> int:
    """Return how many kept searches show a posting today."""
    return len(await _answered(posting, reference))


async def _answered(posting: Posting, reference: Reference) -> list[dict[str, Any]]:
    if posting.state is not PostingState.LIVE or not readable(posting) or not await posters.stands(posting):
        return []
    text = tokens.folded(posting.title, posting.address, posting.requirements, posting.description)
    connection, said = get_connection("default"), dict[str, bool]()
    asked = _asked(connection.capabilities.dialect, posting, reference)
    rows = await connection.execute_query_dict(asked.sql, asked.values)
    for wanted in {row["wanted"] for row in rows}:
        read = _read(wanted, reference)
        said[wanted] = read is not None and answers(posting, text, read)
    return [row for row in rows if said[row["wanted"]]]


def _read(wanted: str, reference: Reference) -> Wanted | None:
    """Return what a kept search wants; None for one that is no longer understood, which keeps no other back."""
    try:
        filters = Filters.model_validate(orjson.loads(wanted))
        regions = around(reference, filters.region) if filters.region else ()
        return filters.wanted(regions, clock.today())
    except (ValueError, DomainError) as error:
        _log.error("a kept search is not understood", error=type(error).__name__)
        return None


def answers(posting: Posting, text: str, wanted: Wanted) -> bool:
    """Whether a posting that anyone may read is among what is wanted; `text` is what it says, folded."""
    said = (
        wanted.side in {None, posting.side},
        wanted.kind in {None, posting.kind},
        not wanted.regions or posting.region in wanted.regions,
        wanted.occupation in {None, posting.occupation},
        wanted.ends is None or (posting.starts_on is not None and posting.starts_on <= wanted.ends),
        wanted.starts is None or posting.ends_on is None or posting.ends_on >= wanted.starts,
        wanted.hourly_min_fen is None
        or (posting.hourly_fen is not None and posting.hourly_fen >= wanted.hourly_min_fen),
        wanted.meals in {None, posting.meals},
        wanted.lodging in {None, posting.lodging},
        wanted.transport in {None, posting.transport},
        wanted.near is None or _within(posting, wanted.near),
    )
    return all(said) and all(phrase in text for phrase in wanted.phrases)


def _asked(dialect: str, posting: Posting, reference: Reference) -> Statement:
    """Return what asks for the searches of such work in such a place at such a time, by an index of the first two."""
    to = Statement(dialect)
    city = next((one.city for one in reference.regions if one.code == posting.region), None)
    work, places = {posting.occupation, None}, {posting.region, city, None}
    either = " OR ".join(
        f"(side = '{posting.side}' AND {_is(to, 'occupation', occupation)} AND {_is(to, 'region', region)})"
        for occupation in work
        for region in places
    )
    when = f"(ends_on IS NULL OR ends_on >= {to.put(posting.starts_on)})"
    if posting.ends_on:
        when += f" AND (starts_on IS NULL OR starts_on <= {to.put(posting.ends_on)})"
    to.sql = f"SELECT id, person_id, wanted FROM saved_search WHERE ({either}) AND {when}"
    return to


def _is(to: Statement, column: str, value: str | None) -> str:
    return f"{column} IS NULL" if value is None else f"{column} = {to.put(value)}"


def _within(posting: Posting, near: Near) -> bool:
    """Whether it is as near as that, reckoned as the list does."""
    if posting.latitude is None or posting.longitude is None:
        return False
    north = (posting.latitude - near.latitude) * METRES_PER_DEGREE
    east = (posting.longitude - near.longitude) * METRES_PER_DEGREE * cos(radians(near.latitude))
    inside = max(abs(north), abs(east)) <= near.metres
    return inside and round(sqrt(north * north + east * east)) <= near.metres
