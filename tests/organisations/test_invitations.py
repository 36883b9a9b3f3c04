"""Invitations: who gets in by a code, and by which codes nobody does."""

import asyncio
import re
from collections.abc import Awaitable
from datetime import timedelta
from uuid import UUID

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.gateways.cache import Cache
from server.gateways.limits import Limits
from server.gateways.vault import Vault
from server.kernel import clock, sensitive
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations import current, invitations, memberships
from server.organisations.invitations import InvitationState
from server.organisations.models import Invitation, Membership, Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from server.people.models import PersonState
from tests.factories import make_member, make_organisation, make_person

pytestmark = pytest.mark.usefixtures("database")
WEEK = 7


async def invited(role: Role = Role.CLERK, kind: Kind = Kind.ENTERPRISE) -> tuple[Membership, Invitation, str]:
    """A manager, and an invitation of theirs with its code."""
    leading = Role.ADMIN if kind is Kind.SECRETARIAT else Role.MANAGER
    manager = await make_member(await make_organisation(kind), leading)
    made = await invitations.make(manager.organisation_id, role, WEEK, by=manager.person_id)
    code = invitations.code_of(made)
    assert code
    return manager, made, code


async def refusal_of(code: str) -> tuple[str, int, str]:
    with pytest.raises(DomainError) as refusal:
        await invitations.accept(code, (await make_person()).id)
    return refusal.value.slug, refusal.value.status, refusal.value.faults[0].code


async def state_of(made: Invitation) -> InvitationState:
    [found] = (await invitations.invitations(made.organisation_id, 10, None)).items
    return found.state


REFUSED = ("invalid", 422, "invitation_code")


@pytest.mark.parametrize(
    ("kind", "role"), [(Kind.ENTERPRISE, Role.CLERK), (Kind.AGENCY, Role.MANAGER), (Kind.SECRETARIAT, Role.FINANCE)]
)
async def test_who_has_the_code_joins_with_the_role_and_the_code_is_used_up(kind: Kind, role: Role) -> None:
    manager, made, code = await invited(role, kind)
    person = await make_person()
    joined = await invitations.accept(code, person.id)
    assert (joined.organisation.id, joined.role) == (manager.organisation_id, role)
    assert [held.id for held in await current.memberships(person.id)] == [joined.id]
    assert await state_of(made) is InvitationState.USED
    assert await refusal_of(code) == REFUSED
    rows = await AuditEntry.filter(subject=f"invitation:{made.id}").order_by("id")
    assert [(row.action, row.actor_id) for row in rows] == [
        ("invitation.made", manager.person_id),
        ("invitation.used", person.id),
    ]
    [event] = await Event.filter(subject=f"invitation:{made.id}")
    assert event.people == [str(manager.person_id)]


async def test_the_database_tells_no_code(database: BaseDBAsyncClient) -> None:
    _, made, code = await invited()
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{10}", code)
    [row] = await database.execute_query_dict(f"SELECT * FROM invitation WHERE id = '{made.id}'")  # noqa: S608
    assert code not in str(dict(row))
    assert not await AuditEntry.filter(reason__contains=code).exists()


async def test_codes_are_all_different() -> None:
    manager = await make_member(await make_organisation(), Role.MANAGER)
    made = [await invitations.make(manager.organisation_id, Role.CLERK, 1, by=manager.person_id) for _ in range(30)]
    assert len({invitations.code_of(one) for one in made}) == 30


@pytest.mark.parametrize("spell", [str.lower, lambda code: f" {code[:5]}-{code[5:]}\n", lambda c: c.replace("0", "o")])
async def test_a_code_may_be_typed_in_any_way(spell: object) -> None:
    _, _, code = await invited()
    assert callable(spell)
    full_width = "".join(chr(ord(letter) + 0xFEE0) for letter in code)
    assert await refusal_of(code[:-1]) == REFUSED
    await invitations.accept(full_width if spell is str.lower else spell(code), (await make_person()).id)


async def test_every_code_that_does_not_work_is_refused_alike() -> None:
    manager, made, revoked = await invited()
    await invitations.revoke(manager.organisation_id, made.id, by=manager.person_id)
    assert await state_of(made) is InvitationState.REVOKED
    closed_manager, _, closed = await invited()
    await Organisation.filter(id=closed_manager.organisation_id).update(state=OrganisationState.CLOSED)
    assert await refusal_of(closed) == REFUSED
    _, old, expired = await invited()
    clock.move_to(clock.now() + timedelta(days=WEEK, seconds=1))
    assert await state_of(old) is InvitationState.EXPIRED
    for code in (revoked, expired, "0000000000", "", "-", "\x00", "码" * 64, "A" * 64):
        assert await refusal_of(code) == REFUSED, code


