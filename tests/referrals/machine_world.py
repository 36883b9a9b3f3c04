"""What the state machine of claims moves in: schools, their people, reviewers, and a few students of its own."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from uuid import UUID

from hypothesis import strategies as st

from server.access.rules import Caller, Post
from server.appeals.models import Appeal
from server.enrolments.models import Enrolment, EnrolmentStatus
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from server.people.service import Decider
from server.referrals import matching, undoing
from server.referrals.models import LIVE, Referral, ReferralDecision, ReferralState
from server.referrals.verdicts import OPEN
from server.students import registry
from tests.factories import make_member, make_organisation

YEAR = 2026
BEGINS, CENSUS, ENDS = date(2026, 9, 5), date(2026, 11, 20), date(2027, 8, 31)
DATES = (CENSUS, date(2027, 1, 1), date(2027, 9, 1))
"""On which the calendar does something: the census, and the days after the last for matching and of the year."""
DAYS = st.sampled_from([None, date(2026, 9, 2), date(2026, 11, 1), date(2026, 11, 25)])
PLACE = st.integers(0, 1000)
NAMES, WORDS = ("何小满", "何小满", "何晓满"), "核对后决定"
WHY_NOT = {"changed_since", "another_person", "nothing_to_undo"}
Kept = tuple[str, UUID | None]


@dataclass(frozen=True)
class School:
    """A school, its clerk, and its manager."""

    id: UUID
    clerk: UUID
    manager: Caller


@dataclass(frozen=True)
class World:
    feeders: list[School]
    receiving: list[School]
    reviewers: list[UUID]


async def _school(kind: Kind, name: str) -> School:
    made = await make_organisation(kind, name=name)
    clerk, manager = [(await make_member(made, role)).person_id for role in (Role.CLERK, Role.MANAGER)]
    return School(made.id, clerk, Caller(manager, new_id(), (Post(made.id, kind, Role.MANAGER),)))


async def make_world() -> World:
    office = await secretariat()
    return World(
        [await _school(Kind.FEEDER_SCHOOL, f"第{n}中学（示例）") for n in range(1, 4)],
        [await _school(Kind.VOCATIONAL_SCHOOL, f"第{n}职校（示例）") for n in range(1, 3)],
        [(await make_member(office, Role.REVIEWER)).person_id for _ in range(3)],
    )


class UndoneError(Exception):
    """Rolls a trial back."""


async def kept(claim_ids: list[UUID]) -> dict[UUID, Kept]:
    """How claims stand, as far as a decision is about it: what lives or has lapsed counts as one."""
    rows = await Referral.filter(id__in=claim_ids)
    return {row.id: ("standing" if row.state in OPEN - {ReferralState.DISPUTED} else row.state, row.winner_id)
            for row in rows}  # fmt: skip


async def tried_undoing(claim_id: UUID, by: UUID, claim_ids: list[UUID]) -> dict[UUID, Kept] | str:
    """How the claims would stand if the last decision on one were undone, or why it cannot be; nothing is changed."""
    found: dict[UUID, Kept] = {}

    @transaction
    async def trial() -> None:
        await undoing.undo(claim_id, Decider(by, "试行"))
        found.update(await kept(claim_ids))
        raise UndoneError

    try:
        await trial()
    except UndoneError:
        return found
    except DomainError as refused:
        return refused.slug
    raise AssertionError("a trial that was kept")


@transaction
async def settled(student_id: UUID) -> None:
    """Nothing is left to be done: looking at a student again writes nothing."""
    await registry.hold(student_id)
    before = await Referral.filter(student_id=student_id).order_by("id").values_list("id", "version")
    await matching.reconsider([student_id], YEAR, actor_id=None)
    assert await Referral.filter(student_id=student_id).order_by("id").values_list("id", "version") == before


async def lives_once(students: list[UUID]) -> None:
    rows = await Referral.filter(student_id__in=students, state__in=list(LIVE))
    pairs = [(row.student_id, row.year) for row in rows]
    assert len(pairs) == len(set(pairs))
    own = await Referral.filter(student_id__in=students).exclude(state=ReferralState.WITHDRAWN)
    schools = [(row.student_id, row.school_id) for row in own]
    assert len(schools) == len(set(schools))


async def histories(claim_ids: list[UUID]) -> dict[UUID, list[AuditEntry]]:
    """What the audit says of each claim, without appeals and looks, which leave it as it is."""
    subjects = {f"referral:{one}": one for one in claim_ids}
    found: dict[UUID, list[AuditEntry]] = {one: [] for one in claim_ids}
    for entry in await AuditEntry.filter(subject__in=list(subjects)).order_by("id"):
        if entry.action.startswith("referral."):
            found[subjects[entry.subject]].append(entry)
    return found


def reads_true(claim: Referral, history: list[AuditEntry]) -> None:
    """Each act begins where the one before ended, up to how the claim stands now."""
    assert history[0].action == "referral.registered"
    assert history[0].before == ""
    for one, following in pairwise(history):
        together = (one.before, one.after) == (following.before, following.after)
        assert together or following.before == one.after, [(e.action, e.before, e.after) for e in history]
    assert history[-1].after == claim.state, [(e.action, e.before, e.after) for e in history]
    for entry in history:
        assert entry.actor_id or entry.action not in {"referral.upheld", "referral.rejected"}


async def was_there(claim: Referral, day: date) -> None:
    """A confirmed claim has an enrolment that was registered on the day of the census, as last made known."""
    assert day >= CENSUS
    assert claim.enrolment_id
    enrolment = await Enrolment.get(id=claim.enrolment_id)
    assert (enrolment.student_id, enrolment.year, enrolment.repeating) == (claim.student_id, YEAR, False)
    said = EnrolmentStatus.filter(enrolment_id=enrolment.id, effective_on__lte=CENSUS)
    last = (await said.order_by("-made_at", "-id").limit(1))[0]
    assert last.state == "registered"


async def has_a_way_back(decision: ReferralDecision, by: UUID, claims: list[UUID]) -> None:
    """A decision has an actor and a reason, and can be undone or says why not."""
    assert decision.actor_id
    assert decision.reason
    found = await tried_undoing(decision.referral_id, by, claims)
    assert isinstance(found, dict) or found in WHY_NOT, found


async def appeals_of(claim_ids: list[UUID]) -> list[Appeal]:
    return await Appeal.filter(subject__in=[f"referral:{one}" for one in claim_ids]).order_by("id")


async def claim(claim_id: UUID) -> Referral:
    return await Referral.get(id=claim_id)
