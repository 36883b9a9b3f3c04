"""Whose turn it is: of a school's lists of one kind one is worked on at a time, in the order in which they came.

Whoever begins, goes on with or ends an import holds its school first and then the import: two that come at once see
each other.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from server.imports.models import Import, ImportKind, ImportState
from server.kernel import audit, clock, outbox
from server.kernel.errors import DomainError, found
from server.kernel.jobs import queue
from server.kernel.jobs.models import Job, JobState
from server.kernel.jobs.queue import Wakeup
from server.kernel.sweeping import Sweep
from server.kernel.transactions import after_commit, transaction
from server.organisations.models import Organisation
from server.organisations.ports import Files

LIVE = (ImportState.QUEUED, ImportState.RUNNING)
_AT_WORK = (JobState.PENDING, JobState.RUNNING)


def job_kind(kind: ImportKind) -> str:
    """Return the kind of the jobs that work on lists of a kind."""
    return f"import_{kind}s"


async def hold(import_id: UUID) -> Import:
    """Return an import, its school and itself held until the transaction ends; raises DomainError 404.

    The school is held against others who hold it, not against rows that come to refer to it.
    """
    seen = found(await Import.get_or_none(id=import_id), "import")
    await hold_school(seen.organisation_id)
    return found(await Import.filter(id=import_id).select_for_update().get_or_none(), "import")


async def hold_school(organisation_id: UUID) -> Organisation:
    """Return a school whose imports nobody else begins or ends meanwhile; raises DomainError 404."""
    school = Organisation.filter(id=organisation_id).select_for_update(no_key=True)
    return found(await school.get_or_none(), "organisation")


async def go_on(source: Import, wakeup: Wakeup | None = None) -> None:
    """Put the next job of a held import into the table."""
    payload = {"import": str(source.id), "from": source.done}
    source.job_id = (await queue.enqueue(job_kind(source.kind), payload, wakeup=wakeup)).id


async def begin_next(organisation_id: UUID, kind: ImportKind, wakeup: Wakeup | None = None) -> None:
    """Begin with the list of a held school that has waited longest, unless one is being worked on."""
    live = Import.filter(organisation_id=organisation_id, kind=kind, state__in=LIVE)
    if await live.filter(job_id__isnull=False).exists():
        return
    if source := await live.order_by("id").first():
        await go_on(source, wakeup)
        await source.save(update_fields=["job_id"])


async def end(source: Import, files: Files, failure: DomainError | None = None) -> None:
    """End a held import, tell who sent it, and begin with the next; its rows go once that is certain."""
    before, source.state = source.state, ImportState.FAILED if failure else ImportState.DONE
    rows_id, source.rows_id, source.job_id, source.ended_at = source.rows_id, None, None, clock.now()
    source.failure = {"slug": failure.slug, "facts": _plain(failure.facts)} if failure else None
    await source.save()
    subject = f"import:{source.id}"
    await audit.note(subject, f"import.{source.state}", actor_id=None, before=before, after=source.state)
    await outbox.record("import.finished", subject, [source.person_id])
    await begin_next(source.organisation_id, source.kind)
    if rows_id:
        after_commit(partial(files.delete, rows_id))


async def watch(files: Files) -> Mapping[str, int]:
    """Go on with imports whose job was lost and end those whose job was given up; return how many of each.

    A job is given up after some attempts, each of which may have died with its worker: where rows were worked off
    meanwhile, another one goes on.
    """
    result, sweep = {"gone_on": 0, "ended": 0}, Sweep()

    async def one(source: Import) -> int:
        if did := await _look_after(source.id, files):
            result[did] += 1
        return 1

    settled = Q(created_at__lt=clock.now() - timedelta(seconds=30))  # one that comes just now finds its turn itself
    await sweep.each(one, await Import.filter(settled, state__in=LIVE).order_by("id").only("id"))
    sweep.end()
    return result


@transaction
async def _look_after(import_id: UUID, files: Files) -> str | None:
    source = await hold(import_id)
    if source.state not in LIVE:
        return None
    if source.job_id is None:
        await begin_next(source.organisation_id, source.kind)
        return None
    job = await Job.get_or_none(id=source.job_id)
    if job and job.state in _AT_WORK:
        return None
    if job and job.state is JobState.FAILED and job.payload["from"] == source.done:
        await end(source, files, DomainError("import_broken", 500))
        return "ended"
    await go_on(source)
    await source.save(update_fields=["job_id"])
    return "gone_on"


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts as JSON keeps them."""
    return {name: value if isinstance(value, int | str) else str(value) for name, value in facts.items()}
