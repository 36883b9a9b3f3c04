"""Joining, another role, leaving: what fits, who stays behind, and what every change leaves in writing."""

import asyncio

import pytest

from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations import memberships, secretariat
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import STAFF, Kind, Role
from server.people.models import PersonState, Revocation
from tests.factories import make_member, make_organisation, make_person

pytestmark = pytest.mark.usefixtures("database")
OTHER_KINDS = [kind for kind in Kind if kind is not Kind.SECRETARIAT]


async def history(membership: Membership) -> list[tuple[str, str]]:
    rows = await AuditEntry.filter(subject=f"membership:{membership.id}").order_by("id")
    return [(row.before, row.after) for row in rows]


async def events(membership: Membership) -> list[tuple[str, list[str]]]:
    rows = await Event.filter(subject=f"membership:{membership.id}").order_by("id")
    return [(row.name, row.people) for row in rows]


async def test_every_change_is_written_down_and_told_to_all_processes() -> None:
    organisation, person = await make_organisation(), await make_person()
    by = (await make_member(organisation, Role.MANAGER)).person_id
    membership = await memberships.join(organisation.id, person.id, Role.CLERK, by=by)
    await memberships.change_role(membership.id, Role.MANAGER, by=by)
    await memberships.end(membership.id, by=by)
    assert await history(membership) == [("none", "clerk"), ("clerk", "manager"), ("manager", "removed")]
    names = ["membership.began", "membership.role_changed", "membership.ended"]
    assert await events(membership) == [(name, [str(person.id)]) for name in names]
    assert await Revocation.filter(person_id=person.id).count() == 3
    assert await AuditEntry.filter(subject=f"membership:{membership.id}", actor_id=by).count() == 3


async def test_who_ends_their_own_membership_left_it() -> None:
    membership = await make_member(await make_organisation(), Role.CLERK)
    await memberships.end(membership.id, by=membership.person_id)
    assert await history(membership) == [("clerk", "left")]
    with pytest.raises(DomainError) as refusal:
        await memberships.end(membership.id, by=membership.person_id)
    assert refusal.value.status == 404


async def test_whoever_left_may_come_back() -> None:
    organisation, person = await make_organisation(), await make_person()
    first = await memberships.join(organisation.id, person.id, Role.CLERK, by=None)
    with pytest.raises(DomainError) as refusal:
        await memberships.join(organisation.id, person.id, Role.MANAGER, by=None)
    assert (refusal.value.slug, refusal.value.status) == ("already_member", 409)
    await memberships.end(first.id, by=person.id)
    second = await memberships.join(organisation.id, person.id, Role.MANAGER, by=None)
    assert second.id != first.id


async def test_of_simultaneous_joinings_of_one_person_one_holds() -> None:
    organisation, person = await make_organisation(), await make_person()
    joinings = [memberships.join(organisation.id, person.id, Role.CLERK, by=None) for _ in range(8)]
    results = await asyncio.gather(*joinings, return_exceptions=True)
    refused = [result for result in results if isinstance(result, DomainError)]
    assert [refusal.slug for refusal in refused] == ["already_member"] * 7


async def test_the_same_role_again_changes_nothing() -> None:
    membership = await make_member(await make_organisation(), Role.MANAGER)
    assert (await memberships.change_role(membership.id, Role.MANAGER, by=membership.person_id)).role is Role.MANAGER
    assert await history(membership) == []


@pytest.mark.parametrize("kind", OTHER_KINDS)
async def test_the_secretariats_roles_are_its_own(kind: Kind) -> None:
    organisation = await make_organisation(kind)
    membership = await make_member(organisation, Role.CLERK)
    for role in STAFF:
        with pytest.raises(DomainError) as refusal:
            await memberships.change_role(membership.id, role, by=None)
        assert (refusal.value.status, refusal.value.faults[0].pointer) == (422, "/role")
        with pytest.raises(DomainError):
            await memberships.join(organisation.id, (await make_person()).id, role, by=None)
    assert (await Membership.get(id=membership.id)).role is Role.CLERK


@pytest.mark.parametrize("role", [Role.CLERK, Role.MANAGER])
async def test_the_secretariat_has_no_clerks_and_managers(role: Role) -> None:
    organisation = await make_organisation(Kind.SECRETARIAT)
    membership = await make_member(organisation, Role.EDITOR)
    with pytest.raises(DomainError) as refusal:
        await memberships.change_role(membership.id, role, by=None)
    assert refusal.value.status == 422


@pytest.mark.parametrize(
    ("kind", "leading", "other"),
    [(Kind.ENTERPRISE, Role.MANAGER, Role.CLERK), (Kind.SECRETARIAT, Role.ADMIN, Role.REVIEWER)],
)
async def test_the_last_who_leads_stays_until_replaced(kind: Kind, leading: Role, other: Role) -> None:
    organisation = await make_organisation(kind)
    last = await make_member(organisation, leading)
    heir = await make_member(organisation, other)
    await make_member(organisation, leading, await make_person(state=PersonState.SUSPENDED))
    await make_member(await make_organisation(kind), leading)
    for attempt in (
        memberships.end(last.id, by=last.person_id),
        memberships.change_role(last.id, other, by=last.person_id),
    ):
        with pytest.raises(DomainError) as refusal:
            await attempt
        assert (refusal.value.slug, refusal.value.status) == ("last_lead", 409)
    await memberships.change_role(heir.id, leading, by=last.person_id)
    await memberships.end(last.id, by=last.person_id)
    assert await Membership.filter(organisation=organisation, role=leading, ended_at=None).count() == 2


