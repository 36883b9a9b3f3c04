"""Who may act on what, as values: the whole table of decisions without a database."""

import pytest

from server.access import acting
from server.access.rules import Caller, Decision, Owner, Post, Right, decide, own, within
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.organisations.roles import STAFF, Kind, Role, lead, roles

OURS, THEIRS, SECRETARIAT = new_id(), new_id(), new_id()
ALLOWED, NOT_YOURS, UNSEEN = Decision.ALLOWED, Decision.NOT_YOURS_TO_DO, Decision.UNSEEN


def caller(role: Role | None = None, kind: Kind = Kind.FEEDER_SCHOOL) -> Caller:
    if role is None:
        return Caller(new_id(), new_id())
    place = SECRETARIAT if role.of_secretariat else OURS
    return Caller(new_id(), new_id(), (Post(place, Kind.SECRETARIAT if role.of_secretariat else kind, role),))


ours, theirs = Owner("thing", frozenset({OURS})), Owner("thing", frozenset({THEIRS}))
known = Owner("thing", frozenset({THEIRS}), secretariat_knows=True)


@pytest.mark.parametrize(
    ("role", "owner", "decision"),
    [
        (Role.MANAGER, ours, ALLOWED),
        (Role.CLERK, ours, NOT_YOURS),
        (None, ours, UNSEEN),
        (Role.ADMIN, ours, UNSEEN),
        (Role.MANAGER, theirs, UNSEEN),
        (Role.ADMIN, theirs, UNSEEN),
        (Role.ADMIN, known, NOT_YOURS),
        (Role.EDITOR, known, NOT_YOURS),
        (Role.MANAGER, known, UNSEEN),
    ],
)
def test_a_thing_belongs_to_the_managers_of_its_organisation(
    role: Role | None, owner: Owner, decision: Decision
) -> None:
    assert decide([own(Role.MANAGER)], caller(role), owner) is decision


@pytest.mark.parametrize(("role", "allowed"), [(Role.CLERK, True), (Role.MANAGER, True), (Role.ADMIN, False)])
def test_a_manager_does_all_that_a_clerk_does(role: Role, *, allowed: bool) -> None:
    assert (decide([Right(Role.CLERK)], caller(role), None) is ALLOWED) is allowed
    assert (decide([own(Role.CLERK)], caller(role), ours) is ALLOWED) is allowed


@pytest.mark.parametrize("role", STAFF)
def test_nobody_in_the_secretariat_does_anothers_work(role: Role) -> None:
    """Four eyes would see nothing if an administrator could also review, approve and pay."""
    assert [other for other in Role if decide([Right(other)], caller(role), None) is ALLOWED] == [role]


def test_a_role_in_the_wrong_kind_of_organisation_does_not_count() -> None:
    right = [Right(Role.CLERK, frozenset({Kind.FEEDER_SCHOOL}))]
    assert decide(right, caller(Role.CLERK, Kind.FEEDER_SCHOOL), None) is ALLOWED
    assert decide(right, caller(Role.CLERK, Kind.ENTERPRISE), None) is NOT_YOURS
    assert decide([own(Role.CLERK, Kind.FEEDER_SCHOOL)], caller(Role.CLERK, Kind.ENTERPRISE), ours) is NOT_YOURS


def test_a_role_in_one_organisation_is_none_in_another() -> None:
    """Manager here and clerk there: the clerk's place is not managed with the manager's right."""
    both = Caller(
        new_id(), new_id(), (Post(OURS, Kind.ENTERPRISE, Role.MANAGER), Post(THEIRS, Kind.ENTERPRISE, Role.CLERK))
    )
    assert decide([own(Role.MANAGER)], both, ours) is ALLOWED
    assert decide([own(Role.MANAGER)], both, theirs) is NOT_YOURS


def test_what_concerns_a_person_is_theirs() -> None:
    me, other = caller(), caller(Role.MANAGER)
    mine = Owner("thing", frozenset({THEIRS}), me.person_id)
    assert decide([own()], me, mine) is ALLOWED
    assert decide([own()], other, mine) is UNSEEN
    assert decide([own(Role.MANAGER)], me, mine) is NOT_YOURS
    assert decide([own()], me, ours) is UNSEEN
    assert decide([own()], me, None) is NOT_YOURS


def test_one_of_several_rights_is_enough() -> None:
    rights = [own(Role.MANAGER), Right(Role.ADMIN)]
    assert decide(rights, caller(Role.ADMIN), theirs) is ALLOWED
    assert decide(rights, caller(Role.MANAGER), ours) is ALLOWED
    assert decide(rights, caller(Role.MANAGER), theirs) is UNSEEN


def test_without_a_right_stated_nobody_is_allowed() -> None:
    assert decide([], caller(Role.ADMIN), None) is NOT_YOURS


def test_lists_are_narrowed_to_ones_own_organisations_but_for_the_secretariat() -> None:
    assert within(caller()) == frozenset()
    assert within(caller(Role.CLERK)) == frozenset({OURS})
    assert all(within(caller(role)) is None for role in STAFF)


def test_every_kind_has_its_roles_and_one_that_leads() -> None:
    assert roles(Kind.SECRETARIAT) == STAFF
    for kind in Kind:
        assert lead(kind) in roles(kind)
        assert (Role.CLERK in roles(kind)) is (kind is not Kind.SECRETARIAT)


def test_what_was_a_closed_predecessors_own_is_theirs_but_they_begin_nothing_in_its_name() -> None:
    heir = Caller(new_id(), new_id(), (Post(OURS, Kind.ENTERPRISE, Role.CLERK),),
        (Post(THEIRS, Kind.FEEDER_SCHOOL, Role.CLERK),),
    )  # fmt: skip
    assert decide([own(Role.CLERK, Kind.FEEDER_SCHOOL)], heir, theirs) is ALLOWED
    assert decide([own(Role.MANAGER)], heir, theirs) is NOT_YOURS
    assert decide([Right(Role.CLERK, frozenset({Kind.FEEDER_SCHOOL}))], heir, None) is NOT_YOURS
    assert within(heir) == frozenset({OURS, THEIRS})
    assert acting.organisation(heir, Role.CLERK, Kind.ENTERPRISE, None) == OURS
    with pytest.raises(DomainError):
        acting.organisation(heir, Role.CLERK, Kind.FEEDER_SCHOOL, THEIRS)
