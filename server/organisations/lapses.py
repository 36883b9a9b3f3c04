"""The recheck that those who post jobs need every six months: reminders, lapse, and asking for it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from server.kernel import clock
from server.kernel.errors import DomainError, FieldFault, invalid
from server.kernel.sweeping import Sweep
from server.kernel.transactions import transaction
from server.organisations import applications, keeping, rules
from server.organisations.keeping import Change
from server.organisations.models import Organisation, OrganisationState

BATCH = 500


@transaction
async def renew(organisation_id: UUID, given: Mapping[str, Any], *, by: UUID, version: int | None) -> Organisation:
    """Confirm what is said of an organisation, with `licence_number` and `licence_valid_to` where they are new.

    That files its recheck, which a reviewer completes (`decisions.decide`); what is new holds from then on. Raises
    DomainError 404, 409 where it is not time yet or a recheck waits already, 412, 422 for a licence that has expired.
    """
    organisation = await keeping.hold(organisation_id, version)
    _require_time(organisation)
    waiting = organisation.pending_revision or {}
    if waiting.get("renewal") and not waiting.get("refused"):
        raise DomainError("state_already", 409)
    applications.put_aside(organisation, {**given, "renewal": True})
    if rules.expired(applications.licence_asked(organisation), clock.today()):
        raise invalid(FieldFault("/licence_valid_to", "licence_expired"))
    await keeping.keep(organisation, Change("renewal_asked", organisation.state, by, fields=tuple(given)))
    return organisation


async def watch() -> Mapping[str, int]:
    """Let lapse what is overdue and remind of what soon will be; return how many of each."""
    today, sweep = clock.today(), Sweep()
    late = await _each(sweep, partial(_lapse, today=today), due_on__lt=today)
    last = today + timedelta(days=max(rules.REMINDED_DAYS_BEFORE))
    reminded = await _each(sweep, partial(_remind, today=today), due_on__gte=today, due_on__lte=last)
    sweep.end()
    return {"lapsed": late, "reminded": reminded}


def _require_time(organisation: Organisation) -> None:
    if organisation.state not in {OrganisationState.VERIFIED, OrganisationState.LAPSED}:
        raise DomainError("organisation_state", 409)
    if not rules.renewable(organisation.due_on, clock.today()):
        raise DomainError("renewal_too_early", 409)


async def _each(sweep: Sweep, work: Callable[[UUID], Awaitable[bool]], **wanted: Any) -> int:
    """Do `work` on every verified organisation that is `wanted`, each in a transaction of its own; return how many."""
    done, last = 0, UUID(int=0)
    verified = Organisation.filter(state=OrganisationState.VERIFIED, **wanted).order_by("id").limit(BATCH)
    while ids := [row.id for row in await verified.filter(id__gt=last).only("id")]:
        done += await sweep.each(work, ids)
        last = ids[-1]
    return done


@transaction
async def _lapse(organisation_id: UUID, today: date) -> bool:
    organisation = await keeping.hold(organisation_id)
    if organisation.state is not OrganisationState.VERIFIED or not rules.lapsed(organisation.due_on, today):
        return False
    organisation.state = OrganisationState.LAPSED
    await keeping.keep(organisation, Change("lapsed", OrganisationState.VERIFIED, None))
    return True


@transaction
async def _remind(organisation_id: UUID, today: date) -> bool:
    organisation = await keeping.hold(organisation_id)
    due, reminded = organisation.due_on, organisation.reminded_on
    if due is None or organisation.state is not OrganisationState.VERIFIED:
        return False
    if not rules.reminder_due(due, reminded, today):
        return False
    organisation.reminded_on = today
    await organisation.save(update_fields=["reminded_on"])
    await keeping.note(organisation, Change("lapse_near", organisation.state, None))
    return True
