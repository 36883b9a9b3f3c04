"""Objections to what is publicised: anybody's word against one award, or against all that is publicised of a school.

It holds what it names. A reviewer or an approver without a part in any of that decides it; it is refused or goes on.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

from server.awards import deciders, grounds, holding
from server.awards.holding import Change
from server.awards.models import Award, AwardState, Objection, ObjectionState, Part, Publication, PublicationFigure
from server.kernel import audit, clock, outbox
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError, found, not_found
from server.kernel.paging import Page, Sort, page
from server.kernel.statements import select
from server.kernel.transactions import transaction
from server.organisations import current
from server.people.service import Decider

OLDEST_FIRST, NEWEST_FIRST = Sort("created_at", descending=False), Sort("created_at")
MOST, SECONDS = 20, 86400
"""So many may one person make in a day."""
WHY = "objection"
"""By which the history tells that an objection held an award, or refused it."""
_OF_SCHOOL = "publication_id = $1 AND payee_id = $2 ORDER BY id"
_HELD = "subject = ANY($1) AND action = $2 ORDER BY id"
_OPEN = frozenset({AwardState.PUBLICISED, AwardState.HELD})


class Verdict(StrEnum):
    """What comes of an objection."""

    UPHOLD = "uphold"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Word:
    """Whose word it is, and what it says."""

    person_id: UUID
    reason: str


@transaction
async def to_award(award_id: UUID, word: Word) -> Objection:
    """Object to an award while it is publicised, which holds it.

    Raises DomainError 404 for one that is not publicised, as if there were none; 409 once the days are over, or where
    the same person has objected to it already and nobody has decided.
    """
    held = await holding.hold(award_id)
    if held.publication_id is None or held.state not in _OPEN:
        raise not_found("award")
    return await _make(await _running(held.publication_id), held.payee_id, [held], word, award_id)


@transaction
async def to_school(publication_id: UUID, payee_id: UUID, word: Word) -> Objection:
    """Object to what a publication says of a school, which holds all of that; raises DomainError as `to_award` does."""
    publication = await _running(publication_id)
    if not await PublicationFigure.exists(publication_id=publication_id, payee_id=payee_id):
        raise not_found("organisation")
    awards = await select(Award, _OF_SCHOOL, publication_id, payee_id, hold=True)
    return await _make(publication, payee_id, [one for one in awards if one.state in _OPEN], word, None)


@transaction
async def decide(objection_id: UUID, verdict: Verdict, by: Decider) -> Objection:
    """Decide an objection: what it is about is refused, or goes on unless something else holds it. Return it.

    Raises DomainError 403 for who neither reviews nor approves, has an interest of their own, objected, or had any part
    in one of the awards; 404; 409 where it is decided.
    """
    awards = await _named(await objection(objection_id))
    objected = found(await Objection.filter(id=objection_id).select_for_update().get_or_none(), "objection")
    if objected.state is not ObjectionState.OPEN:
        raise DomainError("objection_decided", 409)
    concerned = [one for one in awards if one.state in _OPEN]
    await _require_may(objected, concerned, by.person_id)
    await _close(objected, verdict, by)
    changes = await (_refused if verdict is Verdict.UPHOLD else _let_go)(concerned)
    await deciders.claim([one.id for one in concerned], by.person_id, Part.REVIEW)
    await holding.write(changes, by.person_id, by.reason, tell=False)
    return objected


async def objection(objection_id: UUID) -> Objection:
    """Return an objection with publication and school; raises DomainError 404."""
    return found(await Objection.get_or_none(id=objection_id).select_related("payee", "publication"), "objection")


async def objections(state: ObjectionState | None, limit: int, cursor: str | None) -> Page[Objection]:
    """Return a page of objections with all that they are about, those first that have waited for longest."""
    rows = Objection.all().select_related("payee", "publication", "award__referral")
    return await page(rows.filter(state=state) if state else rows, OLDEST_FIRST, limit, cursor)


async def of_person(person_id: UUID, limit: int, cursor: str | None) -> Page[Objection]:
    """Return a page of what a person objected to, the last first, each with publication and school."""
    made = Objection.filter(person_id=person_id).select_related("payee", "publication")
    return await page(made, NEWEST_FIRST, limit, cursor)


async def _running(publication_id: UUID) -> Publication:
    publication = found(await Publication.get_or_none(id=publication_id), "publication")
    if clock.today() > publication.ends_on:
        raise DomainError("publication_over", 409, ends_on=publication.ends_on.isoformat())
    return publication


async def _make(
    publication: Publication, payee_id: UUID, awards: Sequence[Award], word: Word, award_id: UUID | None
) -> Objection:
    said: dict[str, Any] = {
        "publication_id": publication.id,
        "payee_id": payee_id,
        "award_id": award_id,
        "person_id": word.person_id,
    }
    if await Objection.exists(**said, state=ObjectionState.OPEN):
        raise DomainError("objected_already", 409)
    try:
        made = await Objection.create(**said, reason=word.reason, created_at=clock.now())
    except IntegrityError:
        raise DomainError("objected_already", 409) from None
    changes = [Change(one, one.state, "held", (WHY,)) for one in awards if one.state is AwardState.PUBLICISED]
    for one in changes:
        holding.enter(one.award, AwardState.HELD)
    await holding.write(changes, word.person_id, tell=False)
    await _tell(made, "made", word.person_id, "")
    return await objection(made.id)


async def _named(objected: Objection) -> list[Award]:
    """Hold what an objection is about."""
    if objected.award_id:
        return await holding.hold_all([objected.award_id])
    return await select(Award, _OF_SCHOOL, objected.publication_id, objected.payee_id, hold=True)


async def _require_may(objected: Objection, awards: Sequence[Award], person_id: UUID) -> None:
    known = await deciders.standing(person_id, awards)
    known.require(deciders.EITHER, awards)
    if await deciders.belongs(person_id, objected.payee_id):
        raise DomainError("decides_for_own", 403)
    if person_id == objected.person_id or await deciders.parts([one.id for one in awards], person_id):
        raise DomainError("another_part", 403)


async def _close(objected: Objection, verdict: Verdict, by: Decider) -> None:
    objected.state = ObjectionState.UPHELD if verdict is Verdict.UPHOLD else ObjectionState.REJECTED
    objected.decided_by_id, objected.decided_at, objected.decision = by.person_id, clock.now(), by.reason
    await objected.save(update_fields=["state", "decided_by_id", "decided_at", "decision"])
    await _tell(objected, objected.state, by.person_id, by.reason)


async def _refused(awards: Sequence[Award]) -> list[Change]:
    changes = [Change(one, one.state, "refused", (WHY,)) for one in awards]
    for one in awards:
        holding.enter(one, AwardState.REFUSED)
    return changes


async def _let_go(awards: Sequence[Award]) -> list[Change]:
    """Let go on what only this objection held: none that another one, somebody's word or a doubt holds as well."""
    held = [one for one in awards if one.state is AwardState.HELD and not one.doubt]
    others = await grounds.objected(held)
    ours = await _held_so([one.id for one in held])
    free = [one for one in held if one.id in ours and one.id not in others and one.held_from]
    changes = [Change(one, one.state, "released", (WHY,)) for one in free]
    for one in free:
        holding.enter(one, one.held_from)
    return changes


async def _held_so(award_ids: Collection[UUID]) -> set[UUID]:
    """Return those of some held awards that an objection held, as the last entry of that kind says."""
    subjects = {holding.subject_of(one): one for one in award_ids}
    last = {entry.subject: entry for entry in await select(AuditEntry, _HELD, list(subjects), "award.held")}
    return {subjects[subject] for subject, entry in last.items() if WHY in entry.fields}


async def _tell(objected: Objection, event: str, by: UUID, reason: str) -> None:
    subject, name = f"objection:{objected.id}", f"objection.{event}"
    await audit.note(subject, name, actor_id=by, after=objected.state, reason=reason)
    school = (await current.acting([objected.payee_id]))[objected.payee_id]
    turn = await current.staff(*deciders.EITHER) if objected.state is ObjectionState.OPEN else ()
    await outbox.record(name, subject, sorted({*school, *turn, objected.person_id}))
