"""What was mistyped of a listed student is put right: seen in the history, and matched anew."""

from typing import Any

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.enrolments import sealed
from server.enrolments.models import Enrolment, Level, MatchVerdict
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.sensitive import Kind, Sensitive
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from server.referrals import receiving, timeline
from tests.factories import make_member
from tests.harness.referring import NAME
from tests.referrals.receiving_world import DOCUMENT, STARTS, World, at, make_world, stands

pytestmark = pytest.mark.usefixtures("database")
MISTYPED = "欧阳鸢伟"


@pytest.fixture
async def world(database: BaseDBAsyncClient) -> World:
    assert database
    at(9, 10)
    return await make_world()


def named(text: str) -> dict[str, Any]:
    return {"name": Sensitive(Kind.NAME, text)}


async def refusal(attempt: Any) -> tuple[str, int]:
    with pytest.raises(DomainError) as refused:
        await attempt
    return refused.value.slug, refused.value.status


async def test_a_mistyped_name_is_put_right_and_the_claim_is_matched(world: World) -> None:
    student = await world.student()
    claim = await world.claims(student)
    there = await world.lists(world.named, student, MISTYPED)
    assert await stands(claim) == ("registered", there.id, ["name_differs"])
    found = await receiving.amend(there.id, {**named(NAME), "level": Level.HIGHER}, 1, world.clerk)
    kept = await Enrolment.get(id=there.id)
    assert (sealed.name_of(kept).reveal(), kept.level, kept.version, found.version) == (NAME, Level.HIGHER, 2, 2)
    assert await stands(claim) == ("matched", there.id, [])
    entry = await AuditEntry.get(subject=f"enrolment:{there.id}", action="enrolment.amended")
    assert (entry.actor_id, entry.before, entry.after, entry.fields) == (
        world.clerk, "listed", "listed", ["level", "name"],
    )  # fmt: skip
    await receiving.amend(there.id, {**named(NAME), "level": Level.HIGHER}, None, world.clerk)
    assert (await Enrolment.get(id=there.id)).version == 2, "nothing was different"
    acts = (await timeline.of_student(student.id, 20, None)).items
    assert [(one.entry.action, one.effective_on) for one in acts if one.entry.subject == entry.subject] == [
        ("enrolment.listed", STARTS), ("enrolment.amended", None),
    ]  # fmt: skip


async def test_who_is_registered_is_voided_and_listed_anew(world: World) -> None:
    there = await world.lists(world.named, await world.student(), MISTYPED, evidence=DOCUMENT)
    attempt = receiving.amend(there.id, named(NAME), None, world.clerk)
    assert await refusal(attempt) == ("enrolment_not_listed", 409)
    assert sealed.name_of(await Enrolment.get(id=there.id)).reveal() == MISTYPED


async def test_a_name_that_a_reviewer_looked_at_stays(world: World) -> None:
    student = await world.student()
    claim = await world.claims(student)
    there = await world.lists(world.named, student, MISTYPED)
    reviewer = await make_member(await secretariat(), Role.REVIEWER)
    by = Decider(reviewer.person_id, "另有其人")
    await receiving.judge(there.id, claim.id, MatchVerdict.DIFFERENT, by)
    assert await refusal(receiving.amend(there.id, named(NAME), None, world.clerk)) == ("enrolment_name_decided", 409)
    assert await stands(claim) == ("registered", None, [])
    assert (await receiving.amend(there.id, {"major": "护理"}, None, world.clerk)).major == "护理"


async def test_stale_versions_and_schools_without_standing_change_nothing(world: World) -> None:
    there = await world.lists(world.named, await world.student())
    assert await refusal(receiving.amend(there.id, {"major": "护理"}, 7, world.clerk)) == ("stale_version", 412)
    await Organisation.filter(id=world.named.id).update(state=OrganisationState.SUSPENDED)
    assert await refusal(receiving.amend(there.id, {"major": "护理"}, None, world.clerk)) == ("organisation_state", 409)
    assert (await Enrolment.get(id=there.id)).major == ""
