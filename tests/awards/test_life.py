"""What is decided of awards: from which states, by whom, each alone, and the money that follows."""

import re

import pytest

from miniprogram_api.problem import Problems
from server.app import CONTENT_DIR
from server.awards import life, soundness
from server.awards import states as table
from server.awards.models import Award, AwardState, Part, RunKind
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations.roles import Kind, Role
from server.people.models import Person, PersonState
from server.people.service import Decider
from server.settings import ROOT
from tests.awards.deciding import BEFORE_STATEMENT, REASON, World, acts, now, over, parts, states, world
from tests.factories import make_member, make_organisation

pytestmark = pytest.mark.usefixtures("database")


async def test_from_proposed_to_approved(here: World) -> None:
    [award] = await here.approved()
    found = await now(award)
    assert (found.state, found.fund_id, found.budget_id) == (
        AwardState.APPROVED,
        here.fund.id,
        here.budget and here.budget.id,
    )
    assert await acts(award) == ["reviewed", "publicised", "approved"]
    assert await parts(award) == {here.reviewer: Part.REVIEW, here.approver: Part.APPROVAL}
    assert await here.money() == (9, 1)
    assert await here.explained()


async def test_nothing_happens_from_another_state(here: World) -> None:
    for state in AwardState:
        held_from = AwardState.PROPOSED if state is AwardState.HELD else None
        award = await here.award(state=state, held_from=held_from)
        for verb in (verb for verb, rule in table.TABLE.items() if state not in rule.states):
            for person_id in (here.reviewer, here.approver):
                [code] = await here.codes(person_id, verb, award)
                assert code in {"award_state", "not_yours_to_do"}, (verb, state)
        assert await states(award) == [state]
        assert await acts(award) == []


async def test_only_who_has_the_role_decides(here: World) -> None:
    firm = await make_organisation(Kind.ENTERPRISE)
    people = {role: await make_member(here.office if role.of_secretariat else firm, role) for role in Role}
    for verb, rule in table.TABLE.items():
        state = min(rule.states)
        award = await here.award(state=state, held_from=AwardState.PROPOSED if state is AwardState.HELD else None)
        for role in set(Role) - set(rule.parts):
            assert await here.codes(people[role].person_id, verb, award) == ["not_yours_to_do"]


async def test_each_is_decided_alone(here: World) -> None:
    good, other = await here.awards(2)
    done = await here.award(state=AwardState.REVIEWED)
    own = await make_organisation()
    await make_member(own, Role.CLERK, await Person.get(id=here.reviewer))
    theirs = await here.award(school=own)
    decided = await here.says(here.reviewer, RunKind.REVIEW, good, done, theirs, other)
    codes = {one.award.id: one.code for one in decided}
    assert codes == {good.id: None, other.id: None, done.id: "award_state", theirs.id: "decides_for_own"}
    assert await states(good, other, done, theirs) == ["reviewed", "reviewed", "reviewed", "proposed"]
    assert await parts(done) == await parts(theirs) == {}


async def test_what_is_not_there_gets_no_answer(here: World) -> None:
    [award] = await here.awards(1)
    award_id, award.id = award.id, new_id()
    assert await here.says(here.reviewer, RunKind.REVIEW, award) == []
    award.id = award_id


async def test_a_version_that_was_seen_has_to_be_the_one(here: World) -> None:
    [award] = await here.awards(1)
    [stale] = await here.says(here.reviewer, RunKind.REVIEW, award, version=award.version + 1)
    assert stale.code == "stale_version"
    [good] = await here.says(here.reviewer, RunKind.REVIEW, award, version=award.version)
    assert (good.code, good.award.version) == (None, award.version + 1)


async def test_roles_are_those_of_this_moment(here: World) -> None:
    [award] = await here.awards(1)
    await Person.filter(id=here.reviewer).update(state=PersonState.SUSPENDED)
    assert await here.codes(here.reviewer, RunKind.REVIEW, award) == ["not_yours_to_do"]


