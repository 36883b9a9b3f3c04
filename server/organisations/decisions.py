"""The secretariat's decision on an organisation that applied, or whose changes or recheck wait.

Verifying is one and the same check in each case: the organisation as it stands, with what waits beside it. Its six
months begin anew with each.
"""

from enum import StrEnum
from uuid import UUID

from server.kernel import audit, clock
from server.kernel.errors import DomainError
from server.kernel.transactions import transaction
from server.organisations import keeping, rules
from server.organisations.applications import CHECKED
from server.organisations.keeping import Change
from server.organisations.models import Organisation, OrganisationState
from server.people.service import Decider

DECISIONS = ("verified", "rejected", "revision_refused", "suspended", "restored", "lapsed", "closed")
"""Events that say how an organisation stands, and why."""
REFUSALS = ("organisation.rejected", "organisation.revision_refused")


class Verdict(StrEnum):
    """What a reviewer decides."""

    VERIFY = "verify"
    REJECT = "reject"


@transaction
async def decide(organisation_id: UUID, verdict: Verdict, by: Decider, version: int | None = None) -> Organisation:
    """Verify or reject what waits; return the organisation.

    Rejecting an application makes it `rejected`; rejecting a revision or a recheck leaves the organisation as it was.
    Raises DomainError 403 for its own people, 404, 409 where nothing waits, a code is taken or the licence to verify
    has expired, 412 where `version` is given and is not the one.
    """
    organisation = await keeping.hold(organisation_id, version)
    await keeping.require_outsider(organisation_id, by.person_id)
    if not waits(organisation):
        raise DomainError("nothing_to_decide", 409)
    await (verify if verdict is Verdict.VERIFY else _reject)(organisation, by)
    return organisation


async def verify(organisation: Organisation, by: Decider) -> None:
    """Make a held organisation verified, with what waited or was refused.

    Raises DomainError 409 for a taken code and for a licence that has expired.
    """
    before, today = organisation.state, clock.today()
    waiting = organisation.pending_revision or {}
    changed = {name: waiting[name] for name in CHECKED if name in waiting}
    organisation.update_from_dict(changed)
    until = organisation.licence_valid_to
    if rules.expired(until, today):
        raise DomainError("licence_expired", 409)
    organisation.state, organisation.pending_revision = OrganisationState.VERIFIED, None
    organisation.verified_at, organisation.decided_by_id = clock.now(), by.person_id
    organisation.due_on, organisation.reminded_on = rules.due_on(organisation.kind, today, until), None
    await keeping.keep(organisation, Change("verified", before, by.person_id, by.reason, tuple(changed)))


def waits(organisation: Organisation) -> bool:
    """Whether something of an organisation waits for a reviewer."""
    if organisation.state is OrganisationState.APPLIED:
        return True
    if organisation.state not in {OrganisationState.VERIFIED, OrganisationState.LAPSED}:
        return False
    return organisation.pending_revision is not None and not organisation.pending_revision.get("refused")


def refused(organisation: Organisation) -> bool:
    """Whether a refusal stands that nothing has followed yet."""
    if organisation.state in {OrganisationState.VERIFIED, OrganisationState.LAPSED}:
        return bool(organisation.pending_revision and organisation.pending_revision.get("refused"))
    return organisation.state is OrganisationState.REJECTED


async def last_decision(organisation_id: UUID) -> audit.AuditEntry | None:
    """Return the entry that says how an organisation came to stand as it does, None before the first decision."""
    events = [f"organisation.{event}" for event in DECISIONS]
    entries = audit.AuditEntry.filter(subject=keeping.subject_of(organisation_id), action__in=events)
    return await entries.order_by("-id").first()


async def standing_refusal(organisation: Organisation) -> audit.AuditEntry | None:
    """Return the entry of the refusal that stands, None where none does."""
    if not refused(organisation):
        return None
    entries = audit.AuditEntry.filter(subject=keeping.subject_of(organisation.id), action__in=REFUSALS)
    return await entries.order_by("-id").first()


async def _reject(organisation: Organisation, by: Decider) -> None:
    before, organisation.decided_by_id = organisation.state, by.person_id
    if before is OrganisationState.APPLIED:
        organisation.state = OrganisationState.REJECTED
        await keeping.keep(organisation, Change("rejected", before, by.person_id, by.reason))
        return
    waiting = organisation.pending_revision or {}
    # kept, so that an appeal can still bring it about
    organisation.pending_revision = {**waiting, "refused": True}
    names = tuple(name for name in CHECKED if name in waiting)
    await keeping.keep(organisation, Change("revision_refused", before, by.person_id, by.reason, names))