@pytest.mark.parametrize("verb", ["leave", "step down"])
async def test_two_last_managers_do_not_both_go_at_once(verb: str) -> None:
    for _ in range(5):
        organisation = await make_organisation()
        both = [await make_member(organisation, Role.MANAGER) for _ in range(2)]
        goings = [
            memberships.end(one.id, by=one.person_id)
            if verb == "leave"
            else memberships.change_role(one.id, Role.CLERK, by=one.person_id)
            for one in both
        ]
        results = await asyncio.gather(*goings, return_exceptions=True)
        assert [type(result) for result in results].count(DomainError) == 1
        assert await Membership.filter(organisation=organisation, role=Role.MANAGER, ended_at=None).count() == 1


async def test_unknown_ones_are_404() -> None:
    organisation, person = await make_organisation(), await make_person()
    for attempt in (
        memberships.join(new_id(), person.id, Role.CLERK, by=None),
        memberships.join(organisation.id, new_id(), Role.CLERK, by=None),
        memberships.change_role(new_id(), Role.CLERK, by=None),
        memberships.end(new_id(), by=person.id),
    ):
        with pytest.raises(DomainError) as refusal:
            await attempt
        assert refusal.value.status == 404


async def test_the_first_administrator_is_made_once_and_another_only_on_demand() -> None:
    first, second = await make_person(), await make_person()
    with pytest.raises(DomainError) as refusal:
        await secretariat.make_admin(new_id())
    assert refusal.value.status == 404
    assert not await Organisation.exists(id=secretariat.SECRETARIAT_ID)
    made = await secretariat.make_admin(first.id)
    assert (made.role, made.organisation_id) == (Role.ADMIN, secretariat.SECRETARIAT_ID)
    assert await history(made) == [("none", "admin")]
    with pytest.raises(DomainError) as refusal:
        await secretariat.make_admin(second.id)
    assert refusal.value.slug == "administrator_exists"
    editor = await memberships.join(secretariat.SECRETARIAT_ID, second.id, Role.EDITOR, by=first.id)
    assert (await secretariat.make_admin(second.id, another=True)).id == editor.id
    assert await history(editor) == [("none", "editor"), ("editor", "admin")]
    assert await Organisation.filter(kind=Kind.SECRETARIAT, id=secretariat.SECRETARIAT_ID).count() == 1


async def test_an_administrator_who_may_not_act_keeps_no_other_from_being_made() -> None:
    for state in (PersonState.SUSPENDED, PersonState.DELETION_REQUESTED):
        await Membership.filter(organisation_id=secretariat.SECRETARIAT_ID, ended_at=None).update(role=Role.EDITOR)
        gone = await make_person()
        await secretariat.make_admin(gone.id)
        await gone.update_from_dict({"state": state}).save()
        made = await secretariat.make_admin((await make_person()).id)
        assert await memberships.leading(secretariat.SECRETARIAT_ID) == [made.person_id]


@pytest.mark.parametrize("state", [OrganisationState.APPLIED, OrganisationState.REJECTED])
async def test_what_came_to_nothing_is_closed_when_its_founder_leaves(state: OrganisationState) -> None:
    organisation = await make_organisation(Kind.ENTERPRISE, state=state)
    founder = await make_member(organisation, Role.MANAGER)
    asking = await memberships.request(organisation.id, (await make_person()).id)
    with pytest.raises(DomainError, match="last_lead"):
        await memberships.change_role(founder.id, Role.CLERK, by=founder.person_id)
    await memberships.end(founder.id, by=founder.person_id)
    closed = await Organisation.get(id=organisation.id)
    assert (closed.state, closed.version) == (OrganisationState.CLOSED, organisation.version + 1)
    assert await history(founder) == [("manager", "left")]
    assert (await history(asking))[-1] == ("requested", "closed")
    entry = await AuditEntry.get(subject=f"organisation:{organisation.id}", action="organisation.closed")
    assert (entry.actor_id, entry.before, entry.after) == (founder.person_id, state, "closed")
    assert (await Event.get(subject=f"organisation:{organisation.id}")).people == [str(founder.person_id)]


async def test_the_founder_of_an_applied_organisation_with_others_in_it_stays() -> None:
    organisation = await make_organisation(Kind.ENTERPRISE, state=OrganisationState.APPLIED)
    founder = await make_member(organisation, Role.MANAGER)
    await make_member(organisation, Role.CLERK)
    with pytest.raises(DomainError, match="last_lead"):
        await memberships.end(founder.id, by=founder.person_id)
    assert (await Organisation.get(id=organisation.id)).state is OrganisationState.APPLIED