async def test_approval_waits_for_the_last_day(here: World) -> None:
    [award] = await here.publicised()
    assert await here.codes(here.approver, RunKind.APPROVE, award) == ["publication_running"]
    over()
    assert await here.codes(here.approver, RunKind.APPROVE, award) == [None]


async def test_nothing_is_approved_without_its_papers_or_fund(here: World) -> None:
    [award] = await here.ready()
    publication = (await now(award)).publication_id
    earlier = await here.award(year=here.year - 1, state=AwardState.PUBLICISED, publication_id=publication)
    here.fund.programmes = []
    await here.fund.save()
    assert await here.codes(here.approver, RunKind.APPROVE, award, earlier) == ["fund_missing"] * 2
    here.fund.programmes = [here.programme]
    await here.fund.save()
    assert await here.codes(here.approver, RunKind.APPROVE, award, earlier) == [None, "fund_papers_missing"]
    assert await parts(earlier) == {}


@pytest.mark.parametrize("state", BEFORE_STATEMENT)
async def test_a_held_one_returns_to_where_it_was(state: str) -> None:
    here = await world(0 if state == "awaiting_funds" else 10)
    award = await at(here, state)
    before = await here.money()
    assert await here.codes(here.finance, RunKind.HOLD, award) == [None]
    assert await states(award) == ["held"]
    assert await here.money() == before
    assert await here.explained()
    assert await here.codes(here.approver_2, RunKind.RELEASE, award) == [None]
    assert await states(award) == [state]
    assert await here.explained()
    assert set(await parts(award)) <= {here.reviewer, here.approver}


@pytest.mark.parametrize("state", BEFORE_STATEMENT)
async def test_cancelling_frees_the_money(state: str) -> None:
    here = await world(0 if state == "awaiting_funds" else 10)
    award = await at(here, state)
    before = sum(await here.money())
    assert await here.codes(here.approver, RunKind.CANCEL, award) == [None]
    found = await now(award)
    assert (found.state, found.budget_id) == (AwardState.CANCELLED, None)
    assert await here.money() == (before, 0)
    assert await here.explained()


async def test_refusing_a_held_approved_one_frees_its_money(here: World) -> None:
    [award] = await here.approved()
    await here.says(here.approver, RunKind.HOLD, award)
    assert await here.codes(here.approver, RunKind.REFUSE, award) == [None]
    assert await here.money() == (10, 0)
    assert await here.explained()


async def test_who_acts_for_the_school_hears_of_a_single_decision(here: World) -> None:
    clerk = await make_member(here.school, Role.CLERK)
    one, another = await here.awards(2)
    await life.decide_one(one.id, RunKind.REVIEW, Decider(here.reviewer, REASON))
    await here.says(here.reviewer, RunKind.REVIEW, another)
    told = {event.subject: event.people for event in await Event.filter(name="award.reviewed")}
    assert told[f"award:{one.id}"] == [str(clerk.person_id)]
    assert f"award:{another.id}" not in told


async def at(here: World, state: str) -> Award:
    """An award that came to a state as they do."""
    if state == "proposed":
        return await here.award()
    made = {
        "reviewed": here.reviewed,
        "publicised": here.publicised,
        "approved": here.approved,
        "awaiting_funds": here.approved,
    }
    [award] = await made[state]()
    assert await states(award) == [state]
    return award


def test_whatever_speaks_against_a_decision_has_its_words() -> None:
    """They are told by name, which the check of the house does not see."""
    source = (ROOT / "server" / "awards" / "grounds.py").read_text(encoding="utf-8")
    codes = set(re.findall(r'Against\("(\w+)"', source)) | {"another_part", "stale_version"}
    problems = Problems.load(CONTENT_DIR)
    assert len(codes) > 10
    assert codes <= set(problems.problems)
    nouns = {f"award_{state}" for state in AwardState} | {
        soundness.UNCONFIRMED,
        soundness.MOVED,
        soundness.CHANGED,
        soundness.IN_DISPUTE,
        soundness.TO_CHECK,
    }
    assert nouns <= set(problems.nouns)
