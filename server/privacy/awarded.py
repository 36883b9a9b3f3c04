"""Awards that name students, and objections of people: as they go into an export, and how long they are kept."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import Q, Subquery

from server.awards.models import ENDED, Award, AwardRun, AwardState, Clawback, Objection, ObjectionState, RunKind
from server.awards.owing import GOING_ON
from server.kernel import clock
from server.kernel.errors import FieldFault, invalid
from server.kernel.statements import change, select
from server.kernel.transactions import transaction
from server.privacy import papers
from server.privacy.parts import Part
from server.privacy.rules import Kept, Retention

CHUNK = 500
_UNNAME = (
    "UPDATE award SET student_id = NULL, referral_id = NULL, "
    "matter = trim(substr(matter, 1, 60) || ' ' || CAST(id AS TEXT)) WHERE id = ANY($1)"
)
OVER = (AwardState.PAID, *ENDED)
"""Nothing more happens to it, but where it is claimed back."""


class AwardPart(Part):
    """Money that was proposed, decided or paid to a school because of the student; `facts` are what the rules asked."""

    id: UUID
    student: UUID
    referral: str | None
    programme: str
    year: int
    payee: str
    amount_fen: int
    state: AwardState
    entered_on: date
    facts: dict[str, Any]
    created_at: datetime
    state_since: datetime

    @property
    def subject(self) -> str:
        """What the audit calls it."""
        return f"award:{self.id}"


class ObjectionPart(Part):
    """What the person put forward against awards that were made public, and was answered."""

    id: UUID
    school: str
    reason: str
    state: ObjectionState
    decision: str
    created_at: datetime
    decided_at: datetime | None

    @property
    def subject(self) -> str:
        """What the audit calls it."""
        return f"objection:{self.id}"


async def of_students(students: Collection[UUID]) -> list[AwardPart]:
    """Return every award that names one of these students, those first that came first."""
    rows = Award.filter(student_id__in=list(students)).select_related("payee", "referral").order_by("id")
    return [
        AwardPart.of(
            one,
            student=one.student_id,
            referral=one.referral.number if one.referral else None,
            payee=one.payee.name,
        )
        for one in await rows
    ]


async def objections(person_id: UUID) -> list[ObjectionPart]:
    """Return every objection of a person, those first that came first."""
    rows = Objection.filter(person_id=person_id).select_related("payee").order_by("id")
    return [ObjectionPart.of(one, school=one.payee.name) for one in await rows]


async def running(students: Collection[UUID]) -> set[UUID]:
    """Return those of these students of whom an award is on its way, or is being claimed back."""
    mine = Award.filter(student_id__in=list(students)).only("id", "student_id")
    on_its_way = await mine.exclude(state__in=list(OVER))
    claimed_back = await mine.filter(clawbacks__state__in=list(GOING_ON))
    return {one.student_id for one in (*on_its_way, *claimed_back) if one.student_id}


async def waits(person_id: UUID) -> bool:
    """Whether an objection of a person's has not been decided yet."""
    return await Objection.exists(person_id=person_id, state=ObjectionState.OPEN)


@transaction
async def forget_person(person_id: UUID) -> None:
    """Clear why a person objected; that somebody did, and what came of it, stays."""
    await Objection.filter(person_id=person_id).update(reason="")


async def forget(before: datetime) -> int:
    """Let awards that were over before a moment name nobody, and clear the accounts that were paid into until then.

    What was decided and paid stays, by number. Some at a time; return how many.
    """
    return await _unname(before) or await _forget_chosen(before) or await papers.paid_accounts(before)


def require_kept(year: int, retention: Retention) -> None:
    """Raise DomainError 422 for an entry year of which awards may name nobody any more.

    Nobody could tell then that there was one.
    """
    began = datetime(year, 1, 1, tzinfo=clock.SHANGHAI)
    if began < retention.limit(Kept.AWARD, clock.now()):
        raise invalid(FieldFault("/year", "year_forgotten"))


@transaction
async def _unname(before: datetime) -> int:
    """Let awards name nobody; one of nobody is of a matter, which no other may have, so its id goes with it."""
    named = Q(student_id__isnull=False) | Q(referral_id__isnull=False)
    over = Award.filter(named, state__in=list(OVER), state_since__lt=before)
    lately = Clawback.filter(Q(state__in=list(GOING_ON)) | Q(state_since__gte=before)).values("award_id")
    over = over.exclude(id__in=Subquery(lately))
    ids = [one.id for one in await over.limit(CHUNK).only("id")]
    held = await select(Award, "id = ANY($1) ORDER BY id", ids, only=("id",), hold=True) if ids else []
    still = [one.id for one in await over.filter(id__in=[one.id for one in held]).only("id")]  # asked again, once held
    return await change(_UNNAME, still) if still else 0


@transaction
async def _forget_chosen(before: datetime) -> int:
    """Clear for which claims and cases runs proposed that were over; their rows tell what became of each by number."""
    over = AwardRun.filter(kind=RunKind.PROPOSE, ended_at__lt=before, reached__isnull=False)
    some = await over.limit(CHUNK)
    for one in some:
        one.chosen, one.reached = {**one.chosen, "exceptions": {}, "cases": []}, None
        await one.save(update_fields=["chosen", "reached"])
    return len(some)
