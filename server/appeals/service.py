"""Appealing against a refusal, once, and deciding on it, by another person than who refused."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from uuid import UUID

from tortoise.expressions import Q

from server.access.rules import Caller, Decision, Owner, decide, own
from server.appeals.models import Appeal, AppealState
from server.appeals.refusals import CONTESTABLE
from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, FieldFault, found, invalid, not_found
from server.kernel.ids import parse_id
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction
from server.organisations.roles import Role
from server.people.service import Decider

OLDEST_FIRST, NEWEST_FIRST = Sort("created_at", descending=False), Sort("created_at")


class Verdict(StrEnum):
    """What comes of an appeal."""

    UPHOLD = "uphold"
    """The refusal stands."""
    OVERTURN = "overturn"
    """What was refused is done."""


@transaction
async def appeal(subject: str, reason: str, caller: Caller) -> Appeal:
    """Appeal against the refusal of `subject` (`kind:id`) that stands, as its person or a manager of its organisation.

    Raises DomainError 403, 404 for what is not theirs to see, 409 where no refusal stands or it was appealed before,
    422 for what is no subject.
    """
    kind, subject_id = _parsed(subject)
    contestable = CONTESTABLE[kind]
    owner = await contestable.owner(subject_id)
    decision = decide((own(Role.MANAGER), own()), caller, owner)
    if decision is Decision.UNSEEN:
        raise not_found(owner.noun)
    if decision is not Decision.ALLOWED:
        raise DomainError("not_yours_to_do", 403)
    refusal = await contestable.hold(subject_id)  # held, so two who appeal at once meet here
    if refusal is None:
        raise DomainError("nothing_refused", 409)
    if await Appeal.exists(refusal_id=refusal.id):
        raise DomainError("already_appealed", 409)
    made = await Appeal.create(
        subject=f"{kind}:{subject_id}",
        refusal_id=refusal.id,
        refused_by_id=refusal.actor_id,
        person_id=caller.person_id,
        reason=reason,
        created_at=clock.now(),
    )
    await audit.note(made.subject, "appeal.made", actor_id=caller.person_id, after=AppealState.OPEN)
    await outbox.record("appeal.made", f"appeal:{made.id}", [caller.person_id])
    return made


async def appeals(state: AppealState | None, caller: Caller, limit: int, cursor: str | None) -> Page[Appeal]:
    """Return a page of the appeals that are decided in a role of the caller's, those first that waited for longest."""
    theirs = [Q(subject__startswith=f"{kind}:") for kind in CONTESTABLE if _decides(kind, caller)]
    query = Appeal.filter(Q(*theirs, join_type="OR") if theirs else Q(id__in=[]))
    return await page(query if state is None else query.filter(state=state), OLDEST_FIRST, limit, cursor)


async def of_person(person_id: UUID, limit: int, cursor: str | None) -> Page[Appeal]:
    """Return a page of the appeals that a person made, the newest first."""
    return await page(Appeal.filter(person_id=person_id), NEWEST_FIRST, limit, cursor)


async def last(subject: str) -> Appeal | None:
    """Return the newest appeal against a refusal of `subject`, None where there never was one."""
    return await Appeal.filter(subject=subject).order_by("-created_at", "-id").first()


async def owner(appeal_id: UUID) -> Owner:
    """Return the owner of an appeal: who made it; raises DomainError 404."""
    return Owner("appeal", person_id=(await one(appeal_id)).person_id, secretariat_knows=True)


async def shown(appeal_id: UUID, caller: Caller) -> Appeal:
    """Return an appeal to who made it or may decide on its kind; raises DomainError 403 for others, 404."""
    appeal = await one(appeal_id)
    if appeal.person_id != caller.person_id:
        _require_decides(appeal.subject, caller)
    return appeal


async def one(appeal_id: UUID) -> Appeal:
    """Return an appeal; raises DomainError 404."""
    return found(await Appeal.get_or_none(id=appeal_id), "appeal")


@transaction
async def judge(appeal_id: UUID, verdict: Verdict, caller: Caller, reason: str) -> Appeal:
    """Decide an appeal, in a role in which what it is about is decided; return it.

    Raises DomainError 403 for another role, for who refused, appealed or has an interest of their own, 404, 409 where
    it is decided or, to overturn, where the refusal stands no longer.
    """
    subject, by = (await one(appeal_id)).subject, Decider(caller.person_id, reason)
    _require_decides(subject, caller)
    kind, subject_id = _parsed(subject)
    contestable = CONTESTABLE[kind]
    refusal = await contestable.hold(subject_id)  # before the appeal's own row, as in `appeal`
    judged = found(await Appeal.filter(id=appeal_id).select_for_update().get_or_none(), "appeal")
    await contestable.require_outsider(subject_id, by.person_id)
    if by.person_id in {judged.refused_by_id, judged.person_id}:
        raise DomainError("another_person", 403)
    if judged.state is not AppealState.OPEN:
        raise DomainError("appeal_decided", 409)
    stands = refusal is not None and refusal.id == judged.refusal_id
    if verdict is Verdict.OVERTURN:
        if not stands:
            raise DomainError("nothing_refused", 409)
        await contestable.overturn(subject_id, by)
    await _close(judged, verdict, by)
    event = f"appeal.{judged.state}" if stands or verdict is Verdict.OVERTURN else "appeal.settled"
    await audit.note(
        subject, event, actor_id=by.person_id, before=AppealState.OPEN, after=judged.state, reason=by.reason
    )
    told = {judged.person_id, *await contestable.concerned(subject_id)}
    await outbox.record(event, f"appeal:{judged.id}", sorted(told))
    return judged


async def waits(person_id: UUID) -> bool:
    """Whether an appeal of a person's has not been decided yet."""
    return await Appeal.exists(person_id=person_id, state=AppealState.OPEN)


async def waits_on(subjects: Sequence[str]) -> bool:
    """Whether an appeal against a refusal of one of `subjects` has not been decided yet."""
    return await Appeal.exists(subject__in=list(subjects), state=AppealState.OPEN)


async def open_of(subjects: Collection[str]) -> set[str]:
    """Return of which of `subjects` an appeal has not been decided yet."""
    waiting = await Appeal.filter(subject__in=list(subjects), state=AppealState.OPEN).only("id", "subject")
    return {one.subject for one in waiting}


@transaction
async def forget(person_id: UUID) -> None:
    """Clear what was written in a person's appeals; that they were made and decided stays."""
    await Appeal.filter(person_id=person_id).update(reason="", decision="")


async def _close(judged: Appeal, verdict: Verdict, by: Decider) -> None:
    judged.state = AppealState.UPHELD if verdict is Verdict.UPHOLD else AppealState.OVERTURNED
    judged.decided_by_id, judged.decided_at, judged.decision = by.person_id, clock.now(), by.reason
    await judged.save(update_fields=["state", "decided_by_id", "decided_at", "decision"])


def _decides(kind: str, caller: Caller) -> bool:
    return any(post.role in CONTESTABLE[kind].decided_by for post in caller.posts)


def _require_decides(subject: str, caller: Caller) -> None:
    if not _decides(_parsed(subject)[0], caller):
        raise DomainError("not_yours_to_do", 403)


def _parsed(subject: str) -> tuple[str, UUID]:
    kind, _, text = subject.partition(":")
    subject_id = parse_id(text)
    if kind not in CONTESTABLE or subject_id is None:
        raise invalid(FieldFault("/subject", "appeal_subject", {"kinds": "、".join(CONTESTABLE)}))
    return kind, subject_id
