"""A school closed into another one over HTTP: from that moment the successor's people do what its own did."""

from dataclasses import dataclass
from datetime import date

import aiohttp
import pytest

from server.awards.models import Award, AwardState
from server.enrolments.models import Enrolment, EnrolmentState
from server.kernel import clock
from server.kernel.ids import new_id
from server.organisations.models import Organisation
from server.organisations.roles import Role
from server.referrals.models import Referral
from tests.factories import make_organisation
from tests.harness.awarding import make_award, make_clawback, make_college, make_confirmed
from tests.harness.callers import Caller, member, staff
from tests.harness.referring import make_claim
from tests.students.numbers import number_of

pytestmark = pytest.mark.usefixtures("database")
YEAR = clock.today().year
REASON = {"reason": "两校合并"}


@dataclass
class Merged:
    """A school and its college with what was theirs, each closed into another one, whose people called before."""

    claim: Referral
    award: Award
    enrolment: Enrolment
    heir: Organisation
    college_heir: Organisation
    manager: Caller
    clerk: Caller
    registrar: Caller


@pytest.fixture(scope="module")
async def merged(client: aiohttp.ClientSession) -> Merged:
    school, college = await make_organisation(), await make_college()
    heir, college_heir = await make_organisation(), await make_college()
    claim = await make_confirmed(school, college, YEAR)
    award = await make_award(claim, state=AwardState.PAID)
    await make_clawback(award)
    made = Merged(
        claim, award, await Enrolment.get(id=claim.enrolment_id), heir, college_heir,
        await member(client, heir, Role.MANAGER), await member(client, heir, Role.CLERK),
        await member(client, college_heir, Role.CLERK),
    )  # fmt: skip
    assert await made.manager.status("GET", f"/awards/{award.id}") == 404
    assert await made.registrar.status("GET", f"/enrolments/{made.enrolment.id}") == 404
    admin = await staff(client, Role.ADMIN)
    for gone, into in ((school, heir), (college, college_heir)):
        assert (
            await admin.status("POST", f"/organisations/{gone.id}/close", {**REASON, "successor": str(into.id)}) == 200
        )
    return made


async def test_its_awards_are_seen_and_its_clawbacks_contested(merged: Merged) -> None:
    path = f"/awards/{merged.award.id}"
    status, found, _ = await merged.manager.ask("GET", path)
    assert (status, found["state"]) == (200, "paid")
    _, listed, _ = await merged.clerk.ask("GET", "/awards")
    assert [one["id"] for one in listed["items"]] == [str(merged.award.id)]
    assert await merged.clerk.status("POST", f"{path}/clawback/contest", REASON) == 403
    key = {"Idempotency_Key": str(new_id())}
    status, found, _ = await merged.manager.ask("POST", f"{path}/clawback/contest", REASON, **key)
    assert (status, found["contest"]) == (200, "open"), found
    _, story, _ = await merged.manager.ask("GET", f"{path}/story")
    assert [step["by"] for step in story["steps"] if step["action"] == "clawback.contested"] == ["payee"]


async def test_its_numbers_are_counted_as_its_lists_show_them(merged: Merged) -> None:
    _, of_school, _ = await merged.clerk.ask("GET", f"/organisations/{merged.heir.id}/summary?year={YEAR}")
    assert (of_school["referrals"]["total"], of_school["awards"]["paid"]["amount_fen"]) == (1, merged.award.amount_fen)
    _, of_college, _ = await merged.registrar.ask("GET", f"/organisations/{merged.college_heir.id}/summary?year={YEAR}")
    assert sum(of_college["enrolments"]["by_state"].values()) == 1


async def test_its_claims_are_taken_back_by_them(merged: Merged) -> None:
    _, listed, _ = await merged.clerk.ask("GET", f"/referrals?year={YEAR}")
    assert [one["id"] for one in listed["items"]] == [str(merged.claim.id)]
    status, found, _ = await merged.clerk.ask("POST", f"/referrals/{merged.claim.id}/withdraw", REASON)
    assert (status, found["state"]) == (200, "withdrawn"), found


async def test_its_students_go_on_at_the_successor(merged: Merged) -> None:
    body = {**REASON, "to": str(merged.college_heir.id)}
    status, found, _ = await merged.registrar.ask("POST", f"/enrolments/{merged.enrolment.id}/transfer", body)
    assert (status, found["state"]) == (200, EnrolmentState.TRANSFERRED), found
    path = f"/enrolments/{found['successor']['id']}/register"
    status, found, _ = await merged.registrar.ask("POST", path, {"record_number": "3408000000000000001"})
    assert (status, found["state"]) == (200, EnrolmentState.REGISTERED), found


async def test_a_reviewer_corrects_what_a_school_left_that_nothing_carries_on(client: aiohttp.ClientSession) -> None:
    school = await make_organisation()
    claim = await make_claim(school, year=YEAR)
    reviewer, admin = await staff(client, Role.REVIEWER), await staff(client, Role.ADMIN)
    right = {"id_number": number_of(date(YEAR - 15, 4, 5)), **REASON}
    assert await reviewer.status("POST", f"/organisations/{school.id}/suspend", REASON) == 200
    status, problem, _ = await reviewer.ask("POST", f"/referrals/{claim.id}/correct", right)
    assert (status, problem["code"]) == (409, "organisation_state")
    assert await admin.status("POST", f"/organisations/{school.id}/close", REASON) == 200
    status, found, _ = await reviewer.ask("POST", f"/referrals/{claim.id}/correct", right)
    assert (status, found["state"]) == (200, "registered"), found
