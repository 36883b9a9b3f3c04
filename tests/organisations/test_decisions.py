"""Decisions on organisations: with a reason, by outsiders, one at a time; and what closing brings about."""

import asyncio
from typing import Any

import pytest

from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations import current, decisions, heirs, standing
from server.organisations.applications import apply, correct
from server.organisations.decisions import Verdict, decide
from server.organisations.models import Invitation, Membership, Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.people.models import Revocation
from server.people.service import Decider
from tests.factories import make_member, make_organisation, make_person
from tests.organisations.applying import application, reviewer

pytestmark = pytest.mark.usefixtures("database")


async def founded(kind: Kind = Kind.ENTERPRISE, **values: Any) -> Membership:
    return await apply(application(kind, **values), (await make_person()).id)


async def last_entry(organisation_id: Any) -> AuditEntry:
    entry = await AuditEntry.filter(subject=f"organisation:{organisation_id}").order_by("-id").first()
    assert entry
    return entry


@pytest.mark.parametrize(
    ("verdict", "state"), [(Verdict.VERIFY, OrganisationState.VERIFIED), (Verdict.REJECT, OrganisationState.REJECTED)]
)
async def test_an_application_is_decided_once_with_a_reason(verdict: Verdict, state: OrganisationState) -> None:
    made, by = await founded(), await reviewer()
    decided = await decide(made.organisation_id, verdict, by)
    assert (decided.state, decided.decided_by_id, decided.version) == (state, by.person_id, 2)
    entry = await last_entry(made.organisation_id)
    assert (entry.before, entry.after, entry.actor_id, entry.reason) == ("applied", state, by.person_id, by.reason)
    [event] = await Event.filter(name=f"organisation.{state}", subject=f"organisation:{made.organisation_id}")
    assert event.people == [str(made.person_id)]
    with pytest.raises(DomainError, match="nothing_to_decide"):
        await decide(made.organisation_id, verdict, await reviewer())


async def test_of_reviewers_who_decide_at_once_one_wins() -> None:
    for _ in range(5):
        made, reviewers = await founded(), [await reviewer() for _ in range(4)]
        verdicts = [Verdict.VERIFY, Verdict.REJECT] * 2
        outcomes = await asyncio.gather(
            *(decide(made.organisation_id, *pair) for pair in zip(verdicts, reviewers, strict=True)),
            return_exceptions=True,
        )
        won = [outcome for outcome in outcomes if isinstance(outcome, Organisation)]
        assert len(won) == 1
        assert {str(outcome) for outcome in outcomes if isinstance(outcome, DomainError)} == {"nothing_to_decide"}
        assert (await Organisation.get(id=made.organisation_id)).state is won[0].state


async def test_nobody_decides_on_what_they_belong_to_asked_to_join_or_left() -> None:
    made, by = await founded(), await reviewer()
    code = (await Organisation.get(id=made.organisation_id)).credit_code
    asked = await apply(application(credit_code=code), by.person_id)
    for membership in (asked, await make_member(await asked.organisation, Role.MANAGER, (await make_person()))):
        decider = Decider(membership.person_id, "自己决定")
        for act in (
            decide(made.organisation_id, Verdict.VERIFY, decider),
            standing.close(made.organisation_id, decider),
        ):
            with pytest.raises(DomainError) as refused:
                await act
            assert (refused.value.slug, refused.value.status) == ("decides_for_own", 403)
    await Membership.filter(id=asked.id).update(ended_at=clock.now())
    with pytest.raises(DomainError, match="decides_for_own"):
        await decide(made.organisation_id, Verdict.VERIFY, by)
    assert (await Organisation.get(id=made.organisation_id)).state is OrganisationState.APPLIED


async def test_what_changed_since_it_was_looked_at_is_not_verified_by_mistake() -> None:
    made = await founded()
    await correct(made.organisation_id, {"name": "换了名字（示例）"}, by=made.person_id, version=1)
    with pytest.raises(DomainError, match="stale_version"):
        await decide(made.organisation_id, Verdict.VERIFY, await reviewer(), 1)
    assert (await decide(made.organisation_id, Verdict.VERIFY, await reviewer(), 2)).state == "verified"


async def test_a_refused_change_leaves_the_organisation_as_it_was() -> None:
    made = await founded()
    verified = await decide(made.organisation_id, Verdict.VERIFY, await reviewer())
    await correct(made.organisation_id, {"name": "改名（示例）"}, by=made.person_id, version=None)
    refused = await decide(made.organisation_id, Verdict.REJECT, await reviewer())
    assert (refused.state, refused.name) == ("verified", verified.name)
    assert refused.pending_revision == {"name": "改名（示例）", "refused": True}
    assert (await last_entry(made.organisation_id)).fields == ["name"]
    with pytest.raises(DomainError, match="nothing_to_decide"):
        await decide(made.organisation_id, Verdict.VERIFY, await reviewer())
    anew = await correct(made.organisation_id, {"region": "340881"}, by=made.person_id, version=None)
    assert anew.pending_revision == {"region": "340881"}


