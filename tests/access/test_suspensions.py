"""The secretariat keeps an administrator who may act, whatever its administrators decide at one moment."""

import asyncio

import pytest

from server.access import suspensions
from server.access.rules import Caller, Post
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.organisations import memberships
from server.organisations.models import Membership, Organisation
from server.organisations.roles import Kind, Role
from server.people.models import Person, PersonState
from tests.factories import make_member, make_organisation, make_person

pytestmark = pytest.mark.usefixtures("database")


def caller(membership: Membership, organisation: Organisation) -> Caller:
    """Whoever holds a membership, as their request was let in: with the rights that they had then."""
    return Caller(membership.person_id, new_id(), (Post(organisation.id, organisation.kind, membership.role),))


async def two_admins() -> tuple[Organisation, Membership, Membership]:
    organisation = await make_organisation(Kind.SECRETARIAT)
    return organisation, await make_member(organisation, Role.ADMIN), await make_member(organisation, Role.ADMIN)


async def test_of_two_last_administrators_who_suspend_each_other_one_stays() -> None:
    for _ in range(8):
        organisation, one, other = await two_admins()
        results = await asyncio.gather(
            suspensions.suspend(other.person_id, caller(one, organisation), "为何"),
            suspensions.suspend(one.person_id, caller(other, organisation), "为何"),
            return_exceptions=True,
        )
        assert [error.status for error in results if isinstance(error, DomainError)] == [403]
        assert len(await memberships.leading(organisation.id)) == 1


@pytest.mark.parametrize("verb", ["demote", "remove"])
async def test_a_suspension_beside_a_demotion_or_removal_leaves_one(verb: str) -> None:
    for number in range(8):
        organisation, one, other = await two_admins()
        both = [
            suspensions.suspend(other.person_id, caller(one, organisation), "为何"),
            memberships.change_role(one.id, Role.EDITOR, by=other.person_id)
            if verb == "demote"
            else memberships.end(one.id, by=other.person_id),
        ]
        results = await asyncio.gather(*(both if number % 2 else reversed(both)), return_exceptions=True)
        assert [error.status for error in results if isinstance(error, DomainError)] == [403]
        assert len(await memberships.leading(organisation.id)) == 1


async def test_who_lost_the_role_or_was_suspended_decides_nothing_any_more() -> None:
    organisation, one, other = await two_admins()
    third = await make_member(organisation, Role.ADMIN)
    late = caller(one, organisation)
    await memberships.change_role(one.id, Role.REVIEWER, by=other.person_id)
    await suspensions.suspend(third.person_id, caller(other, organisation), "为何")
    for attempt in (
        suspensions.suspend(other.person_id, late, "为何"),
        suspensions.restore(third.person_id, late, "为何"),
        memberships.end(other.id, by=one.person_id),
        memberships.change_role(other.id, Role.EDITOR, by=third.person_id),
    ):
        with pytest.raises(DomainError) as refusal:
            await attempt
        assert (refusal.value.slug, refusal.value.status) == ("not_yours_to_do", 403)
    assert await memberships.leading(organisation.id) == [other.person_id]
    with pytest.raises(DomainError) as refusal:
        await suspensions.suspend(other.person_id, caller(other, organisation), "为何")
    assert refusal.value.slug == "not_over_yourself"


async def test_others_are_suspended_by_reviewers_as_ever() -> None:
    organisation, _, _ = await two_admins()
    reviewer, pupil = await make_member(organisation, Role.REVIEWER), await make_person()
    await suspensions.suspend(pupil.id, caller(reviewer, organisation), "为何")
    assert (await Person.get(id=pupil.id)).state is PersonState.SUSPENDED
