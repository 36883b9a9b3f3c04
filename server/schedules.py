"""Everything that comes round by the clock, and every kind of job: the one place to look them up."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any
from uuid import UUID

from server.awards import queue as fund_queues
from server.awards import runs, working
from server.callbacks import service as callbacks
from server.callbacks.ports import ServiceAccount
from server.engagements import sweeps as engagements
from server.funds.ledger import FUND_QUEUE
from server.funds.models import FundPaper
from server.imports import turns, work
from server.imports.models import Import, ImportKind
from server.imports.work import Importers
from server.kernel import audit_chain, idempotency
from server.kernel.jobs import queue
from server.kernel.jobs.schedules import Schedule
from server.kernel.jobs.worker import Handler
from server.labour import sweeps
from server.notices import announcing, broadcasts, digests, fanout, quiet, receipts, reminding, sendout
from server.organisations import group, lapses, scans
from server.organisations.ports import Files
from server.people import revocations, sessions
from server.privacy import retention, rules
from server.privacy.rules import Retention
from server.reference import service as reference
from server.reference.service import Reference
from server.referrals import census, columns, importing, years
from server.referrals.models import Evidence
from server.settings import ROOT
from server.students import id_regions

FILES_NAMED: scans.Naming = (*scans.NAMING, (Evidence, "scan_id"), (Import, "rows_id"), (FundPaper, "scan_id"))
"""Every column that names a file; what none of them names is swept."""


async def _prune_jobs(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"deleted": await queue.prune()}


async def _prune_idempotency_keys(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"deleted": await idempotency.prune()}


async def _prune_wechat_events(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"deleted": await callbacks.prune()}


async def _prune_sessions(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"deleted": await sessions.prune()}


async def _prune_revocations(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"deleted": await revocations.prune()}


async def _watch_organisations(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await lapses.watch()


async def _watch_postings(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await sweeps.watch()


async def _watch_engagements(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await engagements.watch()


async def _sweep_files(_payload: Mapping[str, Any], *, files: Files) -> Mapping[str, Any]:
    return await scans.sweep(files, FILES_NAMED)


async def _watch_imports(_payload: Mapping[str, Any], *, files: Files) -> Mapping[str, Any]:
    return await turns.watch(files)


@cache
def _importers() -> Importers:
    return importing.importers(id_regions.load(ROOT / "content"), columns.load(ROOT / "content"))


async def _settle_referrals(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await census.settle()


async def _settle_referral_year(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await census.settle_anew(int(payload["year"]))


async def _settle_school(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await census.settle_school(UUID(payload["school"]))


@cache
def _retention() -> Retention:
    return rules.load(ROOT / "content")


async def _retain(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await retention.retain(_retention())


@cache
def _regions() -> Reference:
    return reference.regions_alone(ROOT / "content")


async def _watch_award_runs(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await working.watch()


async def _watch_fund_queues(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await fund_queues.watch()


async def _watch_broadcasts(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await sendout.resume(_regions())


async def _send_broadcast(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await sendout.run(payload, _regions())


async def _tell_searches(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await digests.tell(_regions())


async def _remind_of_money(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await reminding.remind()


async def _announce_calendar(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await announcing.announce(ROOT / "content")


@cache
def _pushing() -> quiet.Rules:
    return quiet.load(ROOT / "content")


async def _tell_again(_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return await fanout.again(callbacks.KIND, receipts.KIND, years.CHANGED, group.CHANGED, broadcasts.STOP)


SCHEDULES = (
    Schedule("retain", "50 3 * * *", _retain),
    Schedule("watch_organisations", "5 0 * * *", _watch_organisations),
    Schedule("settle_referrals", "10 0 * * *", _settle_referrals),
    Schedule("tell_again", "35 * * * *", _tell_again),
    Schedule("watch_award_runs", "* * * * *", _watch_award_runs),
    Schedule("watch_fund_queues", "20 * * * *", _watch_fund_queues),
    Schedule("remind_of_money", "45 * * * *", _remind_of_money),
    Schedule("watch_broadcasts", "* * * * *", _watch_broadcasts),
    Schedule("watch_postings", "*/5 * * * *", _watch_postings),
    Schedule("watch_engagements", "2-57/5 * * * *", _watch_engagements),
    Schedule("prune_jobs", "10 3 * * *", _prune_jobs),
    Schedule("prune_idempotency_keys", "25 * * * *", _prune_idempotency_keys),
    Schedule("seal_audit", "* * * * *", audit_chain.seal_new),
    Schedule("seal_late_audit", "40 3 * * *", audit_chain.seal_late),
    Schedule("prune_sessions", "40 3 * * *", _prune_sessions),
    Schedule("prune_revocations", "5 * * * *", _prune_revocations),
    Schedule("prune_wechat_events", "15 3 * * *", _prune_wechat_events),
)
"""What leans on nothing but the database."""


def every(files: Files) -> Sequence[Schedule]:
    """Return everything that comes round, where `files` holds the scans of papers, and lists that wait."""
    return (
        *SCHEDULES,
        Schedule("sweep_files", "20 4 * * *", partial(_sweep_files, files=files)),
        Schedule("watch_imports", "* * * * *", partial(_watch_imports, files=files)),
        Schedule("tell_searches", quiet.cron(_pushing().digest.at), _tell_searches),
        Schedule("announce_calendar", quiet.cron(_pushing().calendar.at), _announce_calendar),
    )


def handlers(service_account: ServiceAccount, files: Files) -> Mapping[str, Handler]:
    """Return what is done with each kind of job that is enqueued one by one; `files` hold the rows of lists."""
    import_list = partial(work.work, files=files, importers=_importers())
    return {
        callbacks.KIND: partial(callbacks.work, service_account=service_account),
        years.CHANGED: _settle_referral_year,
        group.CHANGED: _settle_school,
        runs.JOB: working.work,
        FUND_QUEUE: fund_queues.work,
        broadcasts.SEND: _send_broadcast,
        broadcasts.STOP: sendout.stop,
        **{turns.job_kind(kind): import_list for kind in ImportKind},
    }


def receipt_handlers(service_account: ServiceAccount) -> Mapping[str, Handler]:
    """Return what is done with receipts of pushes, which come in crowds and stand in nobody's way."""
    return {receipts.KIND: partial(callbacks.work, service_account=service_account)}
