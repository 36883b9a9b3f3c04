"""Appeals against refused accounts: by a manager, once, decided by finance, and by another than who refused."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from server.access.rules import Caller, Post
from server.appeals import service
from server.appeals.models import Appeal, AppealState
from server.appeals.service import Verdict, judge
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations import payee_accounts
from server.organisations.models import AccountState, OrganisationState, PayeeAccount
from server.organisations.roles import Kind, Role
from tests.factories import make_member, make_organisation, make_person
from tests.organisations.test_payee_accounts import AGENT, OWN, slug_of

pytestmark = pytest.mark.usefixtures("database")
WHY = "证明材料与账户一致"


def staff(role: Role = Role.FINANCE, person_id: UUID | None = None) -> Caller:
    return Caller(person_id or new_id(), new_id(), (Post(new_id(), Kind.SECRETARIAT, role),))


async def refused(named: payee_accounts.Named = OWN) -> tuple[PayeeAccount, Caller, UUID]:
    """An account that was refused, its manager, and who refused it; another is in force."""
    organisation = await make_organisation()
    manager = (await make_member(organisation, Role.MANAGER)).person_id
    await payee_accounts.name(organisation.id, replace(OWN, bank="旧行（示例）"), by=manager)
    await payee_accounts.confirm(organisation.id, payee_accounts.Verdict(new_id()))
    await payee_accounts.name(organisation.id, named, by=manager)
    by = new_id()
    row = await payee_accounts.refuse(organisation.id, payee_accounts.Verdict(by, "户名不符"))
    return row, Caller(manager, new_id(), (Post(organisation.id, Kind.FEEDER_SCHOOL, Role.MANAGER),)), by


async def appealed(named: payee_accounts.Named = OWN) -> tuple[PayeeAccount, Caller, UUID, Appeal]:
    row, manager, by = await refused(named)
    return row, manager, by, await service.appeal(f"payee_account:{row.id}", WHY, manager)


async def states(row: PayeeAccount) -> list[AccountState]:
    rows = PayeeAccount.filter(organisation_id=row.organisation_id).order_by("id")
    return [one.state for one in await rows]


async def test_an_overturned_refusal_puts_the_account_in_force() -> None:
    row, manager, by, appeal = await appealed()
    assert (appeal.refused_by_id, appeal.state) == (by, AppealState.OPEN)
    other = staff()
    judged = await judge(appeal.id, Verdict.OVERTURN, other, WHY)
    assert (judged.state, judged.decided_by_id) == (AppealState.OVERTURNED, other.person_id)
    assert await states(row) == [AccountState.REPLACED, AccountState.CONFIRMED]
    assert (await PayeeAccount.get(id=row.id)).decided_by_id == other.person_id
    entries = await AuditEntry.filter(subject=f"payee_account:{row.id}").order_by("id")
    assert [(one.action, one.before, one.after) for one in entries] == [
        ("payee_account.named", "", "pending"),
        ("payee_account.refused", "pending", "refused"),
        ("appeal.made", "", "open"),
        ("payee_account.confirmed", "refused", "confirmed"),
        ("appeal.overturned", "open", "overturned"),
    ]
    [event] = await Event.filter(name="appeal.overturned", subject=f"appeal:{appeal.id}")
    assert event.people == [str(manager.person_id)]


async def test_an_upheld_refusal_stands_and_is_not_appealed_against_again() -> None:
    row, manager, _, appeal = await appealed()
    assert await slug_of(service.appeal(appeal.subject, "再说一次", manager)) == "already_appealed"
    await judge(appeal.id, Verdict.UPHOLD, staff(), WHY)
    assert await states(row) == [AccountState.CONFIRMED, AccountState.REFUSED]
    assert await slug_of(service.appeal(appeal.subject, "再说一次", manager)) == "already_appealed"
    assert await slug_of(judge(appeal.id, Verdict.OVERTURN, staff(), WHY)) == "appeal_decided"


async def test_only_another_of_finance_decides_and_nobody_of_the_organisation() -> None:
    row, manager, by, appeal = await appealed()
    member = (await make_member(await row.organisation, Role.CLERK)).person_id
    for caller, slug in (
        (staff(Role.REVIEWER), "not_yours_to_do"),
        (staff(Role.ADMIN), "not_yours_to_do"),
        (manager, "not_yours_to_do"),
        (staff(person_id=by), "another_person"),
        (staff(person_id=member), "decides_for_own"),
        (staff(person_id=row.named_by_id), "decides_for_own"),
    ):
        assert await slug_of(judge(appeal.id, Verdict.OVERTURN, caller, WHY)) == slug
    assert (await states(row))[-1] is AccountState.REFUSED


async def test_only_managers_of_the_organisation_appeal_and_only_where_something_was_refused() -> None:
    row, manager, _ = await refused()
    subject = f"payee_account:{row.id}"
    clerk = Caller(new_id(), new_id(), (Post(row.organisation_id, Kind.FEEDER_SCHOOL, Role.CLERK),))
    assert await slug_of(service.appeal(subject, WHY, clerk)) == "not_yours_to_do"
    assert await slug_of(service.appeal(subject, WHY, staff())) == "not_yours_to_do"
    assert await slug_of(service.appeal(subject, WHY, Caller((await make_person()).id, new_id()))) == "not_found"
    assert await slug_of(service.appeal(f"payee_account:{new_id()}", WHY, manager)) == "not_found"
    in_force = await PayeeAccount.get(organisation_id=row.organisation_id, state=AccountState.CONFIRMED)
    assert await slug_of(service.appeal(f"payee_account:{in_force.id}", WHY, manager)) == "nothing_refused"


async def test_what_was_overtaken_is_not_confirmed_any_more() -> None:
    row, manager, _, appeal = await appealed()
    await payee_accounts.name(row.organisation_id, replace(OWN, bank="新行（示例）"), by=manager.person_id)
    assert await slug_of(judge(appeal.id, Verdict.OVERTURN, staff(), WHY)) == "nothing_refused"
    assert (await judge(appeal.id, Verdict.UPHOLD, staff(), WHY)).state is AppealState.UPHELD
    assert await states(row) == [AccountState.CONFIRMED, AccountState.REFUSED, AccountState.PENDING]


@pytest.mark.parametrize("state", [OrganisationState.SUSPENDED, OrganisationState.LAPSED, OrganisationState.CLOSED])
async def test_an_organisation_that_is_not_verified_any_more_is_not_paid(state: OrganisationState) -> None:
    row, _, _, appeal = await appealed()
    await (await row.organisation).update_from_dict({"state": state}).save()
    slug = await slug_of(judge(appeal.id, Verdict.OVERTURN, staff(), WHY))
    assert slug in {"organisation_not_verified", "organisation_closed"}
    assert (await judge(appeal.id, Verdict.UPHOLD, staff(), WHY)).state is AppealState.UPHELD


async def test_an_agents_account_needs_its_document_after_an_appeal_as_well() -> None:
    row, _, _, appeal = await appealed(AGENT)
    assert await slug_of(judge(appeal.id, Verdict.OVERTURN, staff(), WHY)) == "document_missing"
    assert (await Appeal.get(id=appeal.id)).state is AppealState.OPEN
    await PayeeAccount.filter(id=row.id).update(document_scan_id=new_id())
    await judge(appeal.id, Verdict.OVERTURN, staff(), WHY)
    assert (await states(row))[-1] is AccountState.CONFIRMED


async def test_of_many_of_finance_who_decide_at_once_one_wins() -> None:
    row, _, _, appeal = await appealed()
    verdicts = [Verdict.OVERTURN, Verdict.UPHOLD] * 2
    outcomes = await asyncio.gather(
        *(judge(appeal.id, verdict, staff(), WHY) for verdict in verdicts), return_exceptions=True
    )
    [won] = [one for one in outcomes if isinstance(one, Appeal)]
    assert {one.slug for one in outcomes if isinstance(one, DomainError)} == {"appeal_decided"}
    confirmed = (await states(row)) == [AccountState.REPLACED, AccountState.CONFIRMED]
    assert confirmed is (won.state is AppealState.OVERTURNED)


async def test_each_sees_what_they_decide_on_and_who_appealed_sees_their_own() -> None:
    _, manager, _, appeal = await appealed()
    other = await Appeal.create(
        subject=f"organisation:{new_id()}", refusal_id=new_id(), person_id=manager.person_id, reason=WHY,
        created_at=appeal.created_at,
    )  # fmt: skip

    async def listed(caller: Caller) -> set[UUID]:
        return {one.id for one in (await service.appeals(AppealState.OPEN, caller, 100, None)).items}

    both = {appeal.id, other.id}
    assert both & await listed(staff()) == {appeal.id}
    assert both & await listed(staff(Role.REVIEWER)) == {other.id}
    assert await listed(staff(Role.EDITOR)) == set()
    one_for_all = staff()
    assert both <= await listed(replace(one_for_all, posts=(*one_for_all.posts, *staff(Role.REVIEWER).posts)))
    assert [one.id for one in (await service.of_person(manager.person_id, 10, None)).items] == [other.id, appeal.id]
    assert (await service.of_person(new_id(), 10, None)).items == []
    assert (await service.shown(other.id, manager)).id == other.id
    assert await slug_of(service.shown(other.id, staff())) == "not_yours_to_do"
