"""The accounts that organisations are paid into: named by a manager, confirmed by the secretariat's finance.

A change is a new row: the confirmed account stays in force until finance has confirmed the next, and every row stays as
it was named. Each change holds the organisation's row; partial indexes keep one pending and one confirmed account each.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from server.kernel import audit, clock, outbox, sensitive
from server.kernel.codes import plain
from server.kernel.errors import DomainError, FieldFault, found, invalid
from server.kernel.ids import new_id
from server.kernel.paging import Page, Sort, page
from server.kernel.sensitive import Cell, Kind, Sensitive
from server.kernel.transactions import transaction
from server.organisations import keeping, memberships
from server.organisations.models import AccountBasis, AccountState, Organisation, OrganisationState, PayeeAccount
from server.organisations.roles import Kind as OrganisationKind

PAYEES = (OrganisationKind.FEEDER_SCHOOL, OrganisationKind.VOCATIONAL_SCHOOL, OrganisationKind.ENTERPRISE)
"""Who may be paid at all: never an agency, since paid intermediaries are forbidden in recruiting students."""
AGENT_HELD = (OrganisationKind.FEEDER_SCHOOL, OrganisationKind.VOCATIONAL_SCHOOL)
"""For whom another body may hold the account: schools whose money a county accounting centre keeps."""
NEWEST_FIRST = Sort("named_at")
IN_USE = (AccountState.PENDING, AccountState.CONFIRMED)
_NUMBER = re.compile(r"[0-9]{8,30}")


@dataclass(frozen=True, slots=True)
class Named:
    """An account as a manager names it; `number` as it was typed."""

    basis: AccountBasis
    holder: str
    bank: str
    number: str
    agent_reason: str = ""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where an organisation is paid, and what waits for finance."""

    current: PayeeAccount | None
    pending: PayeeAccount | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision of finance. `account_id` and `document_id` are the account and the scan that they saw, if they say."""

    by: UUID
    reason: str = ""
    account_id: UUID | None = None
    document_id: UUID | None = None


@transaction
async def name(organisation_id: UUID, named: Named, *, by: UUID) -> PayeeAccount:
    """Name the account that an organisation is to be paid into; it waits for finance, in place of one that waited.

    The same account named again changes nothing. Raises DomainError 404, 409 for an organisation that is not verified
    or is never paid, 422 with every field at fault.
    """
    organisation = await held(organisation_id)
    if organisation.kind not in PAYEES:
        raise DomainError("never_paid", 409)
    number = _checked(named, organisation.kind)
    waiting = await in_state(organisation_id, AccountState.PENDING)
    if waiting and _content(waiting, number_of(waiting)) == _content(named, number):
        return waiting
    if waiting:
        await _turn(waiting, AccountState.REPLACED, Verdict(by))
    return await _create(organisation, named, number, by)


@transaction
async def confirm(organisation_id: UUID, verdict: Verdict) -> PayeeAccount:
    """Let money go to the account that waits; the one in force until now is replaced.

    Raises DomainError 403 for whoever named it or ever belonged to the organisation, 404, 409 where none waits, where
    another waits or another document lies with it than was seen, where an agent's has none, or the organisation is not
    verified.
    """
    await held(organisation_id)
    return await put_in_force(await _to_decide(organisation_id, verdict), verdict)


@transaction
async def refuse(organisation_id: UUID, verdict: Verdict) -> PayeeAccount:
    """Refuse the account that waits; the one in force stays. Raises DomainError as `confirm` does."""
    await memberships.hold_open(organisation_id)
    return await _turn(await _to_decide(organisation_id, verdict), AccountState.REFUSED, verdict)


async def require_outsider(row: PayeeAccount, person_id: UUID) -> None:
    """Raise DomainError 403 for who named an account, or has to do with its organisation."""
    if row.named_by_id == person_id:
        raise DomainError("decides_for_own", 403)
    await keeping.require_outsider(row.organisation_id, person_id)


async def account(account_id: UUID) -> PayeeAccount:
    """Return an account with its organisation; raises DomainError 404."""
    named = PayeeAccount.get_or_none(id=account_id).select_related("organisation")
    return found(await named, "payee_account")


async def accounts(organisation_id: UUID) -> Accounts:
    """Return the account in force and the one that waits, each with its organisation."""
    rows = PayeeAccount.filter(organisation_id=organisation_id, state__in=list(IN_USE))
    by_state = {row.state: row for row in await rows.select_related("organisation")}
    return Accounts(by_state.get(AccountState.CONFIRMED), by_state.get(AccountState.PENDING))


async def waiting(organisation_ids: Collection[UUID]) -> set[UUID]:
    """Return those of some organisations that have named an account which waits for finance."""
    rows = PayeeAccount.filter(organisation_id__in=list(organisation_ids), state=AccountState.PENDING)
    return {row.organisation_id for row in await rows.only("id", "organisation_id")}


async def history(organisation_id: UUID, limit: int, cursor: str | None) -> Page[PayeeAccount]:
    """Return a page of all accounts an organisation ever named, the newest first, each with its organisation."""
    rows = PayeeAccount.filter(organisation_id=organisation_id).select_related("organisation")
    return await page(rows, NEWEST_FIRST, limit, cursor)


def number_of(row: PayeeAccount) -> Sensitive | None:
    """Return the number of an account, None once it is kept no longer."""
    return sensitive.unseal(_cell(row.id), Kind.ACCOUNT, row.number_sealed)


def payable(organisation: Organisation) -> bool:
    """Whether money may go to an organisation at all, as it stands."""
    return organisation.state is OrganisationState.VERIFIED and organisation.kind in PAYEES


async def held(organisation_id: UUID) -> Organisation:
    """Hold a verified organisation until the transaction ends; raises DomainError 404, 409 for any other."""
    organisation = await memberships.hold_open(organisation_id)
    if organisation.state is not OrganisationState.VERIFIED:
        raise DomainError("organisation_not_verified", 409)
    return organisation


async def in_state(organisation_id: UUID, state: AccountState) -> PayeeAccount | None:
    """Return the account of an organisation in a state of which there is one at most, with its organisation."""
    return await PayeeAccount.get_or_none(organisation_id=organisation_id, state=state).select_related("organisation")


async def _to_decide(organisation_id: UUID, verdict: Verdict) -> PayeeAccount:
    """Return the account that waits; raises DomainError as `confirm` does."""
    waiting = await in_state(organisation_id, AccountState.PENDING)
    if waiting is None:
        raise DomainError("no_account_waits", 409)
    await require_outsider(waiting, verdict.by)
    if verdict.account_id not in {None, waiting.id} or verdict.document_id not in {None, waiting.document_scan_id}:
        raise DomainError("account_changed", 409)
    return waiting


async def put_in_force(row: PayeeAccount, verdict: Verdict) -> PayeeAccount:
    """Confirm an account of a held organisation, in the place of the one in force."""
    if row.basis is AccountBasis.AGENT_HOLDER and row.document_scan_id is None:
        raise DomainError("document_missing", 409)
    if current := await in_state(row.organisation_id, AccountState.CONFIRMED):
        await _turn(current, AccountState.REPLACED, verdict)
    return await _turn(row, AccountState.CONFIRMED, verdict)


def _checked(named: Named, kind: OrganisationKind) -> str:
    """Return the number in its one spelling; raises DomainError 422 with every field at fault."""
    number, faults = plain(named.number).replace("-", ""), []
    agent = named.basis is AccountBasis.AGENT_HOLDER
    if agent and kind not in AGENT_HELD:
        faults.append(FieldFault("/basis", "agent_for_schools"))
    if not _NUMBER.fullmatch(number):
        faults.append(FieldFault("/number", "account_number"))
    if agent is not bool(named.agent_reason):
        faults.append(FieldFault("/agent_reason", "missing" if agent else "only_for_agents"))
    if faults:
        raise invalid(*faults)
    return number


def _content(named: Named | PayeeAccount, number: Sensitive | str | None) -> tuple[str | None, ...]:
    told = number.reveal() if isinstance(number, Sensitive) else number
    return named.basis, named.holder, named.bank, named.agent_reason, told


async def _create(organisation: Organisation, named: Named, number: str, by: UUID) -> PayeeAccount:
    row_id = new_id()
    made = await PayeeAccount.create(
        id=row_id,
        organisation=organisation,
        basis=named.basis,
        holder=named.holder,
        bank=named.bank,
        number_sealed=sensitive.seal(_cell(row_id), Sensitive(Kind.ACCOUNT, number)),
        number_index=sensitive.vault().index(Kind.ACCOUNT, number),
        agent_reason=named.agent_reason,
        named_by_id=by,
        named_at=clock.now(),
    )
    await tell(made, "named", "", Verdict(by))
    return made


async def _turn(row: PayeeAccount, state: AccountState, verdict: Verdict) -> PayeeAccount:
    """Bring an account into another state; whose decision it was stays with it unless it is merely replaced."""
    before, row.state = row.state, state
    if state is not AccountState.REPLACED:
        row.decided_by_id, row.decided_at, row.reason = verdict.by, clock.now(), verdict.reason
    await row.save(update_fields=["state", "decided_by_id", "decided_at", "reason"])
    await tell(row, state, before, verdict)
    return row


async def tell(row: PayeeAccount, verb: str, before: str, verdict: Verdict) -> None:
    """Leave a change in the history, and tell the organisation's managers and whoever named the account."""
    subject, event = subject_of(row.id), f"payee_account.{verb}"
    await audit.note(subject, event, actor_id=verdict.by, before=before, after=row.state, reason=verdict.reason)
    people = {*await memberships.leading(row.organisation_id), row.named_by_id}
    await outbox.record(event, subject, sorted(people))


def subject_of(account_id: UUID) -> str:
    """Return what the audit calls an account."""
    return f"payee_account:{account_id}"


def _cell(row_id: UUID) -> Cell:
    return Cell("payee_account", "number_sealed", row_id)