async def test_a_suspension_and_its_end() -> None:
    made = await founded(Kind.FEEDER_SCHOOL)
    by = await reviewer()
    with pytest.raises(DomainError, match="organisation_state"):
        await standing.suspend(made.organisation_id, by)
    await decide(made.organisation_id, Verdict.VERIFY, by)
    assert (await standing.suspend(made.organisation_id, by)).state == "suspended"
    with pytest.raises(DomainError, match="organisation_state"):
        await standing.suspend(made.organisation_id, by)
    with pytest.raises(DomainError, match="nothing_to_decide"):
        await decide(made.organisation_id, Verdict.VERIFY, by)
    assert (await standing.restore(made.organisation_id, by)).state == "verified"
    entry = await last_entry(made.organisation_id)
    assert (entry.action, entry.before, entry.after) == ("organisation.restored", "suspended", "verified")


async def test_closing_ends_memberships_at_once_and_names_the_successor() -> None:
    made, by = await founded(Kind.FEEDER_SCHOOL), await reviewer()
    organisation, successor = await made.organisation, await make_organisation()
    clerk = await make_member(organisation, Role.CLERK)
    asked = await apply(application(credit_code=organisation.credit_code), (await make_person()).id)
    invitation = await Invitation.create(
        organisation=organisation,
        role=Role.CLERK,
        code_hash=str(new_id()),
        made_by_id=made.person_id,
        created_at=clock.now(),
        expires_at=clock.now(),
    )
    closed = await standing.close(organisation.id, by, successor.id)
    assert (closed.state, closed.successor_id) == ("closed", successor.id)
    for membership in (made, clerk, asked):
        assert await current.memberships(membership.person_id) == []
        assert (await Membership.get(id=membership.id)).ended_at
        assert await Revocation.exists(person_id=membership.person_id)
        assert await Event.exists(name="membership.ended", subject=f"membership:{membership.id}")
    assert (await Invitation.get(id=invitation.id)).revoked_at
    [event] = await Event.filter(name="organisation.closed", subject=f"organisation:{organisation.id}")
    assert event.people == [str(made.person_id)]
    with pytest.raises(DomainError, match="organisation_state"):
        await standing.close(organisation.id, by)


async def test_who_acts_for_the_successor_acts_for_all_that_it_carries_on() -> None:
    first, second, last, by = *[await make_organisation() for _ in range(3)], await reviewer()
    lead = await make_member(last, Role.MANAGER)
    await standing.close(first.id, by, second.id)
    await standing.close(second.id, by, last.id)
    assert await heirs.heirs([first.id, last.id]) == dict.fromkeys((first.id, last.id), last.id)
    assert {one.id for one in await heirs.carried([last.id])} == {first.id, second.id}
    assert await current.acting([first.id]) == {first.id: [lead.person_id]}
    assert await Revocation.exists(person_id=lead.person_id)
    told = await Event.filter(name="organisation.carried_on", subject=f"organisation:{second.id}")
    assert [event.people for event in told] == [[str(lead.person_id)]]
    nothing = await make_organisation()
    await standing.close(nothing.id, by)
    assert await heirs.heir(nothing.id) == nothing.id
    assert await current.acting([nothing.id]) == {nothing.id: []}


async def test_a_successor_is_another_one_that_is_verified() -> None:
    organisation, by = await make_organisation(), await reviewer()
    others = [state for state in OrganisationState if state is not OrganisationState.VERIFIED]
    standing_less = [(await make_organisation(state=state)).id for state in others]
    for successor in (organisation.id, *standing_less, new_id()):
        with pytest.raises(DomainError) as refused:
            await standing.close(organisation.id, by, successor)
        assert [fault.pointer for fault in refused.value.faults] == ["/successor"]
    assert (await Organisation.get(id=organisation.id)).state is OrganisationState.VERIFIED


async def test_of_two_merged_into_each_other_at_once_one_stands() -> None:
    by, another = await reviewer(), await reviewer()
    for _ in range(20):
        one, other = await make_organisation(), await make_organisation()
        closings = (standing.close(one.id, by, other.id), standing.close(other.id, another, one.id))
        outcomes = await asyncio.gather(*closings, return_exceptions=True)
        assert sum(isinstance(outcome, DomainError) for outcome in outcomes) == 1
        states = [(await Organisation.get(id=organisation.id)).state for organisation in (one, other)]
        assert sorted(states) == ["closed", "verified"]


async def test_the_last_decision_is_told() -> None:
    made, by = await founded(), await reviewer()
    assert await decisions.last_decision(made.organisation_id) is None
    await decide(made.organisation_id, Verdict.REJECT, by)
    entry = await decisions.last_decision(made.organisation_id)
    assert entry
    assert (entry.action, entry.reason) == ("organisation.rejected", by.reason)
