"""Who posts what is listed as `p`, and whether they may be seen with it today, as the statements of lists ask it."""

# ruff: noqa: S608 -- names of our own

from datetime import date

from server.labour.models import Side
from server.labour.statement import Statement

POSTER = "LEFT JOIN organisation o ON o.id = p.organisation_id"


def joined(to: Statement, side: Side | None, today: date) -> str:
    """Join who posts what is listed as `p`, only those who may be seen with it today."""
    verified = _verified(to, today)
    if side is Side.DEMAND:
        return f"JOIN organisation o ON o.id = p.organisation_id AND {verified}"
    return (
        f"{POSTER} JOIN person s ON s.id = p.person_id "
        f"AND (({verified}) OR (p.organisation_id IS NULL AND s.state = 'active'))"
    )


def stands(to: Statement, side: Side, today: date) -> str:
    """Ask the same of each row by itself, so that no planner begins with who posts."""
    organisation = f"(SELECT {_verified(to, today)} FROM organisation o WHERE o.id = p.organisation_id)"
    if side is Side.DEMAND:
        return organisation
    person = "(SELECT s.state = 'active' FROM person s WHERE s.id = p.person_id)"
    return f"CASE WHEN p.organisation_id IS NULL THEN {person} ELSE {organisation} END"


def _verified(to: Statement, today: date) -> str:
    return f"o.state = 'verified' AND (o.due_on IS NULL OR o.due_on >= {to.day(today)})"
