"""Whose pushes are no longer theirs: people who left, or were removed, hear no more of what they heard of as members.

Who hears of an event is judged when it is put into inboxes; a push may wait for a permission or the morning long after
that. Asked anew, when it is taken, of those alone who lately left something. The inbox keeps it all.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from server.imports.models import Import
from server.kernel.outbox import Event
from server.kernel.statements import identity, returned
from server.kernel.sweeping import GONE
from server.notices import catalogue
from server.notices.facts_standing import LEAD
from server.notices.subjects import subject_id
from server.notices.texts import MOST_HOURS
from server.notices.topics import SUBJECTS
from server.organisations import current
from server.organisations.models import Membership, PayeeAccount
from server.organisations.roles import Role

LEFT = "not_concerned"
"""Why such a push was not sent."""
LATELY = timedelta(hours=MOST_HOURS + 1)
"""Nothing is worth a push for longer: whoever left before that was not told of what is still to be pushed."""
LEFT_LATELY = "(SELECT 1 FROM membership m WHERE m.person_id = d.person_id AND m.ended_at > $5 LIMIT 1)"
"""Whether the person of a delivery `d` left something since the moment `$5`."""
_CAUSES = """SELECT d.id, d.person_id, n.event_id FROM delivery d JOIN notice n ON n.id = d.notice_id
WHERE d.id = ANY($1) AND n.event_id IS NOT NULL"""
_TO_ALL_WHO_ACT = frozenset({"window", "budget"})
"""It does not say of which organisation; whoever acts for any still hears of it."""
_log = structlog.get_logger(__name__)


async def unconcerned(rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Return which of some pushes, rows with `id` and `left_lately`, say what is no longer their person's to hear.

    No statement where nobody left anything.
    """
    ids = [identity(row["id"]) for row in rows if row["left_lately"]]
    if not ids:
        return set()
    causes = await returned(_CAUSES, ids)
    events = {one.id: one for one in await Event.filter(id__in=[identity(row["event_id"]) for row in causes])}
    asked = [(identity(row["id"]), identity(row["person_id"]), events.get(identity(row["event_id"]))) for row in causes]
    return {id_ for id_, person_id, event in asked if event and not await _concerns(event, person_id)}


async def _concerns(event: Event, person_id: UUID) -> bool:
    """Whether a person would be told of an event today; where that cannot be found out they are not written to."""
    kinds = catalogue.in_force().kinds.get(event.name)
    if not kinds:
        return True
    about = next(iter(kinds.values())).about
    try:
        known = (await SUBJECTS[about].read([event])).get(event.id)
        audience = known.audiences.get(person_id) if known else None
        return audience is not None and await _still(about, audience, event, person_id)
    except GONE:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever it was, the other pushes go
        _log.error("nobody knows whom an event concerns", event_name=event.name, exc_info=error)
        return False


async def _still(about: str, audience: str, event: Event, person_id: UUID) -> bool:
    """Whether somebody is what they are told of an event as, where that is not asked when it is told."""
    if audience == Role.FINANCE:
        return person_id in await current.staff(Role.FINANCE)
    if about in _TO_ALL_WHO_ACT:
        return bool(await current.memberships(person_id))
    if about == "import" or audience == LEAD:
        organisation_id = await _ORGANISATIONS[about](subject_id(event))
        return person_id in (await current.acting([organisation_id]))[organisation_id]
    return True


async def _itself(organisation_id: UUID) -> UUID:
    return organisation_id


async def _of_account(account_id: UUID) -> UUID:
    return (await PayeeAccount.get(id=account_id)).organisation_id


async def _of_membership(membership_id: UUID) -> UUID:
    return (await Membership.get(id=membership_id)).organisation_id


async def _of_import(import_id: UUID) -> UUID:
    return (await Import.get(id=import_id)).organisation_id


_ORGANISATIONS: Mapping[str, Callable[[UUID], Awaitable[UUID]]] = {
    "organisation": _itself,
    "payee_account": _of_account,
    "membership": _of_membership,
    "import": _of_import,
}
