"""Where each fen is: for every award, what its entries leave of its money in a budget, against what its state says."""

from dataclasses import dataclass
from uuid import UUID

from server.kernel.statements import identity, returned

MOST = 100
"""So many awards are named that are not explained."""

_NET = "sum(CASE '{0}' WHEN target THEN amount_fen WHEN source THEN -amount_fen ELSE 0 END) AS {0}"
_HELD_IN = ("reserved", "committed", "spent", "written_off")
_NETS = (
    f"nets AS (SELECT award_id, {', '.join(map(_NET.format, _HELD_IN))} FROM ledger_entry "  # noqa: S608 -- our own
    "WHERE budget_id = $1 AND award_id IS NOT NULL GROUP BY award_id)"
)
_BACK = (
    "back AS (SELECT award_id, sum(recovered_fen + offset_fen) AS recovered, sum(written_off_fen) AS written_off "
    "FROM clawback GROUP BY award_id)"
)
_EXPECTED = """
CASE WHEN a.state = 'approved' OR (a.state = 'held' AND a.held_from = 'approved')
  OR (a.state = 'on_statement' AND s.locked_at IS NULL) THEN a.amount_fen ELSE 0 END AS reserved,
CASE WHEN a.state = 'on_statement' AND s.locked_at IS NOT NULL THEN a.amount_fen ELSE 0 END AS committed,
CASE WHEN a.state = 'paid' THEN a.amount_fen - coalesce(b.recovered + b.written_off, 0) ELSE 0 END AS spent,
CASE WHEN a.state = 'paid' THEN coalesce(b.written_off, 0) ELSE 0 END AS written_off
"""
"""What the entries of an award are to leave in each account, by its state and by whether its statement is locked."""
_STATES = (
    f"states AS (SELECT a.id AS award_id, {_EXPECTED} FROM award a LEFT JOIN back b ON b.award_id = a.id "  # noqa: S608
    "LEFT JOIN statement s ON s.id = a.statement_id WHERE a.budget_id = $1)"
)
_IDS = "(SELECT award_id FROM nets UNION SELECT award_id FROM states) one"
_DIFFERS = " OR ".join(f"coalesce(n.{account}, 0) <> coalesce(e.{account}, 0)" for account in _HELD_IN)
_UNEXPLAINED = (
    f"WITH {_NETS}, {_BACK}, {_STATES} SELECT one.award_id FROM {_IDS} "  # noqa: S608 -- our own
    "LEFT JOIN nets n ON n.award_id = one.award_id LEFT JOIN states e ON e.award_id = one.award_id "
    f"WHERE {_DIFFERS} LIMIT {MOST}"
)
_PLACE = (
    "SELECT '{0}' AS account, a.state, count(*) AS awards, sum(n.{0}) AS fen "
    "FROM nets n JOIN award a ON a.id = n.award_id WHERE n.{0} <> 0 GROUP BY a.state"
)
_PLACES = f"WITH {_NETS} {' UNION ALL '.join(map(_PLACE.format, _HELD_IN))}"


@dataclass(frozen=True, slots=True)
class Place:
    """So many awards in a state have so much of a budget's money in one account."""

    account: str
    state: str
    awards: int
    fen: int


async def places(budget_id: UUID) -> list[Place]:
    """Return where a budget's money is that moved for awards, as its entries tell it."""
    rows = await returned(_PLACES, budget_id)
    found = [Place(row["account"], row["state"], int(row["awards"]), int(row["fen"])) for row in rows]
    return sorted(found, key=lambda one: (_HELD_IN.index(one.account), one.state))


async def unexplained(budget_id: UUID) -> list[UUID]:
    """Return the awards, `MOST` at most, whose money in a budget is not where their state says."""
    rows = await returned(_UNEXPLAINED, budget_id)
    return sorted(identity(row["award_id"]) for row in rows)
