"""What is known of some awards when they are decided, read by a settled number of statements, and what speaks against.

Whatever may change is read while the awards are held; what changes it holds them, too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from server.awards import deciders, holding, soundness, states
from server.awards.deciders import Standing
from server.awards.models import Award, Objection, ObjectionState, Publication, RunKind, SecondCheck
from server.funds import papers
from server.funds import service as funds
from server.funds.models import Fund, PaperKind
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError

REFUSALS = ("award.refused", "award.cancelled")
"""What a payee may appeal against."""
OVERTURNED = "award.overturned"
_CLAIM_ASKED = frozenset({RunKind.REVIEW, RunKind.APPROVE, RunKind.RELEASE})
_OBJECTIONS_ASKED = frozenset({RunKind.APPROVE, RunKind.RELEASE})
_REFUSALS_ASKED = frozenset({RunKind.REFUSE, RunKind.CANCEL})


class Against(NamedTuple):
    """Why an award is not decided so: a slug of `content/problems.yaml`, and the facts of its text."""

    code: str
    facts: Mapping[str, Any] = {}

    @property
    def error(self) -> DomainError:
        """The refusal of one decision alone."""
        return DomainError(self.code, _STATUS.get(self.code, _CONFLICT), **self.facts)


_STATUS = {"not_yours_to_do": 403, "decides_for_own": 403, "another_part": 403, "overturned": 403, "stale_version": 412}
"""By code, what one decision alone is answered with; `_CONFLICT` for all others."""
_CONFLICT = 409


@dataclass(slots=True)
class Known:
    """What is known; what no verb asks for is empty, and what this one does not ask for speaks not against it."""

    verb: RunKind
    standing: Standing
    doubts: Mapping[UUID, str] = field(default_factory=dict)
    objected: Collection[UUID] = frozenset()
    overturned: Collection[UUID] = frozenset()
    publications: Mapping[UUID, Publication] = field(default_factory=dict)
    funds: Mapping[str, Fund] = field(default_factory=dict)
    """By programme."""
    missing: Mapping[tuple[UUID, int], Sequence[PaperKind]] = field(default_factory=dict)
    """By fund and entry year."""

    def doubt(self, award: Award) -> str:
        """Return why an award must not go on, empty where nothing is known; of a claim it is what is true now."""
        return self.doubts.get(award.id, "") if award.referral_id else award.doubt


async def known(awards: Sequence[Award], verb: RunKind, by: UUID) -> Known:
    """Return what has to be known of held awards before somebody decides them."""
    return (await known_for(awards, [verb], by))[verb]


async def known_for(awards: Sequence[Award], verbs: Collection[RunKind], by: UUID) -> dict[RunKind, Known]:
    """Return by verb what has to be known before somebody decides awards so; each thing is read once."""
    asked, found = set(verbs), dict[str, Any](standing=await deciders.standing(by, awards))
    if asked & _CLAIM_ASKED:
        found["doubts"] = await soundness.doubts(awards)
    if asked & _OBJECTIONS_ASKED:
        found["objected"] = await objected(awards)
    if asked & _REFUSALS_ASKED:
        found["overturned"] = await _overturned(awards, by)
    if RunKind.APPROVE in asked:
        made = {one.publication_id for one in awards if one.publication_id}
        found["publications"] = {one.id: one for one in await Publication.filter(id__in=list(made))}
        found["funds"] = await funds_of(awards)
        found["missing"] = await missing(awards, found["funds"])
    return {verb: Known(verb, **found) for verb in verbs}


def against(award: Award, known: Known, version: int | None) -> Against | None:
    """Return what speaks against a decision about an award before anything else does, None where nothing does."""
    return next(_reasons(award, known, version), None)


def _reasons(award: Award, known: Known, version: int | None) -> Iterator[Against]:
    if version is not None and award.version != version:
        yield Against("stale_version")
    yield from _of_the_person(award, known)
    yield from _of_the_award(award, known)
    if known.verb is RunKind.APPROVE:
        yield from _unpayable(award, known)


def _of_the_person(award: Award, known: Known) -> Iterator[Against]:
    if states.role(known.verb, known.standing.roles) is None:
        yield Against("not_yours_to_do")
    if known.standing.own(award):
        yield Against("decides_for_own")


def _of_the_award(award: Award, known: Known) -> Iterator[Against]:
    if award.state not in states.TABLE[known.verb].states:
        yield wrong_state(award)
    if known.verb in _REFUSALS_ASKED and award.id in known.overturned:
        yield Against("overturned")
    if known.verb in _OBJECTIONS_ASKED and award.id in known.objected:
        yield Against("objection_open")
    if known.verb in _CLAIM_ASKED and (code := known.doubt(award)):
        yield Against("award_in_doubt", {"doubt": code})


def wrong_state(award: Award) -> Against:
    """Return what names the state an award is in, and what comes next from there."""
    return Against("award_state", {"state": f"award_{award.state}", "next": f"award_{award.state}_next"})


async def objected(awards: Collection[Award]) -> set[UUID]:
    """Return those of some awards against which, or against whose school, an objection is open."""
    made = {one.publication_id for one in awards if one.publication_id}
    if not made:
        return set()
    waiting = await Objection.filter(publication_id__in=list(made), state=ObjectionState.OPEN)
    single = {one.award_id for one in waiting if one.award_id}
    whole = {(one.publication_id, one.payee_id) for one in waiting if not one.award_id}
    return {one.id for one in awards if one.id in single or (one.publication_id, one.payee_id) in whole}


async def funds_of(awards: Collection[Award]) -> dict[str, Fund]:
    """Return by programme which fund pays some awards."""
    wanted = {one.programme for one in awards}
    return {name: fund for fund in await funds.funds() for name in fund.programmes if name in wanted}


async def missing(awards: Collection[Award], found: Mapping[str, Fund]) -> dict[tuple[UUID, int], Sequence[PaperKind]]:
    """Return by fund and entry year which papers are missing for some awards."""
    asked = {(found[one.programme].id, one.year) for one in awards if one.programme in found}
    return {**await papers.missing_of(asked)}


async def _overturned(awards: Collection[Award], by: UUID) -> set[UUID]:
    """Return those of some awards that this person refused, which another person then put right."""
    subjects = {holding.subject_of(one.id): one.id for one in awards}
    appealed = AuditEntry.filter(subject__in=list(subjects), action=OVERTURNED).only("id", "subject")
    again = {one.subject for one in await appealed}
    if not again:
        return set()
    mine = AuditEntry.filter(subject__in=list(again), action__in=REFUSALS, actor_id=by).only("id", "subject")
    return {subjects[one.subject] for one in await mine}


def _unpayable(award: Award, known: Known) -> Iterator[Against]:
    publication = known.publications.get(award.publication_id) if award.publication_id else None
    if publication is None or clock.today() <= publication.ends_on:
        yield Against("publication_running", {"ends_on": publication.ends_on.isoformat() if publication else ""})
    if award.second_check in {SecondCheck.WAITING, SecondCheck.FAILED}:
        yield Against("second_check_waiting")
    fund = known.funds.get(award.programme)
    if fund is None:
        yield Against("fund_missing")
    elif lacking := known.missing[fund.id, award.year]:
        yield Against("fund_papers_missing", papers.lacking(lacking).facts)
