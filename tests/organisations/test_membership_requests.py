"""Asking to become a member: what a request gives, which is nothing, and who may grant it."""

import asyncio

import pytest

from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations import current, memberships, service
from server.organisations.models import Membership, MembershipState, OrganisationState
from server.organisations.roles import Kind, Role
from tests.factories import make_member, make_organisation, make_person

pytestmark = pytest.mark.usefixtures("database")


async def history(membership: Membership) -> list[tuple[str, str]]:
    rows = await AuditEntry.filter(subject=f"membership:{membership.id}").order_by("id")
    return [(row.before, row.after) for row in rows]


async def test_a_request_gives_no_rights_until_it_is_granted() -> None:
    organisation, person = await make_organisation(), await make_person()
    manager = await make_member(organisation, Role.MANAGER)
    requested = await memberships.request(organisation.id, person.id)
    assert (requested.role, requested.state) == (Role.CLERK, MembershipState.REQUESTED)
    assert await current.memberships(person.id) == []
    [event] = await Event.filter(subject=f"membership:{requested.id}")
    assert (event.name, event.people) == ("membership.requested", [str(manager.person_id)])

    await memberships.approve(requested.id, by=manager.person_id)
    assert [held.id for held in await current.memberships(person.id)] == [requested.id]
    assert await history(requested) == [("none", "requested"), ("requested", "clerk")]
    assert await AuditEntry.filter(subject=f"membership:{requested.id}", actor_id=manager.person_id).count() == 1


async def test_asked_again_it_is_the_same_request() -> None:
    organisation, person = await make_organisation(), await make_person()
    asked = await asyncio.gather(*(memberships.request(organisation.id, person.id) for _ in range(6)))
    assert len({one.id for one in asked}) == 1
    assert await history(asked[0]) == [("none", "requested")]
    await memberships.approve(asked[0].id, by=new_id())
    with pytest.raises(DomainError) as refusal:
        await memberships.request(organisation.id, person.id)
    assert (refusal.value.slug, refusal.value.status) == ("already_member", 409)


async def test_of_two_who_grant_at_once_one_does() -> None:
    for _ in range(5):
        requested = await memberships.request((await make_organisation()).id, (await make_person()).id)
        grants = [memberships.approve(requested.id, by=new_id()) for _ in range(2)]
        results = await asyncio.gather(*grants, return_exceptions=True)
        assert [one.slug for one in results if isinstance(one, DomainError)] == ["state_already"]


async def test_a_refused_or_withdrawn_request_is_over_and_may_come_again() -> None:
    organisation, person = await make_organisation(), await make_person()
    manager = (await make_member(organisation, Role.MANAGER)).person_id
    for by, word in ((manager, "removed"), (person.id, "left")):
        requested = await memberships.request(organisation.id, person.id)
        await memberships.end(requested.id, by=by)
        assert await history(requested) == [("none", "requested"), ("requested", word)]
        with pytest.raises(DomainError) as refusal:
            await memberships.approve(requested.id, by=manager)
        assert refusal.value.status == 404


async def test_nobody_grants_their_own_request_and_a_request_has_no_role_to_change() -> None:
    requested = await memberships.request((await make_organisation()).id, (await make_person()).id)
    with pytest.raises(DomainError) as refusal:
        await memberships.approve(requested.id, by=requested.person_id)
    assert refusal.value.status == 403
    with pytest.raises(DomainError) as refusal:
        await memberships.change_role(requested.id, Role.MANAGER, by=None)
    assert (refusal.value.slug, refusal.value.status) == ("membership_requested", 409)


async def test_who_only_asks_to_lead_replaces_no_last_manager_and_may_go_freely() -> None:
    organisation = await make_organisation()
    manager = await make_member(organisation, Role.MANAGER)
    requested = await memberships.request(organisation.id, (await make_person()).id, Role.MANAGER)
    for attempt in (
        memberships.end(manager.id, by=manager.person_id),
        memberships.change_role(manager.id, Role.CLERK, by=manager.person_id),
    ):
        with pytest.raises(DomainError) as refusal:
            await attempt
        assert refusal.value.slug == "last_lead"
    await memberships.end(requested.id, by=requested.person_id)
    unled = await memberships.request((await make_organisation()).id, requested.person_id, Role.MANAGER)
    await memberships.end(unled.id, by=unled.person_id)


async def test_closed_organisations_and_the_secretariat_are_not_asked() -> None:
    closed = await make_organisation(state=OrganisationState.CLOSED)
    person = await make_person()
    for attempt in (
        memberships.request(closed.id, person.id),
        memberships.join(closed.id, person.id, Role.CLERK, by=None),
    ):
        with pytest.raises(DomainError) as refusal:
            await attempt
        assert (refusal.value.slug, refusal.value.status) == ("organisation_closed", 409)
    with pytest.raises(DomainError) as refusal:
        await memberships.request((await make_organisation(Kind.SECRETARIAT)).id, person.id)
    assert refusal.value.status == 422
    with pytest.raises(DomainError) as refusal:
        await memberships.request(new_id(), person.id)
    assert refusal.value.status == 404


async def test_a_request_waits_no_longer_once_its_organisation_has_closed() -> None:
    organisation = await make_organisation()
    requested = await memberships.request(organisation.id, (await make_person()).id)
    await organisation.update_from_dict({"state": OrganisationState.CLOSED}).save()
    with pytest.raises(DomainError) as refusal:
        await memberships.approve(requested.id, by=new_id())
    assert refusal.value.slug == "organisation_closed"


async def test_members_and_who_asks_are_listed_together() -> None:
    organisation = await make_organisation()
    manager = await make_member(organisation, Role.MANAGER)
    requested = await memberships.request(organisation.id, (await make_person()).id)
    found = await service.members(organisation.id, 10, None)
    assert [(one.id, one.state) for one in found.items] == [
        (manager.id, MembershipState.ACTIVE),
        (requested.id, MembershipState.REQUESTED),
    ]
