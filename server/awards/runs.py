"""Runs over many awards: each thing is looked at alone, and what became of it is kept beside it.

A part of a run is one transaction that holds the run, looks at the things behind `reached`, keeps a row for each and
moves `reached` on: whoever is killed leaves whole parts, and nothing is done twice.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server.awards.models import AwardRun, AwardRunRow, AwardState, RunKind, RunOutcome, RunState
from server.kernel import audit, bulk, clock, outbox
from server.kernel.errors import found
from server.kernel.ids import new_id
from server.kernel.jobs import queue
from server.kernel.jobs.queue import Wakeup
from server.kernel.outbox import Occurrence
from server.kernel.paging import Page, Sort, page
from server.kernel.statements import identity, returned
from server.organisations import current
from server.people.service import Decider

PART = 500
JOB = "award_run"
"""The kind of job that goes on with a `run`."""
FIRST = UUID(int=0)
"""Before every id."""
PAST = {
    RunKind.PROPOSE: "proposed",
    RunKind.REVIEW: "reviewed",
    RunKind.APPROVE: "approved",
    RunKind.REFUSE: "refused",
    RunKind.HOLD: "held",
    RunKind.RELEASE: "released",
    RunKind.CANCEL: "cancelled",
}
NEWEST, BY_ID = Sort("created_at"), Sort("id", descending=False, parse=UUID)
_FIRST_ROWS = """
SELECT award.payee_id, min(CAST(made.id AS text)) AS row
FROM award_run_row made
JOIN award ON award.id = made.award_id
WHERE made.run_id = $1 AND made.outcome = 'done'
GROUP BY award.payee_id
ORDER BY award.payee_id"""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one thing: `state` is that of its award where something was done, else `code` says why not."""

    subject_id: UUID
    award_id: UUID | None = None
    state: AwardState | None = None
    code: str = ""
    verdict: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What became of the things of one part: the last that was looked at, and whether there may be more behind it."""

    made: Sequence[Made]
    reached: UUID | None
    more: bool


async def begin(
    kind: RunKind, chosen: Mapping[str, Any], total: int, by: Decider, wakeup: Wakeup | None = None
) -> AwardRun:
    """Begin a run over about `total` things and return it; a worker does the work once that is committed."""
    run = await AwardRun.create(
        kind=kind,
        chosen=dict(chosen),
        reason=by.reason,
        actor_id=by.person_id,
        total=total,
        counts={},
        created_at=clock.now(),
    )
    subject = f"award_run:{run.id}"
    await audit.note(subject, f"award_run.{kind}", actor_id=by.person_id, after=run.state, reason=by.reason)
    await queue.enqueue(JOB, {"run": str(run.id)}, wakeup=wakeup)
    return run


async def hold(run_id: UUID) -> AwardRun:
    """Return a run, held until the transaction ends; raises DomainError 404."""
    return found(await AwardRun.filter(id=run_id).select_for_update().get_or_none(), "award_run")


async def keep(run: AwardRun, part: Part) -> None:
    """Keep what became of a part of a held run, and how far that has come; end it where there is no more."""
    await bulk.insert([_row(run, one) for one in part.made])
    run.done += len(part.made)
    run.counts = dict(Counter(run.counts) + Counter(str(one.state or one.code) for one in part.made))
    run.reached = part.reached or run.reached
    if part.more:
        await run.save(update_fields=["done", "counts", "reached"])
    else:
        await _end(run)


async def run(run_id: UUID) -> AwardRun:
    """Return a run; raises DomainError 404."""
    return found(await AwardRun.get_or_none(id=run_id), "award_run")


async def listed(kind: RunKind | None, limit: int, cursor: str | None) -> Page[AwardRun]:
    """Return a page of runs, the newest first; raises DomainError 422 for a foreign cursor."""
    return await page(AwardRun.filter(kind=kind) if kind else AwardRun.all(), NEWEST, limit, cursor)


def said(run: AwardRun) -> dict[str, Any]:
    """Return what was chosen for a run, without what was left out."""
    return {name: value for name, value in run.chosen.items() if value}


def _row(run: AwardRun, made: Made) -> AwardRunRow:
    return bulk.fresh(
        AwardRunRow,
        id=new_id(),
        run_id=run.id,
        subject_id=made.subject_id,
        award_id=made.award_id,
        outcome=RunOutcome.DONE if made.state else RunOutcome.REFUSED,
        code=made.state or made.code,
        verdict=made.verdict,
    )


async def _end(run: AwardRun) -> None:
    """End a held run, and tell each school of which something was done, by the first row that is about it."""
    before, run.state, run.total, run.ended_at = run.state, RunState.DONE, run.done, clock.now()
    await run.save()
    subject = f"award_run:{run.id}"
    await audit.note(subject, "award_run.done", actor_id=None, before=before, after=run.state)
    rows = {identity(row["payee_id"]): identity(row["row"]) for row in await returned(_FIRST_ROWS, run.id)}
    people, name = await current.acting(rows), f"awards.{PAST[run.kind]}"
    await outbox.record_many(Occurrence(name, f"award_run_row:{row}", people[payee]) for payee, row in rows.items())
