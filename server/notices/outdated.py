"""Which pushes say what is no longer so: of one thing nobody is pushed anything older than what they were told last.

The inbox keeps it all. What came later is told by the events, not by when they were put into inboxes: those jobs may
overtake each other.
"""

from uuid import UUID

from server.kernel.statements import returned

SUPERSEDED = "superseded"
"""Why such a push was not sent."""
OUTDATED = """(SELECT 1 FROM notice n JOIN notice later ON later.person_id = n.person_id AND later.subject = n.subject
    AND later.created_at >= coalesce((SELECT e.created_at FROM event e WHERE e.id = n.event_id), n.created_at)
  WHERE n.id = d.notice_id AND n.subject <> '' AND coalesce(later.event_id, later.id) > coalesce(n.event_id, n.id)
  LIMIT 1) IS NOT NULL"""
"""Whether that is so of a delivery `d`; ids are in the order in which they were made.

For each by itself: PostgreSQL would rather look through all notices at once than ask EXISTS of so many.
"""
_ONE = f"SELECT 1 AS found FROM delivery d WHERE d.id = $1 AND {OUTDATED}"  # noqa: S608 -- our own text


async def outdated(delivery_id: UUID) -> bool:
    """Return whether its person has been told something later about the same thing than this push says."""
    return bool(await returned(_ONE, delivery_id))
