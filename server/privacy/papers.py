"""What organisations handed in and nothing needs any more: contacts, scans of licences, numbers of past accounts.

Only the rows are cleared here; a scan that no row names is swept with the others.
"""

from collections.abc import AsyncIterator
from datetime import datetime

from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from server.appeals import service as appeals
from server.kernel.audit import AuditEntry
from server.kernel.transactions import transaction
from server.organisations import keeping, payee_accounts
from server.organisations.models import AccountState, Organisation, OrganisationState, PayeeAccount
from server.statements.models import Statement

GONE = (OrganisationState.REJECTED, OrganisationState.CLOSED)
LOOKS = ("revealed", "viewed")
"""What the names of acts end with that change nothing: they keep nothing from going."""


@transaction
async def contacts(before: datetime) -> int:
    """Clear who handled the application of an organisation that came to nothing or to its end."""
    rows = Organisation.filter(state__in=list(GONE), contact_name_sealed__isnull=False)
    cleared = 0
    async for row in _resting(rows, before):
        cleared += await _still(row).update(contact_name_sealed=None)
    return cleared


@transaction
async def rejected_licences(before: datetime) -> int:
    """Let go of the scans of licences of rejected organisations."""
    return await _licences(OrganisationState.REJECTED, before)


@transaction
async def closed_licences(before: datetime) -> int:
    """Let go of the scans of licences of closed organisations."""
    return await _licences(OrganisationState.CLOSED, before)


@transaction
async def unused_accounts(before: datetime) -> int:
    """Clear number and document of accounts that never were in force: refused, or replaced while they waited."""
    never = Q(state=AccountState.REPLACED, decided_at__isnull=True) | Q(state=AccountState.REFUSED)
    return await _accounts(PayeeAccount.filter(never), before)


@transaction
async def past_accounts(before: datetime) -> int:
    """Clear number and document of accounts that were in force, and of all that a closed organisation left.

    Those into which awards were paid are `paid_accounts`.
    """
    return await _accounts(_past().filter(statements__isnull=True), before)


@transaction
async def paid_accounts(before: datetime) -> int:
    """Clear number and document of such accounts into which awards were paid, the last of them before a moment."""
    lately = Statement.filter(account_id__isnull=False, state_since__gte=before).values("account_id")
    return await _accounts(_past().filter(statements__isnull=False).exclude(id__in=Subquery(lately)).distinct(), before)


def _past() -> QuerySet[PayeeAccount]:
    """Return accounts that were in force, and all that a closed organisation left."""
    replaced = Q(state=AccountState.REPLACED, decided_at__isnull=False)
    left = Q(state__in=list(payee_accounts.IN_USE), organisation__state=OrganisationState.CLOSED)
    return PayeeAccount.filter(replaced | left)


async def _licences(state: OrganisationState, before: datetime) -> int:
    rows, let_go = Organisation.filter(state=state, licence_scan_id__isnull=False), 0
    async for row in _resting(rows, before):
        let_go += await _still(row).update(licence_scan_id=None)
    return let_go


async def _accounts(rows: QuerySet[PayeeAccount], before: datetime) -> int:
    cleared = 0
    for row in await rows.filter(number_sealed__isnull=False, named_at__lt=before).select_related("organisation"):
        subjects = [payee_accounts.subject_of(row.id)]
        if row.state in payee_accounts.IN_USE:
            subjects.append(keeping.subject_of(row.organisation_id))
        if not await _touched(subjects, before):
            same = PayeeAccount.filter(id=row.id, state=row.state)
            cleared += await same.update(number_sealed=None, number_index=None, document_scan_id=None)
    return cleared


async def _resting(rows: QuerySet[Organisation], before: datetime) -> AsyncIterator[Organisation]:
    for row in await rows.filter(created_at__lt=before):
        if not await _touched([keeping.subject_of(row.id)], before):
            yield row


def _still(row: Organisation) -> QuerySet[Organisation]:
    """Return the row as long as it is in the state that it was found in: one that was rejected may just apply again."""
    return Organisation.filter(id=row.id, state=row.state)


async def _touched(subjects: list[str], before: datetime) -> bool:
    """Whether anything but a look has happened since, or an appeal still waits."""
    looks = Q(*(Q(action__endswith=look) for look in LOOKS), join_type="OR")
    acts = AuditEntry.filter(subject__in=subjects, made_at__gte=before).exclude(looks)
    return await acts.exists() or await appeals.waits_on(subjects)
