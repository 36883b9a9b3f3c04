"""Who stands for an organisation now: itself, or, once it is closed, what carries it on.

A successor may be closed into another one in turn. Of what was closed without one nothing carries on: it stands for
itself, and nobody acts for it. A successor is verified when it becomes one and nothing closed opens again, so that no
way leads round in a circle.
"""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from server.kernel.statements import identity, returned
from server.organisations.roles import Kind

_AFTER = """
WITH RECURSIVE line(origin, id, successor_id) AS (
  SELECT id, id, successor_id FROM organisation WHERE id = ANY($1)
  UNION
  SELECT line.origin, later.id, later.successor_id FROM line JOIN organisation later ON later.id = line.successor_id
)
SELECT origin, id, successor_id FROM line"""
_BEFORE = """
WITH RECURSIVE line(heir, id, kind) AS (
  SELECT id, id, kind FROM organisation WHERE id = ANY($1)
  UNION
  SELECT line.heir, earlier.id, earlier.kind FROM line JOIN organisation earlier ON earlier.successor_id = line.id
)
SELECT heir, id, kind FROM line WHERE id <> heir ORDER BY heir, id"""


class Carried(NamedTuple):
    """An organisation that was closed, its kind, and which one carries it on, be it through others."""

    id: UUID
    kind: Kind
    heir_id: UUID


async def heirs(organisation_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return by organisation which one stands for it now, most often itself; one statement."""
    found = {one: one for one in organisation_ids}
    for row in await returned(_AFTER, list(found)) if found else ():
        if row["successor_id"] is None:
            found[identity(row["origin"])] = identity(row["id"])
    return found


async def heir(organisation_id: UUID) -> UUID:
    """Return which organisation stands for one now; one statement."""
    return (await heirs([organisation_id]))[organisation_id]


async def onward(organisation_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Return by organisation itself and all by which it was carried on ever since; one statement."""
    found = {one: {one} for one in organisation_ids}
    for row in await returned(_AFTER, list(found)) if found else ():
        found[identity(row["origin"])].add(identity(row["id"]))
    return found


async def carried(organisation_ids: Collection[UUID]) -> list[Carried]:
    """Return what some organisations carry on: all that was closed into them, or into such; one statement."""
    rows = await returned(_BEFORE, list(organisation_ids)) if organisation_ids else ()
    return [Carried(identity(row["id"]), Kind(row["kind"]), identity(row["heir"])) for row in rows]


async def whole(organisation_id: UUID) -> list[UUID]:
    """Return an organisation and all that it carries on; one statement."""
    return [organisation_id, *(one.id for one in await carried([organisation_id]))]