async def test_a_code_lasts_to_its_last_moment() -> None:
    _, _, code = await invited()
    clock.move_to(clock.now() + timedelta(days=WEEK, minutes=-1))
    await invitations.accept(code, (await make_person()).id)


async def test_who_was_removed_does_not_come_back_by_a_code_of_their_own() -> None:
    manager, made, code = await invited(Role.MANAGER)
    other = await make_member(await Organisation.get(id=manager.organisation_id), Role.MANAGER)
    await memberships.end(manager.id, by=other.person_id)
    assert await state_of(made) is InvitationState.VOID
    for person_id in (manager.person_id, (await make_person()).id):
        with pytest.raises(DomainError) as refusal:
            await invitations.accept(code, person_id)
        assert refusal.value.status == 422
    _, made, code = await invited()
    person = await make_person()
    await Membership.filter(organisation_id=made.organisation_id).update(role=Role.CLERK)
    with pytest.raises(DomainError):
        await invitations.accept(code, person.id)


async def test_a_suspended_managers_code_lets_nobody_in() -> None:
    manager, _, code = await invited()
    person = await manager.person
    await person.update_from_dict({"state": PersonState.SUSPENDED}).save()
    assert await refusal_of(code) == REFUSED


async def test_of_two_who_use_a_code_at_once_one_joins() -> None:
    for _ in range(5):
        manager, _, code = await invited()
        people = [await make_person() for _ in range(4)]
        joinings = [invitations.accept(code, person.id) for person in people]
        results = await asyncio.gather(*joinings, return_exceptions=True)
        assert [type(one) for one in results].count(DomainError) == 3
        assert await Membership.filter(organisation_id=manager.organisation_id, ended_at=None).count() == 2


async def test_a_member_does_not_use_a_code_up() -> None:
    manager, made, code = await invited()
    with pytest.raises(DomainError) as refusal:
        await invitations.accept(code, manager.person_id)
    assert refusal.value.slug == "already_member"
    assert await state_of(made) is InvitationState.OPEN


async def test_a_request_is_granted_by_a_code_with_the_codes_role() -> None:
    manager, _, code = await invited(Role.MANAGER)
    person = await make_person()
    requested = await memberships.request(manager.organisation_id, person.id)
    joined = await invitations.accept(code, person.id)
    assert (joined.id, joined.role) == (requested.id, Role.MANAGER)
    assert len(await current.memberships(person.id)) == 1


async def test_only_ones_own_open_invitation_is_taken_back() -> None:
    manager, made, code = await invited()
    other, _, _ = await invited()

    async def attempt(organisation_id: UUID, invitation_id: UUID) -> int:
        with pytest.raises(DomainError) as refusal:
            await invitations.revoke(organisation_id, invitation_id, by=manager.person_id)
        return refusal.value.status

    assert await attempt(other.organisation_id, made.id) == 404
    assert await attempt(manager.organisation_id, new_id()) == 404
    await invitations.accept(code, (await make_person()).id)
    assert await attempt(manager.organisation_id, made.id) == 409


async def leaderless() -> tuple[Organisation, Membership]:
    """An organisation whose only manager was suspended, with a clerk."""
    organisation = await make_organisation(Kind.ENTERPRISE)
    manager = await make_member(organisation, Role.MANAGER)
    await manager.person.update_from_dict({"state": PersonState.SUSPENDED}).save()
    return organisation, await make_member(organisation, Role.CLERK)


async def administrator() -> UUID:
    return (await make_member(await secretariat(), Role.ADMIN)).person_id


async def refused(attempt: Awaitable[object]) -> str:
    with pytest.raises(DomainError) as refusal:
        await attempt
    return refusal.value.slug


async def test_where_nobody_leads_an_administrator_invites_a_manager() -> None:
    (organisation, clerk), admin = await leaderless(), await administrator()
    for role, by in ((Role.CLERK, admin), (Role.MANAGER, clerk.person_id), (Role.MANAGER, new_id())):
        assert await refused(invitations.make(organisation.id, role, WEEK, by=by)) == "not_yours_to_do"
    made, spare = [await invitations.make(organisation.id, Role.MANAGER, WEEK, by=admin) for _ in range(2)]
    code = invitations.code_of(made)
    assert code
    assert await refused(invitations.accept(code, admin)) == "decides_for_own"
    person = await make_person()
    assert (await invitations.accept(code, person.id)).role is Role.MANAGER
    assert await memberships.leading(organisation.id) == [person.id]
    spare_code = invitations.code_of(spare)
    assert spare_code
    assert await refusal_of(spare_code) == REFUSED
    assert await refused(invitations.make(organisation.id, Role.MANAGER, WEEK, by=admin)) == "not_yours_to_do"


