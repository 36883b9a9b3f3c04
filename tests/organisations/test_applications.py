"""Applying: one organisation per code, whoever comes first; corrections; what waits for a reviewer."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.outbox import Event
from server.kernel.sensitive import Kind as Personal
from server.kernel.sensitive import Sensitive
from server.organisations import applications, decisions, standing
from server.organisations.applications import apply, contact_of, correct
from server.organisations.credit_codes import SchoolCode
from server.organisations.decisions import Verdict
from server.organisations.models import Membership, MembershipState, Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from tests.factories import make_organisation, make_person
from tests.organisations.applying import CONTACT, application, credit_code, reviewer

pytestmark = pytest.mark.usefixtures("database")


async def founded(**values: Any) -> Membership:
    return await apply(application(**values), (await make_person()).id)


async def test_who_applies_leads_the_new_organisation() -> None:
    said = application()
    membership = await apply(said, (await make_person()).id)
    made = await Organisation.get(id=membership.organisation_id)
    assert (made.state, made.version, made.due_on) == (OrganisationState.APPLIED, 1, None)
    assert {name: getattr(made, name) for name in ("kind", "name", "credit_code", "region", "address")} == {
        name: getattr(said, name) for name in ("kind", "name", "credit_code", "region", "address")
    }
    assert (membership.role, membership.state) == (Role.MANAGER, MembershipState.ACTIVE)
    assert contact_of(made) == Sensitive(Personal.NAME, CONTACT)
    assert CONTACT not in str(made.contact_name_sealed)
    [entry] = await AuditEntry.filter(subject=f"organisation:{made.id}")
    assert (entry.action, entry.after, entry.actor_id) == ("organisation.applied", "applied", membership.person_id)


@pytest.mark.parametrize("by", ["credit_code", "school_code"])
async def test_a_known_code_asks_to_join_instead(by: str) -> None:
    codes = {"credit_code": credit_code(), "school_code": SchoolCode("3134000001")}
    first = await founded(kind=Kind.FEEDER_SCHOOL, **codes)
    other = {"credit_code": None, "school_code": None, by: codes[by]}
    second = await founded(kind=Kind.VOCATIONAL_SCHOOL, name="另一名称（示例）", **other)
    assert (second.organisation_id, second.state, second.role) == (
        first.organisation_id,
        MembershipState.REQUESTED,
        Role.CLERK,
    )
    assert (await second.organisation).name == (await Organisation.get(id=first.organisation_id)).name
    [event] = await Event.filter(name="membership.requested", subject=f"membership:{second.id}")
    assert event.people == [str(first.person_id)]
    again = await apply(application(Kind.FEEDER_SCHOOL, **codes), second.person_id)
    assert again.id == second.id
    with pytest.raises(DomainError) as refused:
        await apply(application(Kind.FEEDER_SCHOOL, **codes), first.person_id)
    assert (refused.value.slug, refused.value.status) == ("already_member", 409)
    await Organisation.filter(id=first.organisation_id).update(school_code=None)


async def test_of_many_who_apply_with_one_code_at_once_one_founds() -> None:
    for _ in range(5):
        said, people = application(), [await make_person() for _ in range(8)]
        made = await asyncio.gather(*(apply(said, person.id) for person in people))
        assert len({one.organisation_id for one in made}) == 1
        assert sorted(one.state for one in made) == ["active", *["requested"] * 7]
        assert await Organisation.filter(credit_code=said.credit_code).count() == 1


@pytest.mark.parametrize("state", [OrganisationState.REJECTED, OrganisationState.CLOSED])
async def test_the_code_of_what_is_gone_is_free(state: OrganisationState) -> None:
    gone = await founded()
    await Organisation.filter(id=gone.organisation_id).update(state=state)
    code = (await Organisation.get(id=gone.organisation_id)).credit_code
    assert (await founded(credit_code=code)).organisation_id != gone.organisation_id
    if state is OrganisationState.REJECTED:
        with pytest.raises(DomainError, match="code_taken"):
            await correct(gone.organisation_id, {}, by=gone.person_id, version=None)


async def test_one_person_applies_so_often_a_day_and_no_more() -> None:
    person = await make_person()
    for _ in range(applications.MOST_A_DAY):
        await apply(application(), person.id)
    with pytest.raises(DomainError) as refused:
        await apply(application(), person.id)
    assert refused.value.status == 429
    clock.move_to(clock.now() + timedelta(days=1, minutes=1))
    await apply(application(), person.id)


async def test_a_rejected_one_corrects_and_applies_again() -> None:
    made = await founded()
    by = await reviewer()
    rejected = await decisions.decide(made.organisation_id, Verdict.REJECT, by)
    given = {"name": "更正后的名称（示例）", "contact_name": Sensitive(Personal.NAME, "李楠")}
    corrected = await correct(made.organisation_id, given, by=made.person_id, version=rejected.version)
    assert (corrected.state, corrected.name, corrected.version) == (OrganisationState.APPLIED, given["name"], 3)
    assert contact_of(corrected) == given["contact_name"]
    assert corrected.pending_revision is None
    entry = await AuditEntry.filter(subject=f"organisation:{made.organisation_id}").order_by("-id").first()
    assert entry
    assert (entry.action, entry.before, entry.after) == ("organisation.applied", "rejected", "applied")
    assert entry.fields == ["name", "contact_name"]


async def test_a_verified_one_keeps_its_name_until_a_reviewer_has_looked() -> None:
    made, by = await founded(), await reviewer()
    verified = await decisions.decide(made.organisation_id, Verdict.VERIFY, by)
    given = {"name": "新名称（示例）", "region": "340881", "address": "桐城示例路2号"}
    changed = await correct(made.organisation_id, given, by=made.person_id, version=None)
    assert (changed.state, changed.name, changed.region) == ("verified", verified.name, verified.region)
    assert changed.address == given["address"]
    assert changed.pending_revision == {"name": given["name"], "region": given["region"]}
    back = await correct(made.organisation_id, {"region": verified.region}, by=made.person_id, version=None)
    assert back.pending_revision == {"name": given["name"]}
    decided = await decisions.decide(made.organisation_id, Verdict.VERIFY, await reviewer())
    assert (decided.name, decided.pending_revision) == (given["name"], None)
    same = await correct(made.organisation_id, {"name": decided.name}, by=made.person_id, version=None)
    assert same.version == decided.version


async def test_a_stale_version_changes_nothing() -> None:
    made = await founded()
    await correct(made.organisation_id, {"address": "甲路（示例）"}, by=made.person_id, version=1)
    with pytest.raises(DomainError) as refused:
        await correct(made.organisation_id, {"address": "乙路（示例）"}, by=made.person_id, version=1)
    assert refused.value.status == 412
    outcomes = await asyncio.gather(
        *(
            correct(made.organisation_id, {"address": f"丙路{number}号"}, by=made.person_id, version=2)
            for number in range(6)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Organisation) for outcome in outcomes) == 1
    assert (await Organisation.get(id=made.organisation_id)).version == 3


async def test_the_code_of_another_and_no_code_at_all_are_refused() -> None:
    one, other = await founded(), await founded()
    taken = (await Organisation.get(id=other.organisation_id)).credit_code
    for state in (OrganisationState.APPLIED, OrganisationState.VERIFIED):
        await Organisation.filter(id=one.organisation_id).update(state=state)
        for code, slug in ((taken, "code_taken"), (None, "invalid")):
            with pytest.raises(DomainError) as refused:
                await correct(one.organisation_id, {"credit_code": code}, by=one.person_id, version=None)
            assert refused.value.slug == slug
    assert (await Organisation.get(id=one.organisation_id)).version == 1


async def test_a_code_that_was_taken_while_its_change_waited_is_refused_at_the_decision() -> None:
    made, code = await founded(), credit_code()
    await decisions.decide(made.organisation_id, Verdict.VERIFY, await reviewer())
    await correct(made.organisation_id, {"credit_code": code}, by=made.person_id, version=None)
    await founded(credit_code=code)
    with pytest.raises(DomainError, match="code_taken"):
        await decisions.decide(made.organisation_id, Verdict.VERIFY, await reviewer())
    assert (await Organisation.get(id=made.organisation_id)).credit_code != code


async def test_a_suspended_one_is_not_corrected() -> None:
    organisation = await make_organisation()
    await standing.suspend(organisation.id, await reviewer())
    with pytest.raises(DomainError, match="organisation_state"):
        await correct(organisation.id, {"address": "甲路（示例）"}, by=(await make_person()).id, version=None)
