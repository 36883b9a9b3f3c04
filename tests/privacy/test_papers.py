"""Scans of licences and numbers of past accounts go after their periods, and not before."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from server.access.rules import Caller, Post
from server.appeals import service as appeals
from server.gateways.files import Files
from server.kernel import audit, clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.organisations import payee_accounts, payee_warnings, scans, standing
from server.organisations.models import AccountState, Organisation, OrganisationState, PayeeAccount
from server.organisations.payee_accounts import Verdict
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from server.privacy import retention
from server.privacy.rules import Kept
from tests.factories import make_member, make_organisation
from tests.organisations.test_payee_accounts import AGENT, OWN
from tests.privacy.test_retention import RULES, later, period

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "files", {"k1": b"1" * 32})


async def school() -> tuple[UUID, UUID]:
    organisation = await make_organisation()
    return organisation.id, (await make_member(organisation, Role.MANAGER)).person_id


async def named(organisation_id: UUID, by: UUID, files: Files, bank: str = "示例银行") -> PayeeAccount:
    """An agent's account that waits, with its document."""
    row = await payee_accounts.name(organisation_id, replace(AGENT, bank=bank), by=by)
    scan_id = new_id()
    await files.write(scan_id, b"a document")
    await PayeeAccount.filter(id=row.id).update(document_scan_id=scan_id)
    return await payee_accounts.account(row.id)


async def kept(row: PayeeAccount) -> bool:
    """Whether number and document are still there; what was decided always is."""
    found = await PayeeAccount.get(id=row.id)
    there = {bool(value) for value in (found.number_sealed, found.number_index, found.document_scan_id)}
    assert len(there) == 1
    assert (found.holder, found.named_by_id) == (row.holder, row.named_by_id)
    return there.pop()


async def test_a_refused_account_loses_its_number_and_document(files: Files) -> None:
    organisation_id, manager = await school()
    row = await named(organisation_id, manager, files)
    await payee_accounts.refuse(organisation_id, Verdict(new_id(), "不符"))
    later(period(Kept.PAYEE_ACCOUNT_UNUSED) - 1)
    await audit.note(f"payee_account:{row.id}", "payee_account.revealed", actor_id=new_id())
    await retention.retain(RULES)
    assert await kept(row)
    assert row.document_scan_id
    later(2)
    assert (await retention.retain(RULES))[Kept.PAYEE_ACCOUNT_UNUSED] >= 1
    assert not await kept(row), "a look keeps nothing"
    cleared = await payee_accounts.account(row.id)
    assert (payee_accounts.number_of(cleared), await payee_warnings.also_used_by([cleared])) == (None, {cleared.id: 0})
    assert (await scans.sweep(files))["scans"] == 1
    with pytest.raises(FileNotFoundError):
        await files.read(row.document_scan_id)
    caller = Caller(manager, new_id(), (Post(organisation_id, Kind.FEEDER_SCHOOL, Role.MANAGER),))
    with pytest.raises(DomainError, match="nothing_refused"):
        await appeals.appeal(f"payee_account:{row.id}", "太晚了", caller)


async def test_one_that_an_appeal_waits_on_stays(files: Files) -> None:
    organisation_id, manager = await school()
    row = await named(organisation_id, manager, files)
    await payee_accounts.refuse(organisation_id, Verdict(new_id(), "不符"))
    caller = Caller(manager, new_id(), (Post(organisation_id, Kind.FEEDER_SCHOOL, Role.MANAGER),))
    made = await appeals.appeal(f"payee_account:{row.id}", "证明在此", caller)
    later(period(Kept.PAYEE_ACCOUNT_UNUSED) + 1)
    await retention.retain(RULES)
    assert await kept(row)
    judge = Caller(new_id(), new_id(), (Post(new_id(), Kind.SECRETARIAT, Role.FINANCE),))
    await appeals.judge(made.id, appeals.Verdict.OVERTURN, judge, "证明有效")
    later(4000)
    await retention.retain(RULES)
    assert await kept(row), "in force"


async def test_a_replaced_account_stays_longer_if_it_was_in_force(files: Files) -> None:
    organisation_id, manager = await school()
    was = await named(organisation_id, manager, files)
    await payee_accounts.confirm(organisation_id, Verdict(new_id()))
    never = await named(organisation_id, manager, files, "另一银行（示例）")
    current = await named(organisation_id, manager, files, "第三银行（示例）")
    await payee_accounts.confirm(organisation_id, Verdict(new_id()))
    assert await PayeeAccount.filter(organisation_id=organisation_id, state=AccountState.REPLACED).count() == 2
    later(period(Kept.PAYEE_ACCOUNT_UNUSED) + 1)
    await retention.retain(RULES)
    assert [await kept(row) for row in (was, never, current)] == [True, False, True]
    later(period(Kept.PAYEE_ACCOUNT) - period(Kept.PAYEE_ACCOUNT_UNUSED))
    await retention.retain(RULES)
    assert [await kept(row) for row in (was, current)] == [False, True]
    assert (await scans.sweep(files))["scans"] == 2


async def test_what_a_closed_organisation_left_goes_after_its_closing(files: Files) -> None:
    organisation_id, manager = await school()
    row = await named(organisation_id, manager, files)
    await payee_accounts.confirm(organisation_id, Verdict(new_id()))
    later(period(Kept.PAYEE_ACCOUNT) + 1)
    licence = new_id()
    await Organisation.filter(id=organisation_id).update(licence_scan_id=licence)
    await standing.close(organisation_id, Decider(new_id(), "已撤并"))
    await retention.retain(RULES)
    assert await kept(row)
    later(period(Kept.LICENCE_CLOSED) - 1)
    await audit.note(f"organisation:{organisation_id}", "organisation.licence_viewed", actor_id=new_id())
    await retention.retain(RULES)
    assert (await Organisation.get(id=organisation_id)).licence_scan_id == licence
    later(2)
    await retention.retain(RULES)
    assert (await Organisation.get(id=organisation_id)).licence_scan_id is None
    assert not await kept(row)


async def test_the_licence_of_a_rejected_organisation_goes_unless_it_applied_again() -> None:
    rows = [await make_organisation(Kind.ENTERPRISE, licence_scan_id=new_id()) for _ in range(3)]
    rejected, again, verified = rows
    await Organisation.filter(id__in=[rejected.id, again.id]).update(state=OrganisationState.REJECTED)
    later(period(Kept.LICENCE_REJECTED) - 1)
    await audit.note(f"organisation:{again.id}", "organisation.rejected", actor_id=None)
    later(2)
    await retention.retain(RULES)
    left = {row.id for row in await Organisation.filter(licence_scan_id__isnull=False)}
    assert (rejected.id in left, again.id in left, verified.id in left) == (False, True, True)


async def test_an_own_account_has_no_document_and_goes_alike() -> None:
    organisation_id, manager = await school()
    row = await payee_accounts.name(organisation_id, OWN, by=manager)
    await payee_accounts.refuse(organisation_id, Verdict(new_id(), "不符"))
    clock.move_to(clock.now() + timedelta(days=period(Kept.PAYEE_ACCOUNT_UNUSED) + 1))
    await retention.retain(RULES)
    assert (await PayeeAccount.get(id=row.id)).number_sealed is None