async def test_an_administrator_takes_back_what_they_made_and_does_not_invite_to_their_own() -> None:
    (organisation, _), admin = await leaderless(), await administrator()
    made = await invitations.make(organisation.id, Role.MANAGER, WEEK, by=admin)
    await invitations.revoke(organisation.id, made.id, by=admin)
    code = invitations.code_of(made)
    assert code
    assert await refusal_of(code) == REFUSED
    await memberships.request(organisation.id, admin)
    assert await refused(invitations.make(organisation.id, Role.MANAGER, WEEK, by=admin)) == "decides_for_own"


async def test_who_administers_no_longer_invited_for_nothing() -> None:
    (organisation, _), office = await leaderless(), await secretariat()
    admin = await make_member(office, Role.ADMIN)
    await make_member(office, Role.ADMIN)
    made = await invitations.make(organisation.id, Role.MANAGER, WEEK, by=admin.person_id)
    await memberships.end(admin.id, by=admin.person_id)
    code = invitations.code_of(made)
    assert code
    assert await refusal_of(code) == REFUSED


async def test_roles_fit_and_invitations_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, _, _ = await invited()
    with pytest.raises(DomainError) as refusal:
        await invitations.make(manager.organisation_id, Role.FINANCE, WEEK, by=manager.person_id)
    assert refusal.value.faults[0].pointer == "/role"
    monkeypatch.setattr(invitations, "MOST_OPEN", 2)
    made = await invitations.make(manager.organisation_id, Role.CLERK, WEEK, by=manager.person_id)
    with pytest.raises(DomainError) as refusal:
        await invitations.make(manager.organisation_id, Role.CLERK, WEEK, by=manager.person_id)
    assert refusal.value.slug == "too_many_invitations"
    await invitations.revoke(manager.organisation_id, made.id, by=manager.person_id)
    await invitations.make(manager.organisation_id, Role.CLERK, WEEK, by=manager.person_id)
    clock.move_to(clock.now() + timedelta(days=WEEK))
    await invitations.make(manager.organisation_id, Role.CLERK, WEEK, by=manager.person_id)


async def test_a_code_outlives_a_new_index_key_until_the_old_one_is_withdrawn() -> None:
    first, second = bytes(32), b"2" * 32
    vault_keys = {"v": b"v" * 32}
    sensitive.use(Vault(vault_keys, {"i1": first}))
    _, made, code = await invited()
    sensitive.use(Vault(vault_keys, {"i2": second, "i1": first}))
    assert invitations.code_of(made) == code
    await invitations.accept(code, (await make_person()).id)
    _, made, code = await invited()
    sensitive.use(Vault(vault_keys, {"i3": b"3" * 32}))
    assert invitations.code_of(made) is None
    assert await refusal_of(code) == REFUSED


@pytest.mark.parametrize(
    ("state", "slug"),
    [(OrganisationState.SUSPENDED, "organisation_state"), (OrganisationState.CLOSED, "organisation_closed")],
)
async def test_who_is_suspended_or_closed_invites_nobody(state: OrganisationState, slug: str) -> None:
    manager = await make_member(await make_organisation(state=state), Role.MANAGER)
    with pytest.raises(DomainError) as refusal:
        await invitations.make(manager.organisation_id, Role.CLERK, WEEK, by=manager.person_id)
    assert (refusal.value.slug, refusal.value.status) == (slug, 409)


async def test_one_persons_wrong_codes_lock_out_nobody_behind_the_same_address() -> None:
    limits, address, guesser = Limits(Cache()), "198.51.100.7", new_id()
    for _ in range(invitations.TRIES):
        await invitations.allow_try(limits, guesser, address)
    with pytest.raises(DomainError) as refusal:
        await invitations.allow_try(limits, guesser, address)
    assert refusal.value.status == 429
    for _ in range(invitations.ADDRESS_TRIES - invitations.TRIES):
        await invitations.allow_try(limits, new_id(), address)
    with pytest.raises(DomainError) as refusal:
        await invitations.allow_try(limits, new_id(), address)
    assert refusal.value.status == 429
