"""Payee accounts: named by one, confirmed by another, and never two of a kind at once."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import IntegrityError

from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.kernel.sensitive import Kind as Sealed
from server.kernel.sensitive import Sensitive
from server.organisations import memberships, payee_accounts, payee_warnings
from server.organisations.models import AccountBasis, AccountState, Organisation, OrganisationState, PayeeAccount
from server.organisations.payee_accounts import Named, Verdict
from server.organisations.roles import Kind, Role
from tests.factories import make_member, make_organisation, make_person

pytestmark = pytest.mark.usefixtures("database")
NUMBER = "6217000012345678904"
OWN = Named(AccountBasis.OWN_ACCOUNT, "江畔中学（示例）", "宜城农商银行（示例）", NUMBER)
AGENT = Named(
    AccountBasis.AGENT_HOLDER, "怀宁县会计核算中心（示例）", "宜城农商银行（示例）", NUMBER, "县直学校统一核算"
)


async def school(kind: Kind = Kind.FEEDER_SCHOOL) -> tuple[Organisation, UUID]:
    """An organisation that is paid, and its manager."""
    organisation = await make_organisation(kind)
    return organisation, (await make_member(organisation, Role.MANAGER)).person_id


async def slug_of(attempt: object) -> str:
    with pytest.raises(DomainError) as refusal:
        await attempt  # type: ignore[misc]
    return refusal.value.slug


async def states(organisation: Organisation) -> list[AccountState]:
    return [row.state for row in await PayeeAccount.filter(organisation=organisation).order_by("id")]


async def test_a_changed_account_counts_once_it_is_confirmed() -> None:
    organisation, manager = await school()
    finance = new_id()
    first = await payee_accounts.name(organisation.id, OWN, by=manager)
    assert await payee_accounts.accounts(organisation.id) == payee_accounts.Accounts(None, first)
    await payee_accounts.confirm(organisation.id, Verdict(finance, "与开户许可证一致"))
    second = await payee_accounts.name(organisation.id, replace(OWN, number="6217000099999999"), by=manager)
    found = await payee_accounts.accounts(organisation.id)
    assert (found.current, found.pending) == (first, second)
    await payee_accounts.confirm(organisation.id, Verdict(finance))
    found = await payee_accounts.accounts(organisation.id)
    assert (found.current, found.pending) == (second, None)
    past = await payee_accounts.history(organisation.id, 10, None)
    assert [(row.id, row.state, row.decided_by_id, row.reason) for row in past.items] == [
        (second.id, AccountState.CONFIRMED, finance, ""),
        (first.id, AccountState.REPLACED, finance, "与开户许可证一致"),
    ]
    rows = await AuditEntry.filter(subject=f"payee_account:{first.id}").order_by("id")
    assert [(row.after, row.actor_id) for row in rows] == [
        ("pending", manager),
        ("confirmed", finance),
        ("replaced", finance),
    ]
    assert await Event.filter(subject=f"payee_account:{first.id}").count() == 3
    assert (await Event.filter(subject=f"payee_account:{first.id}").first()).people == [str(manager)]  # type: ignore[union-attr]


async def test_a_refused_account_leaves_the_one_in_force() -> None:
    organisation, manager = await school()
    await payee_accounts.name(organisation.id, OWN, by=manager)
    await payee_accounts.confirm(organisation.id, Verdict(new_id()))
    await payee_accounts.name(organisation.id, AGENT, by=manager)
    refused = await payee_accounts.refuse(organisation.id, Verdict(new_id(), "缺少代管协议"))
    assert (refused.state, refused.reason) == (AccountState.REFUSED, "缺少代管协议")
    assert await states(organisation) == [AccountState.CONFIRMED, AccountState.REFUSED]
    assert await slug_of(payee_accounts.refuse(organisation.id, Verdict(new_id(), "再次"))) == "no_account_waits"


async def test_the_number_is_nowhere_in_clear(database: BaseDBAsyncClient) -> None:
    organisation, manager = await school()
    row = await payee_accounts.name(organisation.id, replace(OWN, number="６２１７ 0000-8765 4321"), by=manager)
    [stored] = await database.execute_query_dict(f"SELECT * FROM payee_account WHERE id = '{row.id}'")  # noqa: S608
    assert "6217000087654321" not in str(dict(stored))
    assert payee_accounts.number_of(row) == Sensitive(Sealed.ACCOUNT, "6217000087654321")
    assert str(payee_accounts.number_of(row)) == "************4321"


async def test_the_same_account_again_changes_nothing_and_another_takes_its_place() -> None:
    organisation, manager = await school()
    first = await payee_accounts.name(organisation.id, OWN, by=manager)
    assert (await payee_accounts.name(organisation.id, replace(OWN, number=f" {NUMBER} "), by=manager)).id == first.id
    other = await payee_accounts.name(organisation.id, replace(OWN, bank="宜城另一银行（示例）"), by=manager)
    assert await states(organisation) == [AccountState.REPLACED, AccountState.PENDING]
    seen = Verdict(new_id(), account_id=first.id)
    assert await slug_of(payee_accounts.confirm(organisation.id, seen)) == "account_changed"
    assert await slug_of(payee_accounts.refuse(organisation.id, replace(seen, reason="户名不符"))) == "account_changed"
    await payee_accounts.confirm(organisation.id, Verdict(new_id(), account_id=other.id))


async def test_four_eyes() -> None:
    """Neither who named it nor who is, was or asked to be a member decides, whatever other role they hold."""
    organisation, manager = await school()
    colleague = (await make_member(organisation, Role.CLERK)).person_id
    left = await make_member(organisation, Role.CLERK)
    await memberships.end(left.id, by=left.person_id)
    asking = (await make_person()).id
    await memberships.request(organisation.id, asking)
    await payee_accounts.name(organisation.id, OWN, by=manager)
    for person_id in (manager, colleague, left.person_id, asking):
        verdict = Verdict(person_id, "同意")
        assert await slug_of(payee_accounts.confirm(organisation.id, verdict)) == "decides_for_own"
        assert await slug_of(payee_accounts.refuse(organisation.id, verdict)) == "decides_for_own"
    gone = await make_organisation()
    named_by = (await make_person()).id
    await payee_accounts.name(gone.id, OWN, by=named_by)
    assert await slug_of(payee_accounts.confirm(gone.id, Verdict(named_by))) == "decides_for_own"


@pytest.mark.parametrize("kind", [Kind.AGENCY, Kind.AUTHORITY, Kind.SECRETARIAT])
async def test_some_are_never_paid(kind: Kind) -> None:
    organisation, manager = await school(kind)
    assert await slug_of(payee_accounts.name(organisation.id, OWN, by=manager)) == "never_paid"


@pytest.mark.parametrize("state", [state for state in OrganisationState if state is not OrganisationState.VERIFIED])
async def test_only_the_verified_name_accounts_and_get_them_confirmed(state: OrganisationState) -> None:
    organisation, manager = await school()
    await payee_accounts.name(organisation.id, OWN, by=manager)
    await organisation.update_from_dict({"state": state}).save()
    assert await slug_of(payee_accounts.name(organisation.id, AGENT, by=manager)) in {
        "organisation_not_verified",
        "organisation_closed",
    }
    assert await slug_of(payee_accounts.confirm(organisation.id, Verdict(new_id()))) in {
        "organisation_not_verified",
        "organisation_closed",
    }


@pytest.mark.parametrize("number", ["1234567", "1" * 31, "", "12345678x", "1234567\u0668", "-", "6217 0000 一二三四"])
async def test_every_field_at_fault_is_named(number: str) -> None:
    organisation, manager = await school(Kind.ENTERPRISE)
    with pytest.raises(DomainError) as refusal:
        await payee_accounts.name(organisation.id, replace(AGENT, number=number, agent_reason=""), by=manager)
    assert [fault.pointer for fault in refusal.value.faults] == ["/basis", "/number", "/agent_reason"]
    with pytest.raises(DomainError) as refusal:
        await payee_accounts.name(organisation.id, replace(OWN, agent_reason="代管"), by=manager)
    assert [fault.code for fault in refusal.value.faults] == ["only_for_agents"]


async def test_a_number_that_others_use_is_counted_never_refused() -> None:
    number = "340800990011223344"
    agent = replace(AGENT, number=number)
    rows = []
    for _ in range(3):
        organisation, manager = await school()
        await payee_accounts.name(organisation.id, replace(agent, bank="旧行（示例）"), by=manager)
        rows.append(await payee_accounts.name(organisation.id, agent, by=manager))
    await PayeeAccount.filter(id=rows[0].id).update(document_scan_id=new_id())
    await payee_accounts.confirm(rows[0].organisation_id, Verdict(new_id()))
    await payee_accounts.name(rows[0].organisation_id, replace(agent, bank="新行（示例）"), by=new_id())
    assert list((await payee_warnings.also_used_by(rows)).values()) == [2, 2, 2]
    await payee_accounts.refuse(rows[1].organisation_id, Verdict(new_id(), "不符"))
    assert list((await payee_warnings.also_used_by(rows)).values()) == [1, 2, 1]


async def test_an_own_account_under_another_name_is_flagged() -> None:
    organisation, manager = await school()
    for named, differs in (
        (OWN, False),
        (replace(OWN, holder="江畔中学 （示例）"), False),
        (replace(OWN, holder="程守正"), True),
        (AGENT, False),
    ):
        await payee_accounts.name(organisation.id, named, by=manager)
        pending = (await payee_accounts.accounts(organisation.id)).pending
        assert pending
        assert payee_warnings.holder_differs(pending) is differs


async def test_of_simultaneous_namings_and_confirmings_one_stands() -> None:
    for _ in range(3):
        organisation, manager = await school()
        banks = [replace(OWN, bank=f"第{number}支行（示例）") for number in range(4)]
        await asyncio.gather(*(payee_accounts.name(organisation.id, one, by=manager) for one in banks))
        assert sorted(await states(organisation)) == ["pending", *["replaced"] * 3]
        confirmings = [payee_accounts.confirm(organisation.id, Verdict(new_id())) for _ in range(4)]
        results = await asyncio.gather(*confirmings, return_exceptions=True)
        assert [one.slug for one in results if isinstance(one, DomainError)] == ["no_account_waits"] * 3


@pytest.mark.parametrize("state", [AccountState.PENDING, AccountState.CONFIRMED])
async def test_the_database_itself_holds_one_of_each(state: AccountState) -> None:
    organisation, manager = await school()
    await payee_accounts.name(organisation.id, OWN, by=manager)
    if state is AccountState.CONFIRMED:
        await payee_accounts.confirm(organisation.id, Verdict(new_id()))
    row = await PayeeAccount.get(organisation=organisation)
    with pytest.raises(IntegrityError):
        await row.clone(pk=new_id()).save(force_create=True)
