"""What the schools of a dispute put forward for their claims: notes, and scans that are kept as licences are.

Each school sees its own alone; a reviewer sees all of it, and that they looked is noted.
"""

from datetime import date
from uuid import UUID

from server.kernel import audit, clock
from server.kernel.errors import DomainError, found
from server.kernel.ids import new_id
from server.kernel.paging import Page, Sort, page
from server.kernel.transactions import transaction
from server.organisations.ports import Files, Scans
from server.people.service import Decider
from server.referrals import decisions, holding, verdicts
from server.referrals.holding import Held
from server.referrals.models import Evidence, ReferralState

MOST = 10
"""For one claim: whoever has more to show has it in one picture."""
OLDEST_FIRST = Sort("created_at", descending=False)


@transaction
async def require_open(referral_id: UUID) -> None:
    """Raise DomainError as `add` does, before a picture is looked at."""
    await _open(referral_id)


async def keep_scan(data: bytes, scans: Scans, files: Files) -> UUID:
    """Keep `data`, a JPEG or PNG, as a picture that `add` is to name, and return its id.

    One that nothing names is swept. Raises DomainError `scan_…` for what is no fit picture.
    """
    cleaned, scan_id = await scans.clean(data), new_id()
    await files.write(scan_id, cleaned)
    return scan_id


@transaction
async def add(referral_id: UUID, note: str, scan_id: UUID | None, *, by: UUID) -> Evidence:
    """Put a note forward for a claim in dispute, or a scan, or both; return it.

    Raises DomainError 404, 409 for a school that is not verified, where there is no dispute, after the deadline,
    and past `MOST` of one dispute.
    """
    claim = (await _open(referral_id)).claim
    made = await Evidence.create(referral=claim, note=note, scan_id=scan_id, person_id=by, created_at=clock.now())
    fields = [name for name, value in (("note", note), ("scan", scan_id)) if value]
    await holding.tell(claim, "evidence_added", claim.state, Decider(by, ""), *fields)
    return made


async def listed(referral_id: UUID, limit: int, cursor: str | None, *, by: UUID | None) -> Page[Evidence]:
    """Return a page of what was put forward for a claim, the oldest first.

    `by` is who looks for the secretariat: it is noted. Raises DomainError 403 for who is no outsider, 404.
    """
    shown = await page(Evidence.filter(referral_id=referral_id), OLDEST_FIRST, limit, cursor)
    if by:
        await _note_look(referral_id, by, ["note"] if shown.items else [])
    return shown


async def one(referral_id: UUID, evidence_id: UUID) -> Evidence:
    """Return what was put forward for a claim; raises DomainError 404."""
    return found(await Evidence.get_or_none(id=evidence_id, referral_id=referral_id), "evidence")


async def picture(evidence: Evidence, files: Files, *, by: UUID | None) -> bytes | None:
    """Return the scan of what was put forward as a JPEG, None where there is none; raises DomainError as `listed`."""
    if by:
        await _note_look(evidence.referral_id, by, ["scan" if evidence.scan_id else "note"])
    return await files.read(evidence.scan_id) if evidence.scan_id else None


@transaction
async def _note_look(referral_id: UUID, by: UUID, fields: list[str]) -> None:
    await holding.require_outsider(await holding.all_of(referral_id), by)
    if fields:
        subject = holding.subject_of(referral_id)
        await audit.note(subject, "referral.evidence_viewed", actor_id=by, fields=fields)


async def _open(referral_id: UUID) -> Held:
    held = await holding.hold(referral_id)
    await holding.require_acting(held.claim, after_year=True)  # the days for evidence have an end of their own
    until = _until(held)
    if until is None:
        raise DomainError("no_dispute", 409)
    if clock.today() > until:
        raise DomainError("evidence_closed", 409, until=until.isoformat())
    if await (await decisions.since_opened([referral_id])).count() >= MOST:
        raise DomainError("too_much_evidence", 409, most=MOST)
    return held


def _until(held: Held) -> date | None:
    """Return the last day for evidence of a claim's dispute, the same for all its schools; None without a dispute."""
    claim = held.claim
    if claim.state not in verdicts.OPEN:
        return None
    left = [claim.id] if claim.state is ReferralState.DISPUTED else []
    parties = verdicts.contested(claim.id, held.standings) or left
    return holding.evidence_until(held, parties)
